# The store's table. Keys, indexes and the TTL attribute are those of src/everpost/store/dynamodb/schema.py; a test holds
# both together.

locals {
  indexes = {
    due     = { hash = "due_shard", range = "due_at" }
    journal = { hash = "unsequenced_shard", range = "unsequenced_at" }
  }
  attributes = {
    pk                = "S"
    sk                = "S"
    due_shard         = "S"
    due_at            = "N"
    unsequenced_shard = "S"
    unsequenced_at    = "N"
  }
}

resource "aws_dynamodb_table" "this" {
  name                        = var.name
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "pk"
  range_key                   = "sk"
  deletion_protection_enabled = var.deletion_protection

  dynamic "attribute" {
    for_each = local.attributes

    content {
      name = attribute.key
      type = attribute.value
    }
  }

  dynamic "global_secondary_index" {
    for_each = local.indexes

    content {
      name            = global_secondary_index.key
      hash_key        = global_secondary_index.value.hash
      range_key       = global_secondary_index.value.range
      projection_type = "KEYS_ONLY"
    }
  }

  ttl {
    attribute_name = "expires_at"
    enabled        = true
  }

  point_in_time_recovery {
    enabled = true
  }

  server_side_encryption {
    enabled     = true
    kms_key_arn = var.key_arn
  }
}
