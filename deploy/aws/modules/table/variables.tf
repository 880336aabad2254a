variable "name" {
  description = "Name of the table."
  type        = string
}

variable "key_arn" {
  description = "KMS key of the table."
  type        = string
}

variable "deletion_protection" {
  description = "Refuse to delete the table, whoever asks."
  type        = bool
}
