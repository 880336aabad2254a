output "name" {
  value = aws_elasticache_serverless_cache.this.name
}

output "arn" {
  value = aws_elasticache_serverless_cache.this.arn
}

output "user_id" {
  value = aws_elasticache_user.functions.user_id
}

output "user_arn" {
  value = aws_elasticache_user.functions.arn
}

output "host" {
  value = aws_elasticache_serverless_cache.this.endpoint[0].address
}

output "port" {
  value = aws_elasticache_serverless_cache.this.endpoint[0].port
}
