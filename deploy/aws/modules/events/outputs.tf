output "name" {
  value = aws_kinesis_stream.this.name
}

output "arn" {
  value = aws_kinesis_stream.this.arn
}

output "dead_arn" {
  value = aws_sqs_queue.dead.arn
}

output "dead_name" {
  value = aws_sqs_queue.dead.name
}

output "dead_url" {
  value = aws_sqs_queue.dead.url
}
