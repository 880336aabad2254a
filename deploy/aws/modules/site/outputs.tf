output "url" {
  value = "https://${var.domain == null ? aws_cloudfront_distribution.this.domain_name : var.domain.name}"
}

output "distribution_id" {
  value = aws_cloudfront_distribution.this.id
}
