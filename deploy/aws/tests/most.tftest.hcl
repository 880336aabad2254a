# Everything switched on.

mock_provider "aws" {
  source = "./tests/aws"
}

variables {
  name          = "everpost-most"
  configuration = "[accounts.mailgun]\napi_key = \"secretsmanager:everpost-most/mailgun\"\n"
  secrets       = ["mailgun", "sendgrid", "webhook-mailgun", "webhook-sendgrid"]
  code          = { package = "versions.tf" }
  network       = {}
  cache         = {}
  stream        = { retention_hours = 168, readers = { archive = "arn:aws:lambda:us-east-1:123456789012:function:archive" } }
  ses = {
    resources = ["arn:aws:ses:us-east-1:123456789012:identity/example.com"]
    topics    = ["arn:aws:sns:us-east-1:123456789012:everpost-ses"]
  }
  usage_plan               = { per_second = 50, burst = 100, per_day = 100000 }
  requests_per_address_max = 2000
  site = {
    domain = {
      name            = "mail.example.com"
      certificate_arn = "arn:aws:acm:us-east-1:123456789012:certificate/11111111-2222-3333-4444-555555555555"
    }
  }
  tracing             = true
  telemetry_layer_arn = "arn:aws:lambda:us-east-1:901920570463:layer:aws-otel-python-arm64-ver-1-32-0:2"
  alarm_emails        = ["ops@example.com"]
}

run "most" {
  command = apply

  assert {
    condition     = length(distinct([for name, function in module.function : function.name])) == 7
    error_message = "functions share a name, and so a role"
  }

  assert {
    condition     = sum(values(var.reserved_concurrency)) <= var.account_concurrency - 100
    error_message = "the usual reservations do not fit into the account"
  }

  assert {
    condition     = aws_lambda_event_source_mapping.wakeups.scaling_config[0].maximum_concurrency < var.reserved_concurrency.deliver
    error_message = "wake-ups can take all of deliver, and leave nothing for the clock"
  }

  assert {
    condition     = contains(aws_lambda_event_source_mapping.wakeups.function_response_types, "ReportBatchItemFailures")
    error_message = "one bad wake-up brings its whole batch back"
  }

  assert {
    condition     = contains(aws_lambda_event_source_mapping.ses_events[0].function_response_types, "ReportBatchItemFailures")
    error_message = "one bad event of SES brings its whole batch back"
  }

  assert {
    condition     = length(aws_sns_topic_subscription.ses_events) == 1
    error_message = "the queue of SES's events does not hear its topics"
  }

  assert {
    condition     = length(aws_secretsmanager_secret.this) == 4
    error_message = "secrets are missing"
  }

  assert {
    condition     = startswith(local.environment.EVERPOST_HEALTH, "valkeys://")
    error_message = "the cache is not reached over TLS"
  }

  assert {
    condition     = local.environment.EVERPOST_HTTP_PUBLIC_URL == "https://mail.example.com"
    error_message = "the links of mails do not lead to the domain of the page"
  }

  assert {
    condition     = output.site_url == "https://mail.example.com"
    error_message = "the page is not where its domain is"
  }

  assert {
    condition     = length(output.egress_addresses) == 2
    error_message = "the loss of one zone takes the way to providers with it"
  }
}
