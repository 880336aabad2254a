variable "name" {
  description = "Name of the key's alias, and of the log groups that may use it."
  type        = string
}

variable "topics" {
  description = "ARNs of the topics of SNS whose messages go to queues that this key encrypts."
  type        = set(string)
}

variable "deletion_days" {
  description = "Days in which a deleted key can be had back."
  type        = number
}
