variable "name" {
  description = "Name of the stream; its dead-letter queue is NAME-dead."
  type        = string
}

variable "key_arn" {
  description = "KMS key of stream and queue."
  type        = string
}

variable "shards" {
  description = "Shards of the stream; null: as many as it needs, at a higher price."
  type        = number
}

variable "retention_hours" {
  description = "Hours for which an event can be read again."
  type        = number
}

variable "readers" {
  description = "Functions that read the events: ARN by a name of yours."
  type        = map(string)
}
