# The whole configuration against an AWS that runs on loopback. Only the provider differs from the examples.

terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }
}

variable "endpoint" {
  type = string
}

variable "package" {
  type = string
}

variable "configuration" {
  type = string
}

variable "topic" {
  type = string
}

provider "aws" {
  region                      = "us-east-1"
  access_key                  = "test"
  secret_key                  = "test"
  s3_use_path_style           = true
  skip_credentials_validation = true
  skip_metadata_api_check     = true

  dynamic "endpoints" {
    for_each = [var.endpoint]

    content {
      apigateway     = endpoints.value
      apigatewayv2   = endpoints.value
      cloudfront     = endpoints.value
      cloudwatch     = endpoints.value
      cloudwatchlogs = endpoints.value
      dynamodb       = endpoints.value
      ec2            = endpoints.value
      elasticache    = endpoints.value
      events         = endpoints.value
      iam            = endpoints.value
      kinesis        = endpoints.value
      kms            = endpoints.value
      lambda         = endpoints.value
      s3             = endpoints.value
      secretsmanager = endpoints.value
      sns            = endpoints.value
      sqs            = endpoints.value
      ssm            = endpoints.value
      sts            = endpoints.value
      wafv2          = endpoints.value
    }
  }
}

module "everpost" {
  source = "../aws"

  name                     = "everpost-test"
  configuration            = var.configuration
  secrets                  = ["first", "second", "webhook-first"]
  ses                      = { resources = ["arn:aws:ses:us-east-1:000000000000:identity/example.com"], topics = [var.topic] }
  code                     = { package = var.package, runtime = "python3.11", architecture = "x86_64" }
  network                  = { zones = 2 }
  cache                    = {}
  usage_plan               = { per_second = 50, burst = 100, per_day = 100000 }
  requests_per_address_max = 2000
  site                     = {}
  alarm_emails             = ["ops@example.com"]
  protected                = false
}

output "everpost" {
  value = module.everpost
}
