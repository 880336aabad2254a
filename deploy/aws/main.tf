# Everpost without a server: two APIs, seven functions, a table, a queue of wake-ups, a stream of events.

data "aws_caller_identity" "this" {}

locals {
  account = data.aws_caller_identity.this.account_id
}

module "key" {
  source = "./modules/key"

  name          = var.name
  deletion_days = var.protected ? 30 : 7
  topics        = var.ses != null
}

module "table" {
  source = "./modules/table"

  name                = var.name
  key_arn             = module.key.arn
  deletion_protection = var.protected
}

module "bodies" {
  source = "./modules/bucket"

  name          = "${var.name}-bodies-${local.account}"
  key_arn       = module.key.arn
  expire_days   = var.body_days
  force_destroy = !var.protected
}

module "wakeups" {
  source = "./modules/queue"

  name                 = "${var.name}-wakeups"
  key_arn              = module.key.arn
  visibility_timeout_s = 6 * local.functions.deliver.timeout_s # as AWS asks for functions
  retention_s          = 3600                                  # an old wake-up wakes nobody: the clock has
  receives_max         = 3
}

module "ses_events" {
  source = "./modules/queue"
  count  = var.ses == null ? 0 : 1

  name                 = "${var.name}-ses"
  key_arn              = module.key.arn
  visibility_timeout_s = 6 * local.functions.hooks.timeout_s
  retention_s          = 4 * 24 * 3600
  receives_max         = 5
  topics               = var.ses.topics
}

module "events" {
  source = "./modules/events"

  name            = "${var.name}-events"
  key_arn         = module.key.arn
  shards          = var.stream.shards
  retention_hours = var.stream.retention_hours
  readers         = var.stream.readers
}

module "network" {
  source = "./modules/network"
  count  = var.network == null ? 0 : 1

  name                = var.name
  cidr                = var.network.cidr
  zones               = var.network.zones
  nat_per_zone        = var.network.nat_per_zone
  interface_endpoints = var.network.interface_endpoints
  table_arns          = local.table_arns
  bucket_arn          = module.bodies.arn
}

module "cache" {
  source = "./modules/cache"
  count  = var.cache == null ? 0 : 1

  name                = var.name
  key_arn             = module.key.arn
  subnet_ids          = module.network[0].subnet_ids
  security_group_id   = module.network[0].cache_security_group_id
  ecpu_per_second_max = var.cache.ecpu_per_second_max
  access_string       = "on ~everpost:* -@all +auth +asking +eval +hgetall +hget +hset +hincrby +hdel +expire" # what ValkeyHealth asks for
}

module "api" {
  source = "./modules/api"

  name                     = var.name
  functions                = module.function
  throttle                 = var.throttle
  usage_plan               = var.usage_plan
  requests_per_address_max = var.requests_per_address_max
  owns_log_role            = var.owns_log_role
  key_arn                  = module.key.arn
  log_days                 = var.log_days
  tracing                  = var.tracing
}

module "site" {
  source = "./modules/site"
  count  = var.site == null ? 0 : 1

  name    = var.name
  folder  = "${path.module}/../../src/everpost/entrypoints/ui"
  api_url = module.api.native_url
  domain  = var.site.domain
}

module "watch" {
  source = "./modules/watch"

  name      = var.name
  key_arn   = module.key.arn
  emails    = var.alarm_emails
  gauges_by = "relay"
  functions = { for name, function in module.function : name => function.name }
  apis      = { original = module.api.original_name, stage = module.api.stage, native = module.api.native_id }
  table     = module.table.name
  stream    = module.events.name
  dead = merge(
    { wakeups = module.wakeups.dead_name, events = module.events.dead_name },
    { for queue in module.ses_events : "ses" => queue.dead_name },
  )
}

# The configuration holds references to secrets, never their values. It is encrypted all the same.
resource "aws_ssm_parameter" "configuration" {
  name        = "/${var.name}/configuration"
  description = "everpost.toml of ${var.name}"
  type        = "SecureString"
  tier        = "Intelligent-Tiering"
  key_id      = module.key.arn
  value       = var.configuration
}

# Without values: `aws secretsmanager put-secret-value` brings them, so that they are in no state and in no plan.
resource "aws_secretsmanager_secret" "this" {
  for_each = var.secrets

  name                    = "${var.name}/${each.key}"
  description             = "Filled by hand; ${var.name} reads it"
  kms_key_id              = module.key.arn
  recovery_window_in_days = var.protected ? 30 : 7
}
