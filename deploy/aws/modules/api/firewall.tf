# A web ACL before the REST API: HTTP APIs can't have one. No rule reads bodies: mail is HTML, which rules against
# scripts take for an attack, and is longer than the 8 kB that they read.

resource "aws_wafv2_web_acl" "this" {
  count = var.requests_per_address_max == null ? 0 : 1

  name        = var.name
  description = "Addresses that ask too often, and those that AWS knows for attacks"
  scope       = "REGIONAL"

  default_action {
    allow {}
  }

  rule {
    name     = "often"
    priority = 1

    action {
      block {}
    }

    statement {
      rate_based_statement {
        limit                 = var.requests_per_address_max
        aggregate_key_type    = "IP"
        evaluation_window_sec = 300
      }
    }

    visibility_config {
      metric_name                = "${var.name}-often"
      cloudwatch_metrics_enabled = true
      sampled_requests_enabled   = false # samples hold keys
    }
  }

  rule {
    name     = "known"
    priority = 2

    override_action {
      none {}
    }

    statement {
      managed_rule_group_statement {
        vendor_name = "AWS"
        name        = "AWSManagedRulesAmazonIpReputationList"
      }
    }

    visibility_config {
      metric_name                = "${var.name}-known"
      cloudwatch_metrics_enabled = true
      sampled_requests_enabled   = false
    }
  }

  visibility_config {
    metric_name                = var.name
    cloudwatch_metrics_enabled = true
    sampled_requests_enabled   = false
  }
}

resource "aws_wafv2_web_acl_association" "rest" {
  count = var.requests_per_address_max == null ? 0 : 1

  web_acl_arn  = aws_wafv2_web_acl.this[0].arn
  resource_arn = aws_api_gateway_stage.live.arn
}
