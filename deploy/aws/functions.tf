# The functions as data: what each is, and what its role may do. Statements name each action and each resource.

locals {
  functions = {
    send_email         = { timeout_s = 29, grants = ["settings", "secrets", "write_table", "keep_contents", "wake", "health", "send_by_ses"] }
    get_email_provider = { timeout_s = 10, grants = ["settings", "read_settings", "health"] }
    set_email_provider = { timeout_s = 10, grants = ["settings", "read_settings", "write_settings", "health"] }
    api                = { timeout_s = 29, grants = ["settings", "secrets", "write_table", "keep_contents", "read_contents", "put_attachments", "read_attachments", "wake", "health", "send_by_ses", "send_whole_by_ses", "ask_ses"] }
    deliver            = { timeout_s = 120, grants = ["settings", "secrets", "write_table", "read_contents", "read_attachments", "sweep", "be_woken", "health", "send_by_ses", "send_whole_by_ses"] }
    hooks              = { timeout_s = 15, grants = ["settings", "webhook_secrets", "note_events", "take_events_of_ses"] }
    relay              = { timeout_s = 55, grants = ["settings", "number_events", "publish", "health"] }
  }
  usual_memory_mb = 512

  # What providers sign their events with is all that the function needs which reads those.
  webhook_secrets = [for name, secret in aws_secretsmanager_secret.this : secret.arn if startswith(name, "webhook")]

  read_secrets = {
    Sid      = "ReadSecrets"
    Effect   = "Allow"
    Action   = ["secretsmanager:GetSecretValue"]
    Resource = [for secret in aws_secretsmanager_secret.this : secret.arn]
  }

  grants = {
    settings = [
      {
        Sid      = "ReadConfiguration"
        Effect   = "Allow"
        Action   = ["ssm:GetParameter"]
        Resource = aws_ssm_parameter.configuration.arn
      },
      {
        Sid       = "UseKeyThroughServices"
        Effect    = "Allow"
        Action    = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"]
        Resource  = module.key.arn
        Condition = { StringEquals = { "kms:ViaService" = local.key_users } }
      },
    ]
    secrets = [for statement in [local.read_secrets] : statement if length(var.secrets) > 0]
    webhook_secrets = [
      for statement in [merge(local.read_secrets, { Resource = local.webhook_secrets })] : statement
      if length(local.webhook_secrets) > 0
    ]
    read_settings = [{
      Sid      = "ReadDocuments" # routes and keys
      Effect   = "Allow"
      Action   = ["dynamodb:Query"]
      Resource = module.table.arn
    }]
    write_settings = [{
      Sid      = "WriteDocuments"
      Effect   = "Allow"
      Action   = ["dynamodb:PutItem"]
      Resource = module.table.arn
    }]
    note_events = [{
      Sid      = "FindMailAndNoteEvents" # changes and deletes nothing in place
      Effect   = "Allow"
      Action   = ["dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query"]
      Resource = local.table_arns
    }]
    number_events = [{
      Sid    = "ReadAndNumberEvents"
      Effect = "Allow"
      Action = [
        "dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem",
      ]
      Resource = local.table_arns
    }]
    write_table = [{
      Sid    = "ReadAndWriteTable" # no Scan, and nothing that changes the table itself
      Effect = "Allow"
      Action = [
        "dynamodb:BatchGetItem", "dynamodb:BatchWriteItem", "dynamodb:DeleteItem",
        "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem",
      ]
      Resource = local.table_arns
    }]
    keep_contents = [{
      Sid      = "KeepContents" # those that no item of the table can hold
      Effect   = "Allow"
      Action   = ["s3:DeleteObject", "s3:PutObject"]
      Resource = "${module.bodies.arn}/bodies/*"
    }]
    read_contents = [{
      Sid      = "ReadAndDeleteContents"
      Effect   = "Allow"
      Action   = ["s3:DeleteObject", "s3:GetObject"]
      Resource = "${module.bodies.arn}/bodies/*"
    }]
    put_attachments = [{
      Sid      = "PutAttachments"
      Effect   = "Allow"
      Action   = ["s3:PutObject"]
      Resource = "${module.bodies.arn}/${local.attachments}*"
    }]
    read_attachments = [{
      Sid      = "ReadAttachments"
      Effect   = "Allow"
      Action   = ["s3:GetObject"]
      Resource = "${module.bodies.arn}/${local.attachments}*"
    }]
    sweep = [
      {
        Sid       = "LookForLeftovers"
        Effect    = "Allow"
        Action    = ["s3:ListBucket"]
        Resource  = module.bodies.arn
        Condition = { StringEquals = { "s3:prefix" = local.attachments } }
      },
      {
        Sid      = "DeleteLeftovers"
        Effect   = "Allow"
        Action   = ["s3:DeleteObject"]
        Resource = "${module.bodies.arn}/${local.attachments}*"
      },
    ]
    wake = [{
      Sid      = "WakeDeliver"
      Effect   = "Allow"
      Action   = ["sqs:SendMessage"]
      Resource = module.wakeups.arn
    }]
    be_woken = [{
      Sid      = "TakeWakeups"
      Effect   = "Allow"
      Action   = ["sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"]
      Resource = module.wakeups.arn
    }]
    publish = [
      {
        Sid      = "PublishEvents"
        Effect   = "Allow"
        Action   = ["kinesis:PutRecords"]
        Resource = module.events.arn
      },
      {
        Sid      = "PutAsideWhatTheStreamRefuses"
        Effect   = "Allow"
        Action   = ["sqs:SendMessage"]
        Resource = module.events.dead_arn
      },
    ]
    send_by_ses = [for ses in var.ses[*] : {
      Sid      = "SendBySes"
      Effect   = "Allow"
      Action   = ["ses:SendEmail"]
      Resource = ses.resources
    }]
    send_whole_by_ses = [for ses in var.ses[*] : {
      Sid      = "SendWholeMailsBySes" # what has attachments, or headers of its own
      Effect   = "Allow"
      Action   = ["ses:SendRawEmail"]
      Resource = ses.resources
    }]
    ask_ses = [for ses in var.ses[*] : {
      Sid      = "AskSesOfItself" # whether the account works, by the operation that tries it; the call knows no resources
      Effect   = "Allow"
      Action   = ["ses:GetAccount"]
      Resource = "*"
    }]
    take_events_of_ses = [for queue in module.ses_events : {
      Sid      = "TakeEventsOfSes"
      Effect   = "Allow"
      Action   = ["sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"]
      Resource = queue.arn
    }]
    health = [for cache in module.cache : {
      Sid      = "ReachCache"
      Effect   = "Allow"
      Action   = ["elasticache:Connect"]
      Resource = [cache.arn, cache.user_arn]
    }]
  }

  table_arns = concat([module.table.arn], module.table.index_arns)
  key_users = [
    for service in ["dynamodb", "kinesis", "lambda", "s3", "secretsmanager", "sqs", "ssm"] :
    "${service}.${data.aws_region.this.name}.amazonaws.com"
  ]

  attachments = "attachments/" # before the names of large attachments, in the bucket of bodies

  environment = {
    EVERPOST_CONFIG       = "ssm:${aws_ssm_parameter.configuration.name}"
    EVERPOST_STORE        = "dynamodb:${module.table.name}?bodies=${module.bodies.id}"
    EVERPOST_ATTACHMENTS  = "s3:${module.bodies.id}?prefix=${local.attachments}"
    EVERPOST_HEALTH       = one([for cache in module.cache : "valkeys://${cache.host}:${cache.port}?iam=${cache.user_id},${cache.name}&serverless=true"])
    EVERPOST_WAKEUP       = "sqs:${module.wakeups.url}"
    EVERPOST_EVENTS_SINKS = "kinesis:${module.events.name}?dlq=${module.events.dead_url}"
    EVERPOST_LOG_LEVEL    = var.log_level
    EVERPOST_LOG_FORMAT   = "json"

    # Where the links of mails lead: to the page's own name, if it has one.
    EVERPOST_HTTP_PUBLIC_URL = coalesce(
      var.public_url, try("https://${var.site.domain.name}", null), module.api.native_url
    )

    AWS_LAMBDA_EXEC_WRAPPER = var.telemetry_layer_arn == null ? null : "/opt/otel-instrument"
  }
}

data "aws_region" "this" {}

module "function" {
  source   = "./modules/function"
  for_each = local.functions

  name        = "${var.name}-${replace(each.key, "_", "-")}"
  handler     = "everpost.entrypoints.aws.${each.key}"
  code        = merge(var.code, each.key == "hooks" && var.code.hooks_package != null ? { package = var.code.hooks_package } : {})
  memory_mb   = lookup(var.memory_mb, each.key, local.usual_memory_mb)
  timeout_s   = each.value.timeout_s
  reserved    = lookup(var.reserved_concurrency, each.key, -1)
  environment = { for name, value in local.environment : name => value if value != null }
  statements  = flatten([for grant in each.value.grants : local.grants[grant]])
  key_arn     = module.key.arn
  log_days    = var.log_days
  tracing     = var.tracing
  layers      = var.telemetry_layer_arn[*]

  network = var.network == null ? null : {
    subnet_ids         = module.network[0].subnet_ids
    security_group_ids = [module.network[0].functions_security_group_id]
  }
}

# Wake-ups are hints: a lost one costs the rest of a minute, so deliver and relay are called by the clock, too.
resource "aws_lambda_event_source_mapping" "wakeups" {
  function_name           = module.function["deliver"].arn
  event_source_arn        = module.wakeups.arn
  batch_size              = 10
  function_response_types = ["ReportBatchItemFailures"]

  scaling_config {
    maximum_concurrency = max(2, lookup(var.reserved_concurrency, "deliver", 100) - 1) # one is left for the clock
  }
}

# Topics of this account and region are subscribed to here; those of others have to be, by hand.
resource "aws_sns_topic_subscription" "ses_events" {
  for_each = toset([
    for topic in flatten([for ses in var.ses[*] : tolist(ses.topics)]) : topic
    if split(":", topic)[3] == data.aws_region.this.name && split(":", topic)[4] == local.account
  ])

  topic_arn            = each.value
  protocol             = "sqs"
  endpoint             = module.ses_events[0].arn
  raw_message_delivery = true
}

# What SES tells, by its topics. One bad message comes again without the others, and ends in the queue of dead letters.
resource "aws_lambda_event_source_mapping" "ses_events" {
  count = length(module.ses_events)

  function_name           = module.function["hooks"].arn
  event_source_arn        = module.ses_events[0].arn
  batch_size              = 10
  function_response_types = ["ReportBatchItemFailures"]

  scaling_config {
    maximum_concurrency = max(2, floor(lookup(var.reserved_concurrency, "hooks", 50) / 2)) # the rest is for the providers that call
  }
}

resource "aws_cloudwatch_event_rule" "minute" {
  for_each = toset(["deliver", "relay"])

  name                = "${var.name}-${each.key}"
  description         = "Calls ${each.key} each minute"
  schedule_expression = "rate(1 minute)"
}

resource "aws_cloudwatch_event_target" "minute" {
  for_each = aws_cloudwatch_event_rule.minute

  rule = each.value.name
  arn  = module.function[each.key].arn
}

resource "aws_lambda_permission" "minute" {
  for_each = aws_cloudwatch_event_rule.minute

  function_name = module.function[each.key].name
  statement_id  = "each-minute"
  action        = "lambda:InvokeFunction"
  principal     = "events.amazonaws.com"
  source_arn    = each.value.arn
}

# What fails is called again in a minute anyway.
resource "aws_lambda_function_event_invoke_config" "minute" {
  for_each = aws_cloudwatch_event_rule.minute

  function_name                = module.function[each.key].name
  maximum_retry_attempts       = 0
  maximum_event_age_in_seconds = 60
}
