output "original_url" {
  description = "Where sendEmail, getEmailProvider and setEmailProvider are: URL/sendEmail."
  value       = module.api.original_url
}

output "native_url" {
  description = "Where the native API is: URL/v1/emails."
  value       = module.api.native_url
}

output "webhooks_url" {
  description = "Where providers send their events: URL/ACCOUNT, by the account's name in the configuration."
  value       = "${module.api.native_url}/hooks"
}

output "ses_queue" {
  description = "ARN of the queue to subscribe SES's topics to (null: none), and its name for webhook_queue."
  value       = one([for queue in module.ses_events : { arn = queue.arn, name = queue.name }])
}

output "site_url" {
  description = "The page; null where there is none."
  value       = one(module.site[*].url)
}

output "table" {
  description = "Name of the table: EVERPOST_STORE=dynamodb:TABLE for the command line."
  value       = module.table.name
}

output "bodies" {
  description = "Name of the bucket of large bodies."
  value       = module.bodies.id
}

output "stream" {
  description = "Name of the stream of events."
  value       = module.events.name
}

output "functions" {
  description = "Names of the functions."
  value       = { for name, function in module.function : name => function.name }
}

output "secrets" {
  description = "Names of the secrets to fill: aws secretsmanager put-secret-value --secret-id NAME."
  value       = [for secret in aws_secretsmanager_secret.this : secret.name]
}

output "usage_plan_id" {
  description = "Plan to add keys of the original operations to; null where none is asked for."
  value       = module.api.usage_plan_id
}

output "egress_addresses" {
  description = "Addresses from which providers are called, for their allow lists; none without a network."
  value       = try(module.network[0].egress_addresses, [])
}

output "alarm_topic_arn" {
  description = "Topic of the alarms."
  value       = module.watch.topic_arn
}

output "dashboard" {
  description = "Name of the dashboard in CloudWatch."
  value       = module.watch.dashboard
}

output "ids" {
  description = "Ids of the two APIs, and the stage of the first."
  value       = { original = module.api.original_id, native = module.api.native_id, stage = module.api.stage }
}
