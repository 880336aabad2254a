# Alarms, as data: what is watched, when it is wrong, and what to do then. All go to one topic.

data "aws_caller_identity" "this" {}
data "aws_region" "this" {}

locals {
  account = data.aws_caller_identity.this.account_id
  gauges  = { Function = var.functions[var.gauges_by] }

  alarms = merge(
    {
      oldest-queue-age = {
        namespace = "Everpost", metric = "OldestDueAge", dimensions = local.gauges
        statistic = "Maximum", above = 300, minutes = 5, silence = "breaching"
        then      = "No account takes mail, or there is more mail than they are fast. Silence: the clock does not call."
      }
      all-circuits-open = {
        namespace = "Everpost", metric = "AccountsUsable", dimensions = local.gauges
        statistic = "Minimum", below = 1, minutes = 2, silence = "breaching"
        then      = "No account can be asked. Mail is accepted and waits; see last_error in GET /v1/accounts."
      }
      conservation = {
        namespace = "Everpost", metric = "Unaccounted", dimensions = local.gauges
        statistic = "Maximum", above = 0, minutes = 3, silence = "missing"
        then      = "Accepted mail and the sum of its states differ: a bug. Report it."
      }
      webhooks-refused = {
        namespace = "Everpost", metric = "Webhooks", dimensions = { Function = var.functions["hooks"], Result = "forged" }
        statistic = "Sum", above = 10, minutes = 5, silence = "notBreaching"
        then      = "Events are refused as forged: a webhook_secret is wrong or was replaced, or somebody tries. See the log."
      }
      webhooks-unconfigured = {
        namespace = "Everpost", metric = "Webhooks", dimensions = { Function = var.functions["hooks"], Result = "unconfigured" }
        statistic = "Sum", above = 0, minutes = 1, silence = "notBreaching"
        then      = "A provider sends events of an account that has no webhook_secret: they are all refused."
      }
      table-errors = {
        namespace = "AWS/DynamoDB", metric = "SystemErrors", dimensions = { TableName = var.table, Operation = "TransactWriteItems" }
        statistic = "Sum", above = 0, minutes = 5, silence = "notBreaching"
        then      = "DynamoDB fails. What was not committed was not acknowledged."
      }
      stream-throttled = {
        namespace = "AWS/Kinesis", metric = "WriteProvisionedThroughputExceeded", dimensions = { StreamName = var.stream }
        statistic = "Sum", above = 0, minutes = 5, silence = "notBreaching"
        then      = "More events than the shards take. They wait in the store; give stream.shards one more."
      }
      original-api-errors = {
        namespace = "AWS/ApiGateway", metric = "5XXError", dimensions = { ApiName = var.apis.original, Stage = var.apis.stage }
        statistic = "Average", above = 0.05, minutes = 5, silence = "notBreaching"
        then      = "More than 5 % of calls are answered 5xx. 502 and 503 tell what became of a mail; see the function's log."
      }
      native-api-errors = {
        namespace = "AWS/ApiGateway", metric = "5xx", dimensions = { ApiId = var.apis.native }
        statistic = "Average", above = 0.05, minutes = 5, silence = "notBreaching"
        then      = "More than 5 % of calls are answered 5xx; see the function's log."
      }
    },
    {
      for name, queue in var.dead : "${name}-dead-letters" => {
        namespace = "AWS/SQS", metric = "ApproximateNumberOfMessagesVisible", dimensions = { QueueName = queue }
        statistic = "Maximum", above = 0, minutes = 1, silence = "notBreaching"
        then      = "Nobody could take these messages. Look at them, then redrive or purge."
      }
    },
    {
      for name, function in var.functions : "${replace(name, "_", "-")}-errors" => {
        namespace = "AWS/Lambda", metric = "Errors", dimensions = { FunctionName = function }
        statistic = "Sum", above = 0, minutes = 5, silence = "notBreaching"
        then      = "A run ended by an exception, a time-out or a crash. Mail in flight is resolved by the next run."
      }
    },
    {
      for name, function in var.functions : "${replace(name, "_", "-")}-throttles" => {
        namespace = "AWS/Lambda", metric = "Throttles", dimensions = { FunctionName = function }
        statistic = "Sum", above = 0, minutes = 3, silence = "notBreaching"
        then      = "The function has reached its reserved concurrency."
      }
    },
  )
}

resource "aws_sns_topic" "alarms" {
  name              = "${var.name}-alarms"
  kms_master_key_id = var.key_arn
}

resource "aws_sns_topic_policy" "alarms" {
  arn = aws_sns_topic.alarms.arn

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "AlarmsOfThisAccount"
        Effect    = "Allow"
        Principal = { Service = "cloudwatch.amazonaws.com" }
        Action    = "sns:Publish"
        Resource  = aws_sns_topic.alarms.arn
        Condition = { StringEquals = { "aws:SourceAccount" = local.account } }
      },
      {
        Sid       = "TlsOnly"
        Effect    = "Deny"
        Principal = "*"
        Action    = "sns:Publish"
        Resource  = aws_sns_topic.alarms.arn
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
    ]
  })
}

resource "aws_sns_topic_subscription" "email" {
  for_each = var.emails

  topic_arn = aws_sns_topic.alarms.arn
  protocol  = "email"
  endpoint  = each.value
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local.alarms

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.then
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = each.value.statistic
  comparison_operator = try(each.value.above, null) == null ? "LessThanThreshold" : "GreaterThanThreshold"
  threshold           = try(each.value.above, each.value.below)
  period              = 60
  evaluation_periods  = each.value.minutes
  datapoints_to_alarm = each.value.minutes
  treat_missing_data  = each.value.silence
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}
