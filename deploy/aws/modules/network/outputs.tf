output "subnet_ids" {
  value = aws_subnet.private[*].id
}

output "functions_security_group_id" {
  value = aws_security_group.functions.id
}

output "cache_security_group_id" {
  value = aws_security_group.cache.id
}

output "egress_addresses" {
  value = aws_eip.nat[*].public_ip
}
