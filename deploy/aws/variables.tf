variable "name" {
  description = "Prefix of all names, such as everpost-prod."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,29}$", var.name)) && !endswith(var.name, "-")
    error_message = "name must be 2 to 30 small letters, digits and hyphens, begin with a letter and not end with a hyphen: it becomes part of the names of buckets and roles."
  }
}

variable "configuration" {
  description = "Text of everpost.toml. Secrets in it are references: secretsmanager:NAME or ssm:/NAME."
  type        = string

  validation {
    condition     = length(var.configuration) <= 8192
    error_message = "configuration is longer than the 8,192 characters that a parameter of Systems Manager can hold."
  }

  validation {
    condition = alltrue([
      for found in regexall("(?m)^\\s*(\\w*(?:key|password|secret|token))\\s*=\\s*[\"']([^\"']*)", var.configuration) :
      can(regex("^(secretsmanager|ssm):", found[1]))
    ])
    error_message = "configuration holds a secret in plain text: it would stand in the state and in the plan. Put it into Secrets Manager and write secretsmanager:NAME (see `secrets`)."
  }
}

variable "secrets" {
  description = "Secrets to make in Secrets Manager, as NAME/SECRET; empty until you fill them, so that no value is ever in the state. The function hooks may read those whose names begin with webhook, and no others."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for secret in var.secrets : can(regex("^[A-Za-z0-9_-]{1,64}$", secret))])
    error_message = "secrets are names, not values: 1 to 64 letters, digits, hyphens and underscores each."
  }
}

variable "code" {
  description = "The zip with the functions (tools/lambda_zip.py builds it), and what it was built for. `hooks_package`: that of the function hooks, which holds a library for signatures by public key too (SendGrid's); null: the same zip, without it."
  type = object({
    package       = string
    hooks_package = optional(string)
    runtime       = optional(string, "python3.13")
    architecture  = optional(string, "arm64")
  })

  validation {
    condition     = fileexists(var.code.package)
    error_message = "code.package is not a file: build it first, see deploy/aws/README.md."
  }

  validation {
    condition     = var.code.hooks_package == null || try(fileexists(var.code.hooks_package), false)
    error_message = "code.hooks_package is not a file: build it first (make lambda), or leave it out."
  }

  validation {
    condition     = contains(["python3.11", "python3.12", "python3.13"], var.code.runtime)
    error_message = "code.runtime must be python3.11, python3.12 or python3.13, and what the zip was built for."
  }

  validation {
    condition     = contains(["arm64", "x86_64"], var.code.architecture)
    error_message = "code.architecture must be arm64 or x86_64, and what the zip was built for."
  }
}

variable "memory_mb" {
  description = "Memory by function, where it is not the usual."
  type        = map(number)
  default     = {}

  validation {
    condition = alltrue([
      for name, mb in var.memory_mb : contains(keys(local.functions), name) && mb >= 128 && mb <= 10240
    ])
    error_message = "memory_mb: 128 to 10240 for each of send_email, get_email_provider, set_email_provider, api, deliver, relay, hooks."
  }
}

variable "reserved_concurrency" {
  description = "Instances kept for each function, which are also the most that it gets: so delivering can't take what accepting needs. A function that is left out shares the rest of the account."
  type        = map(number)
  default = {
    send_email         = 300
    api                = 300
    get_email_provider = 20
    set_email_provider = 5
    deliver            = 100
    relay              = 1
    hooks              = 50
  }

  validation {
    condition = alltrue([
      for name, reserved in var.reserved_concurrency : contains(keys(local.functions), name) && reserved >= 1
    ])
    error_message = "reserved_concurrency: at least 1 for each of send_email, get_email_provider, set_email_provider, api, deliver, relay, hooks."
  }

  validation {
    condition     = length(var.reserved_concurrency) == 0 || sum(concat([0], values(var.reserved_concurrency))) <= var.account_concurrency - 100
    error_message = "reserved_concurrency adds up to more than account_concurrency less the 100 that AWS keeps unreserved. In a new account, whose limit may be 10, use {} or ask AWS for more."
  }
}

variable "ses" {
  description = "Amazon SES as a provider, by the functions' own roles: `resources` are ARNs of what mail may be sent by (identities, the configuration set, templates), `topics` those of the topics that bring its events to the queue NAME-ses, which an account names as webhook_queue; null: none."
  type = object({
    resources = set(string)
    topics    = optional(set(string), [])
  })
  default = null

  validation {
    condition     = var.ses == null || try(length(var.ses.resources) > 0 && alltrue([for arn in var.ses.resources : can(regex("^arn:aws[a-z-]*:ses:[a-z0-9-]+:[0-9]{12}:(identity|configuration-set|template)/[^*]+$", arn))]), false)
    error_message = "ses.resources are ARNs of identities, configuration sets and templates, at least one, without *: arn:aws:ses:eu-central-1:123456789012:identity/example.com."
  }

  validation {
    condition     = var.ses == null || try(alltrue([for arn in var.ses.topics : can(regex("^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]+$", arn))]), false)
    error_message = "ses.topics are ARNs of topics: arn:aws:sns:eu-central-1:123456789012:everpost-ses."
  }
}

variable "account_concurrency" {
  description = "The account's limit of concurrent functions in this region (Service Quotas, L-B99A9384)."
  type        = number
  default     = 1000
}

variable "network" {
  description = "A network of its own for the functions, with fixed addresses to providers; null: none, at no cost."
  type = object({
    cidr                = optional(string, "10.80.0.0/16")
    zones               = optional(number, 2)
    nat_per_zone        = optional(bool, true)
    interface_endpoints = optional(set(string), ["kinesis-streams", "secretsmanager", "sqs", "ssm"])
  })
  default = null

  validation {
    condition     = var.network == null || can(cidrsubnet(var.network.cidr, 8, 0)) && try(tonumber(split("/", var.network.cidr)[1]) <= 20, false)
    error_message = "network.cidr must be IPv4 in CIDR notation with a prefix of at most 20, such as 10.80.0.0/16."
  }

  validation {
    condition     = var.network == null || try(var.network.zones >= 2 && var.network.zones <= 4, false)
    error_message = "network.zones must be 2 to 4: a serverless cache asks for two."
  }

  validation {
    condition = var.network == null || length(setsubtract(
      try(var.network.interface_endpoints, []), ["kinesis-streams", "logs", "secretsmanager", "sqs", "ssm", "xray"]
    )) == 0
    error_message = "network.interface_endpoints may be kinesis-streams, logs, secretsmanager, sqs, ssm, xray. What is left out is reached by NAT; DynamoDB and S3 have endpoints always, which cost nothing."
  }
}

variable "cache" {
  description = "Keep the health of accounts in ElastiCache Serverless for Valkey; null: the store keeps it."
  type = object({
    ecpu_per_second_max = optional(number, 5000)
  })
  default = null

  validation {
    condition     = var.cache == null || var.network != null
    error_message = "cache needs network: ElastiCache can be reached from inside a network alone."
  }

  validation {
    condition     = var.cache == null || try(var.cache.ecpu_per_second_max >= 1000, false)
    error_message = "cache.ecpu_per_second_max must be at least 1000, the least that AWS takes."
  }
}

variable "stream" {
  description = "The stream of events. Without `shards` it grows by itself, at a higher price. `readers`: functions of yours (ARN by name) that read it."
  type = object({
    shards          = optional(number)
    retention_hours = optional(number, 24)
    readers         = optional(map(string), {})
  })
  default = { shards = 1 }

  validation {
    condition     = var.stream.retention_hours >= 24 && var.stream.retention_hours <= 8760
    error_message = "stream.retention_hours must be 24 to 8760."
  }
}

variable "throttle" {
  description = "Requests that each of the two APIs takes from all callers together; what is beyond gets 429 with Retry-After."
  type        = object({ per_second = number, burst = number })
  default     = { per_second = 200, burst = 400 }

  validation {
    condition     = var.throttle.per_second >= 1 && var.throttle.burst >= var.throttle.per_second
    error_message = "throttle.per_second must be at least 1, and throttle.burst at least as much."
  }
}

variable "usage_plan" {
  description = "Bounds for each x-api-key of the original operations; null: no such key is asked for. Everpost's own keys are asked for always."
  type        = object({ per_second = number, burst = number, per_day = number })
  default     = null
}

variable "requests_per_address_max" {
  description = "Requests of the original operations that one address may make in five minutes; null: no web ACL."
  type        = number
  default     = null

  validation {
    condition     = var.requests_per_address_max == null || try(var.requests_per_address_max >= 10, false)
    error_message = "requests_per_address_max must be at least 10, the least that a web ACL takes."
  }
}

variable "owns_log_role" {
  description = "Set the role by which API Gateway writes logs: one for the whole account and region. false where something else sets it."
  type        = bool
  default     = true
}

variable "site" {
  description = "The page on S3 behind CloudFront; null: none."
  type = object({
    domain = optional(object({ name = string, certificate_arn = string }))
  })
  default = null

  validation {
    condition     = try(var.site.domain, null) == null || can(regex("^arn:aws[a-z-]*:acm:us-east-1:", var.site.domain.certificate_arn))
    error_message = "site.domain.certificate_arn must be a certificate of ACM in us-east-1: CloudFront takes no other."
  }
}

variable "public_url" {
  description = "Address by which recipients reach the native API, for the links by which they unsubscribe; null: that of `site.domain`, or the API's own. Whoever changes it later breaks the links of mails that are out."
  type        = string
  default     = null

  validation {
    condition     = var.public_url == null || can(regex("^https://[A-Za-z0-9.-]+(:[0-9]+)?(/[A-Za-z0-9._~-]+)*$", var.public_url))
    error_message = "public_url must be an address of https without a slash at its end, such as https://mail.example.com."
  }
}

variable "log_days" {
  description = "Days for which logs are kept."
  type        = number
  default     = 30

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731], var.log_days)
    error_message = "log_days must be one that CloudWatch knows, and not 0 (for ever): 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731."
  }
}

variable "log_level" {
  description = "Least level of lines in the functions' logs."
  type        = string
  default     = "info"

  validation {
    condition     = contains(["debug", "info", "warning", "error"], var.log_level)
    error_message = "log_level must be debug, info, warning or error."
  }
}

variable "body_days" {
  description = "Days after which bodies and attachments in S3 go, whatever became of their mail: above messages_days of the configuration."
  type        = number
  default     = 45

  validation {
    condition     = var.body_days >= 8
    error_message = "body_days must be at least 8: mail may wait for three days, and be kept thereafter."
  }

  validation {
    condition     = var.body_days > max(concat([0], [for found in regexall("(?m)^\\s*messages_days\\s*=\\s*([0-9]+)", var.configuration) : tonumber(found[0])])...)
    error_message = "body_days must be above messages_days of the configuration: mail that is still kept would lose its contents."
  }
}

variable "tracing" {
  description = "Send traces to X-Ray."
  type        = bool
  default     = false
}

variable "telemetry_layer_arn" {
  description = "Layer of AWS's distribution of OpenTelemetry, for spans of the calls of AWS; null: X-Ray's own alone. It takes its time at each cold start."
  type        = string
  default     = null

  validation {
    condition     = var.telemetry_layer_arn == null || (var.tracing && can(regex("^arn:aws[a-z-]*:lambda:[^:]+:[0-9]{12}:layer:[^:]+:[0-9]+$", var.telemetry_layer_arn)))
    error_message = "telemetry_layer_arn must be the ARN of a layer's version, and needs tracing."
  }
}

variable "alarm_emails" {
  description = "Addresses that get alarms; each has to confirm once."
  type        = set(string)
  default     = []
}

variable "protected" {
  description = "Refuse to delete the table, and keep the key of deleted data for 30 days instead of 7; false for what is thrown away."
  type        = bool
  default     = true
}
