variable "name" {
  description = "Name of the cache."
  type        = string
}

variable "key_arn" {
  description = "KMS key of what is at rest."
  type        = string
}

variable "subnet_ids" {
  description = "Subnets of the functions."
  type        = list(string)
}

variable "security_group_id" {
  description = "Security group that lets the functions in."
  type        = string
}

variable "ecpu_per_second_max" {
  description = "Bound of the work, and so of the bill."
  type        = number
}

variable "access_string" {
  description = "What the functions' user may do: Valkey's ACL."
  type        = string
}
