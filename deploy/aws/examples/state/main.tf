# The bucket that holds the state of the others. It is made once, by hand, and its own state stays where that was done.

terraform {
  required_version = ">= 1.10"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }
}

provider "aws" {
  region = var.region
}

variable "region" {
  description = "Where to keep it."
  type        = string
  default     = "us-east-1"
}

data "aws_caller_identity" "this" {}

module "key" {
  source = "../../modules/key"

  name          = "everpost-state"
  deletion_days = 30
}

module "bucket" {
  source = "../../modules/bucket"

  name      = "everpost-state-${data.aws_caller_identity.this.account_id}"
  key_arn   = module.key.arn
  versioned = true # a state that was spoilt can be had back
}

output "bucket" {
  description = "For backend.hcl."
  value       = module.bucket.id
}
