variable "name" {
  description = "Name of the queue; its dead-letter queue is NAME-dead."
  type        = string
}

variable "key_arn" {
  description = "KMS key of both queues."
  type        = string
}

variable "topics" {
  description = "ARNs of the topics of SNS that may write to the queue."
  type        = set(string)
  default     = []
}

variable "visibility_timeout_s" {
  description = "Seconds for which a received message is kept from others."
  type        = number
}

variable "retention_s" {
  description = "Seconds after which a message that nobody has taken goes."
  type        = number
}

variable "receives_max" {
  description = "Times a message may come back before it goes to the dead-letter queue."
  type        = number
}
