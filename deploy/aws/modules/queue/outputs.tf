output "url" {
  value = aws_sqs_queue.this.url
}

output "arn" {
  value = aws_sqs_queue.this.arn
}

output "name" {
  value = aws_sqs_queue.this.name
}

output "dead_arn" {
  value = aws_sqs_queue.dead.arn
}

output "dead_name" {
  value = aws_sqs_queue.dead.name
}
