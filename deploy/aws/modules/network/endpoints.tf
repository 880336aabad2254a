# Endpoints keep traffic to AWS off the NAT gateway. Their policies let it reach what is ours and nothing else, so that a
# function that was taken over can't carry mail into another account.

resource "aws_vpc_endpoint" "gateway" {
  for_each = {
    dynamodb = { actions = ["dynamodb:*"], resources = var.table_arns }
    s3 = {
      actions   = ["s3:DeleteObject", "s3:GetObject", "s3:ListBucket", "s3:PutObject"]
      resources = [var.bucket_arn, "${var.bucket_arn}/*"]
    }
  }

  vpc_id            = aws_vpc.this.id
  service_name      = "com.amazonaws.${data.aws_region.this.name}.${each.key}"
  vpc_endpoint_type = "Gateway"
  route_table_ids   = aws_route_table.private[*].id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "OursAlone"
      Effect    = "Allow"
      Principal = "*"
      Action    = each.value.actions
      Resource  = each.value.resources
      Condition = { StringEquals = { "aws:PrincipalAccount" = data.aws_caller_identity.this.account_id } }
    }]
  })
}

resource "aws_vpc_endpoint" "interface" {
  for_each = var.interface_endpoints

  vpc_id              = aws_vpc.this.id
  service_name        = "com.amazonaws.${data.aws_region.this.name}.${each.key}"
  vpc_endpoint_type   = "Interface"
  private_dns_enabled = true
  subnet_ids          = aws_subnet.private[*].id
  security_group_ids  = [aws_security_group.endpoints.id]

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "OursAlone"
      Effect    = "Allow"
      Principal = "*"
      Action    = "*" # what a caller may do is in its own role
      Resource  = "*"
      Condition = {
        StringEquals = {
          "aws:PrincipalAccount" = data.aws_caller_identity.this.account_id
          "aws:ResourceAccount"  = data.aws_caller_identity.this.account_id
        }
      }
    }]
  })
}
