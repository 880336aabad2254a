# The least there is: no network, no cache, one shard; nearly all of its price comes with use.

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

  default_tags {
    tags = { application = "everpost", environment = "dev" }
  }
}

variable "region" {
  description = "Where to build it."
  type        = string
  default     = "us-east-1"
}

variable "package" {
  description = "The zip with the functions."
  type        = string
  default     = "../../../../dist/lambda-arm64.zip"
}

module "everpost" {
  source = "../.."

  name                 = "everpost-dev"
  configuration        = file("${path.module}/everpost.toml")
  secrets              = ["mailgun"]
  code                 = { package = var.package }
  reserved_concurrency = {} # a new account may have no more than ten functions at a time
  throttle             = { per_second = 5, burst = 10 }
  site                 = {}
  log_days             = 7
  log_level            = "debug"
  protected            = false
}

output "everpost" {
  description = "Where everything is."
  value       = module.everpost
}
