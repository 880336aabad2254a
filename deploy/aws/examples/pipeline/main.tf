# Two roles that GitHub's jobs may take on, and nobody else: one reads (plan), one builds (apply). Made once, by hand.

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
  description = "Where everything is built."
  type        = string
  default     = "us-east-1"
}

variable "repository" {
  description = "Repository on GitHub, as OWNER/NAME."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$", var.repository))
    error_message = "repository must be OWNER/NAME, without any *: a wildcard would let other repositories in."
  }
}

data "aws_caller_identity" "this" {}
data "aws_partition" "this" {}

locals {
  issuer = "token.actions.githubusercontent.com"
  state  = "arn:${data.aws_partition.this.partition}:s3:::everpost-state-${data.aws_caller_identity.this.account_id}"
  name   = "arn:${data.aws_partition.this.partition}:iam::${data.aws_caller_identity.this.account_id}:role/everpost-prod-*"

  # By the environment that a job runs in: only who may deploy to it gets the role.
  roles = {
    plan  = { environment = "aws-plan", policy = "ReadOnlyAccess", state_actions = ["s3:GetObject"] }
    apply = { environment = "aws", policy = "PowerUserAccess", state_actions = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"] }
  }
}

resource "aws_iam_openid_connect_provider" "github" {
  url            = "https://${local.issuer}"
  client_id_list = ["sts.amazonaws.com"]
}

resource "aws_iam_role" "this" {
  for_each = local.roles

  name                 = "everpost-pipeline-${each.key}"
  max_session_duration = 3600

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Federated = aws_iam_openid_connect_provider.github.arn }
      Action    = "sts:AssumeRoleWithWebIdentity"
      Condition = {
        StringEquals = {
          "${local.issuer}:aud" = "sts.amazonaws.com"
          "${local.issuer}:sub" = "repo:${var.repository}:environment:${each.value.environment}"
        }
      }
    }]
  })
}

resource "aws_iam_role_policy_attachment" "this" {
  for_each = local.roles

  role       = aws_iam_role.this[each.key].name
  policy_arn = "arn:${data.aws_partition.this.partition}:iam::aws:policy/${each.value.policy}"
}

resource "aws_iam_role_policy" "state" {
  for_each = local.roles

  name = "state"
  role = aws_iam_role.this[each.key].id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      { Effect = "Allow", Action = ["s3:ListBucket"], Resource = local.state },
      { Effect = "Allow", Action = each.value.state_actions, Resource = "${local.state}/everpost-prod.tfstate*" },
      { Effect = "Allow", Action = ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"], Resource = "*", Condition = {
        StringEquals = { "kms:ResourceAliases" = "alias/everpost-state" }
      } },
    ]
  })
}

# PowerUserAccess leaves IAM out. Roles of this name alone may be made, so that the functions get theirs. Whoever makes
# roles could make a mighty one: guard the environment `aws` as you would guard the account.
resource "aws_iam_role_policy" "roles" {
  name = "roles"
  role = aws_iam_role.this["apply"].id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect = "Allow"
        Action = [
          "iam:AttachRolePolicy", "iam:CreateRole", "iam:DeleteRole", "iam:DeleteRolePolicy", "iam:DetachRolePolicy",
          "iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListInstanceProfilesForRole",
          "iam:ListRolePolicies", "iam:PutRolePolicy", "iam:TagRole", "iam:UntagRole", "iam:UpdateAssumeRolePolicy",
        ]
        Resource = local.name
      },
      {
        Effect    = "Allow"
        Action    = ["iam:PassRole"]
        Resource  = local.name
        Condition = { StringEquals = { "iam:PassedToService" = ["apigateway.amazonaws.com", "lambda.amazonaws.com"] } }
      },
    ]
  })
}

output "roles" {
  description = "What the workflow takes on."
  value       = { for name, role in aws_iam_role.this : name => role.arn }
}
