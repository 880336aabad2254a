variable "name" {
  description = "Prefix of all names."
  type        = string
}

variable "folder" {
  description = "Folder of the page's files."
  type        = string
}

variable "api_url" {
  description = "Where /v1/* goes on to."
  type        = string
}

variable "domain" {
  description = "Name and certificate (in us-east-1) of a domain of yours; null: a name of CloudFront's."
  type        = object({ name = string, certificate_arn = string })
}
