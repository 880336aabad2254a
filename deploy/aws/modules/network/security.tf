# Who may talk to whom. The functions open connections and take none.

locals {
  ways_out = {
    https      = 443
    smtps      = 465
    submission = 587
  }
  cache_ports = {
    writer = 6379
    reader = 6380
  }
}

resource "aws_security_group" "functions" {
  name        = "${var.name}-functions"
  description = "Functions: out to providers and to AWS, nothing in"
  vpc_id      = aws_vpc.this.id
}

resource "aws_vpc_security_group_egress_rule" "functions" {
  for_each = local.ways_out

  security_group_id = aws_security_group.functions.id
  description       = "To providers and AWS by ${each.key}"
  ip_protocol       = "tcp"
  from_port         = each.value
  to_port           = each.value
  cidr_ipv4         = "0.0.0.0/0"
}

resource "aws_vpc_security_group_egress_rule" "functions_to_cache" {
  for_each = local.cache_ports

  security_group_id            = aws_security_group.functions.id
  description                  = "To the cache (${each.key})"
  ip_protocol                  = "tcp"
  from_port                    = each.value
  to_port                      = each.value
  referenced_security_group_id = aws_security_group.cache.id
}

resource "aws_security_group" "cache" {
  name        = "${var.name}-cache"
  description = "Cache: from the functions alone"
  vpc_id      = aws_vpc.this.id
}

resource "aws_vpc_security_group_ingress_rule" "cache" {
  for_each = local.cache_ports

  security_group_id            = aws_security_group.cache.id
  description                  = "From the functions (${each.key})"
  ip_protocol                  = "tcp"
  from_port                    = each.value
  to_port                      = each.value
  referenced_security_group_id = aws_security_group.functions.id
}

resource "aws_security_group" "endpoints" {
  name        = "${var.name}-endpoints"
  description = "Endpoints: from the functions alone"
  vpc_id      = aws_vpc.this.id
}

resource "aws_vpc_security_group_ingress_rule" "endpoints" {
  security_group_id            = aws_security_group.endpoints.id
  description                  = "From the functions by TLS"
  ip_protocol                  = "tcp"
  from_port                    = 443
  to_port                      = 443
  referenced_security_group_id = aws_security_group.functions.id
}
