variable "name" {
  description = "Name of the key's alias, and of the log groups that may use it."
  type        = string
}

variable "topics" {
  description = "Whether topics of SNS in this account write to queues that this key encrypts."
  type        = bool
  default     = false
}

variable "deletion_days" {
  description = "Days in which a deleted key can be had back."
  type        = number
}
