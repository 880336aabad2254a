variable "name" {
  description = "Name of the function, its role and its log."
  type        = string
}

variable "handler" {
  description = "Handler as Lambda names it: module.function."
  type        = string
}

variable "code" {
  description = "The zip, and what it was built for."
  type = object({
    package      = string
    runtime      = string
    architecture = string
  })
}

variable "memory_mb" {
  description = "Memory; Lambda gives CPU in proportion."
  type        = number
}

variable "timeout_s" {
  description = "Seconds after which Lambda ends it."
  type        = number
}

variable "reserved" {
  description = "Instances that are kept for it, and the most that it gets; -1: what is left of the account's."
  type        = number
}

variable "environment" {
  description = "Environment; names of things, never secrets."
  type        = map(string)
}

variable "statements" {
  description = "Statements of its role's policy."
  type        = any
}

variable "network" {
  description = "Subnets and security groups; null: outside of any network of yours."
  type = object({
    subnet_ids         = list(string)
    security_group_ids = list(string)
  })
}

variable "key_arn" {
  description = "KMS key of environment and log."
  type        = string
}

variable "log_days" {
  description = "Days for which the log is kept."
  type        = number
}

variable "tracing" {
  description = "Send traces to X-Ray."
  type        = bool
}

variable "layers" {
  description = "Layers, by the ARNs of their versions."
  type        = list(string)
}
