output "name" {
  value = aws_dynamodb_table.this.name
}

output "arn" {
  value = aws_dynamodb_table.this.arn
}

output "index_arns" {
  value = [for index in keys(local.indexes) : "${aws_dynamodb_table.this.arn}/index/${index}"]
}
