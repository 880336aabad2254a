# The native API: an HTTP API, at less than a third of the price of REST; one function answers all of it.

resource "aws_apigatewayv2_api" "this" {
  name          = "${var.name}-native"
  description   = "Everpost's native API"
  protocol_type = "HTTP"
}

resource "aws_apigatewayv2_integration" "api" {
  api_id                 = aws_apigatewayv2_api.this.id
  integration_type       = "AWS_PROXY"
  integration_method     = "POST"
  integration_uri        = var.functions["api"].arn
  payload_format_version = "2.0"
}

resource "aws_apigatewayv2_route" "all" {
  api_id             = aws_apigatewayv2_api.this.id
  route_key          = "$default"
  target             = "integrations/${aws_apigatewayv2_integration.api.id}"
  authorization_type = "NONE" # the function checks Everpost's own keys
}

# What providers call has a function of its own: it may read neither keys nor bodies, and nobody sends too much mail by it.
resource "aws_apigatewayv2_integration" "hooks" {
  api_id                 = aws_apigatewayv2_api.this.id
  integration_type       = "AWS_PROXY"
  integration_method     = "POST"
  integration_uri        = var.functions["hooks"].arn
  payload_format_version = "2.0"
}

resource "aws_apigatewayv2_route" "hooks" {
  api_id             = aws_apigatewayv2_api.this.id
  route_key          = "ANY /hooks/{account}"
  target             = "integrations/${aws_apigatewayv2_integration.hooks.id}"
  authorization_type = "NONE" # the function checks the provider's signature
}

resource "aws_lambda_permission" "hooks" {
  function_name = var.functions["hooks"].name
  statement_id  = "native-api"
  action        = "lambda:InvokeFunction"
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_apigatewayv2_api.this.execution_arn}/*/*/hooks/{account}"
}

resource "aws_lambda_permission" "api" {
  function_name = var.functions["api"].name
  statement_id  = "native-api"
  action        = "lambda:InvokeFunction"
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_apigatewayv2_api.this.execution_arn}/$default/$default"
}

resource "aws_cloudwatch_log_group" "http" {
  name              = "/aws/apigateway/${var.name}-native"
  retention_in_days = var.log_days
  kms_key_id        = var.key_arn
}

resource "aws_apigatewayv2_stage" "default" {
  api_id      = aws_apigatewayv2_api.this.id
  name        = "$default"
  auto_deploy = true

  default_route_settings {
    throttling_rate_limit  = var.throttle.per_second
    throttling_burst_limit = var.throttle.burst
  }

  access_log_settings {
    destination_arn = aws_cloudwatch_log_group.http.arn

    format = jsonencode({
      requestId   = "$context.requestId"
      method      = "$context.httpMethod"
      status      = "$context.status"
      latencyMs   = "$context.responseLatency"
      functionMs  = "$context.integrationLatency"
      answerBytes = "$context.responseLength"
      refusal     = "$context.error.responseType"
    })
  }
}
