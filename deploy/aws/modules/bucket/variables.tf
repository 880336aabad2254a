variable "name" {
  description = "Name of the bucket; unique in the world."
  type        = string
}

variable "key_arn" {
  description = "KMS key; null for keys of S3's own (what anybody may read, such as a web page)."
  type        = string
  default     = null
}

variable "versioned" {
  description = "Keep what is written over or deleted for 90 days."
  type        = bool
  default     = false
}

variable "expire_days" {
  description = "Days after which objects go; null: never."
  type        = number
  default     = null
}

variable "force_destroy" {
  description = "Let `terraform destroy` delete a bucket that is not empty."
  type        = bool
  default     = false
}

variable "statements" {
  description = "Further statements of the bucket's policy."
  type        = any
  default     = []
}
