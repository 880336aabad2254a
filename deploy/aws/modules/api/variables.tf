variable "name" {
  description = "Prefix of all names."
  type        = string
}

variable "functions" {
  description = "The functions by their names: name, arn, invoke_arn."
  type        = map(object({ name = string, arn = string, invoke_arn = string }))
}

variable "throttle" {
  description = "What each of the two APIs takes from all callers together."
  type        = object({ per_second = number, burst = number })
}

variable "usage_plan" {
  description = "What one x-api-key of the original operations may ask for; null: no such key is asked for."
  type        = object({ per_second = number, burst = number, per_day = number })
}

variable "requests_per_address_max" {
  description = "Requests of one address in five minutes; null: no web ACL."
  type        = number
}

variable "owns_log_role" {
  description = "Set the role by which API Gateway writes logs in this account and region."
  type        = bool
}

variable "key_arn" {
  description = "KMS key of the logs."
  type        = string
}

variable "log_days" {
  description = "Days for which access logs are kept."
  type        = number
}

variable "tracing" {
  description = "Send traces to X-Ray."
  type        = bool
}
