# Valkey for the health of accounts, shared by all functions. Serverless: always TLS, always in cluster mode. Callers log
# in by IAM; there is no password. What is in it may be lost at any time.

resource "aws_elasticache_user" "functions" {
  user_id       = "${var.name}-functions"
  user_name     = "${var.name}-functions" # IAM asks for both to be equal
  engine        = "valkey"
  access_string = var.access_string

  authentication_mode {
    type = "iam"
  }
}

resource "aws_elasticache_user_group" "this" {
  user_group_id = var.name
  engine        = "valkey"
  user_ids      = [aws_elasticache_user.functions.user_id]
}

resource "aws_elasticache_serverless_cache" "this" {
  name                 = var.name
  description          = "Health of accounts of ${var.name}"
  engine               = "valkey"
  major_engine_version = "8"
  kms_key_id           = var.key_arn
  subnet_ids           = var.subnet_ids
  security_group_ids   = [var.security_group_id]
  user_group_id        = aws_elasticache_user_group.this.user_group_id

  cache_usage_limits {
    data_storage {
      maximum = 1 # some kilobytes an account are kept: this bounds the bill
      unit    = "GB"
    }

    ecpu_per_second {
      maximum = var.ecpu_per_second_max
    }
  }
}
