terraform {
  required_version = ">= 1.10" # the state is locked by S3 itself

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }
}
