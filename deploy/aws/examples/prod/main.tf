# Two zones, fixed addresses to providers, a shared cache, a web ACL, keys with a plan. See docs/cost.md for what stands
# still in this and costs all the same.

terraform {
  required_version = ">= 1.10"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }

  # Made by ../state. S3 itself holds the lock; no table is needed. `terraform init -backend-config=backend.hcl` fills it.
  backend "s3" {
    key          = "everpost-prod.tfstate"
    encrypt      = true
    use_lockfile = true
  }
}

provider "aws" {
  region              = var.region
  allowed_account_ids = [var.account]

  default_tags {
    tags = { application = "everpost", environment = "prod" }
  }
}

variable "region" {
  description = "Where to build it."
  type        = string
  default     = "us-east-1"
}

variable "account" {
  description = "The account to build it in; any other is refused."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account))
    error_message = "account must be the 12 digits of an AWS account."
  }
}

variable "package" {
  description = "The zip with the functions."
  type        = string
  default     = "../../../../dist/lambda-arm64.zip"
}

variable "hooks_package" {
  description = "That of the function which providers call, with the library that SendGrid's signatures need."
  type        = string
  default     = "../../../../dist/lambda-hooks-arm64.zip"
}

variable "site" {
  description = "Name and certificate (ACM, us-east-1) of the page."
  type        = object({ name = string, certificate_arn = string })
  default     = null
}

variable "alarm_emails" {
  description = "Who is told of alarms."
  type        = set(string)
  default     = []
}

module "everpost" {
  source = "../.."

  name                     = "everpost-prod"
  configuration            = file("${path.module}/everpost.toml")
  secrets                  = ["mailgun", "sendgrid", "webhook-mailgun", "webhook-sendgrid"]
  code                     = { package = var.package, hooks_package = var.hooks_package }
  network                  = {}
  cache                    = {}
  stream                   = { retention_hours = 168 }
  usage_plan               = { per_second = 50, burst = 100, per_day = 1000000 }
  requests_per_address_max = 6000
  site                     = { domain = var.site }
  log_days                 = 90
  tracing                  = true
  alarm_emails             = var.alarm_emails
}

output "everpost" {
  description = "Where everything is."
  value       = module.everpost
}
