variable "name" {
  description = "Prefix of all names."
  type        = string
}

variable "cidr" {
  description = "Addresses of the network."
  type        = string
}

variable "zones" {
  description = "Availability zones to be in."
  type        = number
}

variable "nat_per_zone" {
  description = "A NAT gateway in each zone, so that the loss of one zone leaves the way to providers; else one in all."
  type        = bool
}

variable "interface_endpoints" {
  description = "AWS's services that are reached without NAT."
  type        = set(string)
}

variable "table_arns" {
  description = "The table and its indexes: all of DynamoDB that the network lets through."
  type        = list(string)
}

variable "bucket_arn" {
  description = "The bucket: all of S3 that the network lets through."
  type        = string
}
