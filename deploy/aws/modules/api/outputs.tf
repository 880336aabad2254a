output "original_url" {
  value = aws_api_gateway_stage.live.invoke_url
}

output "original_id" {
  value = aws_api_gateway_rest_api.this.id
}

output "original_name" {
  value = aws_api_gateway_rest_api.this.name
}

output "stage" {
  value = aws_api_gateway_stage.live.stage_name
}

output "native_url" {
  value = aws_apigatewayv2_api.this.api_endpoint
}

output "native_id" {
  value = aws_apigatewayv2_api.this.id
}

output "usage_plan_id" {
  value = one(aws_api_gateway_usage_plan.this[*].id)
}
