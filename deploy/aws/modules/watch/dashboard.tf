locals {
  panels = [
    {
      title   = "Queue: age of the oldest due mail (s)"
      metrics = [["Everpost", "OldestDueAge", "Function", local.gauges.Function, { stat = "Maximum" }]]
    },
    {
      title = "Mail by state"
      metrics = [
        for state in ["Queued", "Sending", "Uncertain", "Held"] :
        ["Everpost", state, "Function", local.gauges.Function, { stat = "Maximum" }]
      ]
    },
    {
      title = "Accounts that can be asked; mail unaccounted for"
      metrics = [
        ["Everpost", "AccountsUsable", "Function", local.gauges.Function, { stat = "Minimum" }],
        ["Everpost", "Unaccounted", "Function", local.gauges.Function, { stat = "Maximum" }],
      ]
    },
    {
      title = "Mail accepted; attempts by what they came to"
      metrics = [
        ["Everpost", "Accepted", "Function", local.gauges.Function, { stat = "Sum" }],
        [{ expression = "SEARCH('{Everpost,Function,Outcome} Function=\"${local.gauges.Function}\" MetricName=\"Attempts\"', 'Sum')", id = "attempts" }],
      ]
    },
    {
      title = "Webhooks by result; the events in them"
      metrics = [
        for metric in ["Webhooks", "WebhookEvents"] :
        [{ expression = "SEARCH('{Everpost,Function,Result} Function=\"${var.functions["hooks"]}\" MetricName=\"${metric}\"', 'Sum')", id = lower(metric) }]
      ]
    },
    {
      title = "Events: how far sinks are behind (s); those that none will get"
      metrics = [
        [{ expression = "SEARCH('{Everpost,Function,Sink} Function=\"${local.gauges.Function}\" MetricName=\"SinkLag\"', 'Maximum')", id = "lags" }],
        ["Everpost", "DeadLetters", "Function", local.gauges.Function, { stat = "Sum" }],
      ]
    },
    {
      title   = "Functions: runs"
      metrics = [for function in values(var.functions) : ["AWS/Lambda", "Invocations", "FunctionName", function, { stat = "Sum" }]]
    },
    {
      title   = "Functions: time of a run, 99 of 100 (ms)"
      metrics = [for function in values(var.functions) : ["AWS/Lambda", "Duration", "FunctionName", function, { stat = "p99" }]]
    },
    {
      title = "Functions: errors and throttles"
      metrics = [
        for pair in setproduct(values(var.functions), ["Errors", "Throttles"]) :
        ["AWS/Lambda", pair[1], "FunctionName", pair[0], { stat = "Sum" }]
      ]
    },
    {
      title   = "Functions at the same time"
      metrics = [for function in values(var.functions) : ["AWS/Lambda", "ConcurrentExecutions", "FunctionName", function, { stat = "Maximum" }]]
    },
    {
      title = "Answers by the original API"
      metrics = [
        for metric in ["Count", "4XXError", "5XXError"] :
        ["AWS/ApiGateway", metric, "ApiName", var.apis.original, "Stage", var.apis.stage, { stat = "Sum" }]
      ]
    },
    {
      title   = "Answers by the native API"
      metrics = [for metric in ["Count", "4xx", "5xx"] : ["AWS/ApiGateway", metric, "ApiId", var.apis.native, { stat = "Sum" }]]
    },
    {
      title = "Table: units"
      metrics = [
        for metric in ["ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits"] :
        ["AWS/DynamoDB", metric, "TableName", var.table, { stat = "Sum" }]
      ]
    },
    {
      title   = "Events: bytes into the stream"
      metrics = [["AWS/Kinesis", "IncomingBytes", "StreamName", var.stream, { stat = "Sum" }]]
    },
    {
      title   = "Dead letters"
      metrics = [for queue in values(var.dead) : ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", queue, { stat = "Maximum" }]]
    },
  ]
}

resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = var.name

  dashboard_body = jsonencode({
    widgets = [
      for number, panel in local.panels : {
        type   = "metric"
        x      = 8 * (number % 3)
        y      = 6 * floor(number / 3)
        width  = 8
        height = 6
        properties = {
          title   = panel.title
          region  = data.aws_region.this.name
          period  = 60
          view    = "timeSeries"
          metrics = panel.metrics
        }
      }
    ]
  })
}
