# Without a network, cache, web ACL and page: what anybody can build, and what nearly nothing costs while it stands still.

mock_provider "aws" {
  source = "./tests/aws"
}

variables {
  name                 = "everpost-least"
  configuration        = "[accounts.mailgun]\napi_key = \"secretsmanager:everpost-least/mailgun\"\n"
  code                 = { package = "versions.tf" }
  reserved_concurrency = {}
}

run "least" {
  command = apply

  assert {
    condition     = length(module.network) == 0 && length(module.cache) == 0 && length(module.site) == 0
    error_message = "something was built that nobody asked for"
  }

  assert {
    condition     = toset(keys(module.function)) == toset(["send_email", "get_email_provider", "set_email_provider", "api", "deliver", "relay", "hooks"])
    error_message = "the functions are not the seven"
  }

  assert {
    condition     = aws_ssm_parameter.configuration.type == "SecureString"
    error_message = "the configuration is not encrypted"
  }

  assert {
    condition     = !contains(keys(local.environment), "EVERPOST_HEALTH") || local.environment.EVERPOST_HEALTH == null
    error_message = "without a cache the functions are told of one"
  }

  assert {
    condition     = local.environment.EVERPOST_HTTP_PUBLIC_URL == output.native_url
    error_message = "the links of mails do not lead to the native API"
  }

  assert {
    condition     = output.egress_addresses == [] && output.site_url == null && output.usage_plan_id == null
    error_message = "outputs name what is not there"
  }
}
