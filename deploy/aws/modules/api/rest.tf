# The original three operations: a REST API, since it has usage plans and a web ACL.

data "aws_partition" "this" {}

locals {
  operations = {
    sendEmail        = { method = "POST", function = "send_email" }
    getEmailProvider = { method = "GET", function = "get_email_provider" }
    setEmailProvider = { method = "POST", function = "set_email_provider" }
  }

  # What API Gateway answers by itself, in the words of these operations.
  refusals = {
    THROTTLED                    = { status = "429", code = "too_many_requests", message = "too many requests; nothing was accepted" }
    QUOTA_EXCEEDED               = { status = "429", code = "quota_exceeded", message = "the plan of this key is used up; nothing was accepted" }
    REQUEST_TOO_LARGE            = { status = "413", code = "too_large", message = "the body is larger than 10 MB; nothing was accepted" }
    INVALID_API_KEY              = { status = "403", code = "forbidden", message = "the header x-api-key is missing or not known" }
    WAF_FILTERED                 = { status = "429", code = "too_many_requests", message = "too many requests from this address; nothing was accepted" }
    RESOURCE_NOT_FOUND           = { status = "404", code = "not_found", message = "there is no such operation" }
    INTEGRATION_FAILURE          = { status = "503", code = "unavailable", message = "the function did not answer; repeat the call, with its Idempotency-Key if it brings mail" }
    INTEGRATION_TIMEOUT          = { status = "504", code = "unknown", message = "no answer in time, and the mail may have been taken; repeat the call with its Idempotency-Key" }
    MISSING_AUTHENTICATION_TOKEN = { status = "404", code = "not_found", message = "there is no such operation" }
  }
}

resource "aws_api_gateway_rest_api" "this" {
  name        = "${var.name}-original"
  description = "sendEmail, getEmailProvider, setEmailProvider"

  endpoint_configuration {
    types = ["REGIONAL"]
  }
}

resource "aws_api_gateway_resource" "operation" {
  for_each = local.operations

  rest_api_id = aws_api_gateway_rest_api.this.id
  parent_id   = aws_api_gateway_rest_api.this.root_resource_id
  path_part   = each.key
}

resource "aws_api_gateway_method" "operation" {
  for_each = local.operations

  rest_api_id      = aws_api_gateway_rest_api.this.id
  resource_id      = aws_api_gateway_resource.operation[each.key].id
  http_method      = each.value.method
  authorization    = "NONE" # the function checks Everpost's own keys
  api_key_required = var.usage_plan != null
}

resource "aws_api_gateway_integration" "operation" {
  for_each = local.operations

  rest_api_id             = aws_api_gateway_rest_api.this.id
  resource_id             = aws_api_gateway_resource.operation[each.key].id
  http_method             = aws_api_gateway_method.operation[each.key].http_method
  type                    = "AWS_PROXY"
  integration_http_method = "POST"
  uri                     = var.functions[each.value.function].invoke_arn
}

resource "aws_lambda_permission" "operation" {
  for_each = local.operations

  function_name = var.functions[each.value.function].name
  statement_id  = "original-api"
  action        = "lambda:InvokeFunction"
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_api_gateway_rest_api.this.execution_arn}/*/${each.value.method}/${each.key}"
}

resource "aws_api_gateway_gateway_response" "refusal" {
  for_each = local.refusals

  rest_api_id   = aws_api_gateway_rest_api.this.id
  response_type = each.key
  status_code   = each.value.status

  response_parameters = contains(["429", "503", "504"], each.value.status) ? { "gatewayresponse.header.Retry-After" = "'1'" } : {}

  response_templates = {
    "application/json" = jsonencode({
      status  = "error"
      code    = each.value.code
      message = each.value.message
      errors  = []
    })
  }
}

resource "aws_api_gateway_deployment" "this" {
  rest_api_id = aws_api_gateway_rest_api.this.id

  triggers = {
    content = sha256(jsonencode([local.operations, local.refusals, var.usage_plan != null]))
  }

  lifecycle {
    create_before_destroy = true
  }

  depends_on = [aws_api_gateway_integration.operation, aws_api_gateway_gateway_response.refusal]
}

resource "aws_cloudwatch_log_group" "rest" {
  name              = "/aws/apigateway/${var.name}-original"
  retention_in_days = var.log_days
  kms_key_id        = var.key_arn
}

resource "aws_api_gateway_stage" "live" {
  rest_api_id          = aws_api_gateway_rest_api.this.id
  deployment_id        = aws_api_gateway_deployment.this.id
  stage_name           = "live"
  xray_tracing_enabled = var.tracing

  access_log_settings {
    destination_arn = aws_cloudwatch_log_group.rest.arn

    # Ids, sizes and times; no addresses, neither of mail nor of callers.
    format = jsonencode({
      requestId   = "$context.requestId"
      operation   = "$context.resourcePath"
      method      = "$context.httpMethod"
      status      = "$context.status"
      latencyMs   = "$context.responseLatency"
      functionMs  = "$context.integrationLatency"
      answerBytes = "$context.responseLength"
      refusal     = "$context.error.responseType"
    })
  }

  depends_on = [aws_api_gateway_account.this]
}

# Execution logs would go to a group that API Gateway makes itself and that keeps everything for ever; metrics by method
# would cost what those of the whole API do not.
resource "aws_api_gateway_method_settings" "all" {
  rest_api_id = aws_api_gateway_rest_api.this.id
  stage_name  = aws_api_gateway_stage.live.stage_name
  method_path = "*/*"

  settings {
    metrics_enabled        = false
    logging_level          = "OFF"
    data_trace_enabled     = false
    throttling_rate_limit  = var.throttle.per_second
    throttling_burst_limit = var.throttle.burst
  }
}

resource "aws_api_gateway_usage_plan" "this" {
  count = var.usage_plan == null ? 0 : 1

  name        = var.name
  description = "What one key may ask for. Keys are made outside of Terraform, so that none stands in its state"

  api_stages {
    api_id = aws_api_gateway_rest_api.this.id
    stage  = aws_api_gateway_stage.live.stage_name
  }

  throttle_settings {
    rate_limit  = var.usage_plan.per_second
    burst_limit = var.usage_plan.burst
  }

  quota_settings {
    limit  = var.usage_plan.per_day
    period = "DAY"
  }
}

# API Gateway writes access logs of REST APIs with one role for the whole account and region.
resource "aws_iam_role" "log_writer" {
  count = var.owns_log_role ? 1 : 0

  name = "${var.name}-api-logs"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "apigateway.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role_policy_attachment" "log_writer" {
  count = var.owns_log_role ? 1 : 0

  role       = aws_iam_role.log_writer[0].name
  policy_arn = "arn:${data.aws_partition.this.partition}:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"
}

resource "aws_api_gateway_account" "this" {
  count = var.owns_log_role ? 1 : 0

  cloudwatch_role_arn = aws_iam_role.log_writer[0].arn
  depends_on          = [aws_iam_role_policy_attachment.log_writer]
}
