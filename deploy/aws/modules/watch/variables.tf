variable "name" {
  description = "Prefix of all names."
  type        = string
}

variable "key_arn" {
  description = "KMS key of the topic."
  type        = string
}

variable "emails" {
  description = "Addresses that get alarms."
  type        = set(string)
}

variable "functions" {
  description = "Names of the functions in AWS by their names here."
  type        = map(string)
}

variable "gauges_by" {
  description = "The function that writes the gauges of the whole store, once a minute."
  type        = string
}

variable "apis" {
  description = "Name and stage of the REST API, id of the HTTP API."
  type        = object({ original = string, stage = string, native = string })
}

variable "table" {
  description = "Name of the table."
  type        = string
}

variable "stream" {
  description = "Name of the stream."
  type        = string
}

variable "dead" {
  description = "Names of the dead-letter queues by what they are for."
  type        = map(string)
}
