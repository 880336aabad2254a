# What is refused before anything is built.

mock_provider "aws" {
  source = "./tests/aws"
}

variables {
  name          = "everpost-test"
  configuration = "[accounts.mailgun]\napi_key = \"secretsmanager:everpost-test/mailgun\"\n"
  code          = { package = "versions.tf" }
}

run "a_name_that_a_bucket_can_not_have" {
  command = plan

  variables {
    name = "Everpost"
  }

  expect_failures = [var.name]
}

run "a_secret_in_plain_text" {
  command = plan

  variables {
    configuration = "[accounts.mailgun]\napi_key = \"key-0123456789abcdef\"\n"
  }

  expect_failures = [var.configuration]
}

run "a_configuration_that_no_parameter_can_hold" {
  command = plan

  variables {
    configuration = join("", [for number in range(1000) : "# longer and longer\n"])
  }

  expect_failures = [var.configuration]
}

run "the_value_of_a_secret_instead_of_its_name" {
  command = plan

  variables {
    secrets = ["SG.abc/def=="]
  }

  expect_failures = [var.secrets]
}

run "any_identity_of_ses" {
  command = plan

  variables {
    ses = { resources = ["arn:aws:ses:us-east-1:123456789012:identity/*"] }
  }

  expect_failures = [var.ses]
}

run "a_zip_that_is_not_there" {
  command = plan

  variables {
    code = { package = "nowhere.zip" }
  }

  expect_failures = [var.code]
}

run "more_than_the_account_has" {
  command = plan

  variables {
    account_concurrency = 500
  }

  expect_failures = [var.reserved_concurrency]
}

run "a_function_that_nobody_knows" {
  command = plan

  variables {
    reserved_concurrency = { delivery = 10 }
  }

  expect_failures = [var.reserved_concurrency]
}

run "a_cache_without_a_network" {
  command = plan

  variables {
    cache = {}
  }

  expect_failures = [var.cache]
}

run "a_network_without_room" {
  command = plan

  variables {
    network = { cidr = "10.0.0.0/28" }
  }

  expect_failures = [var.network]
}

run "logs_for_ever" {
  command = plan

  variables {
    log_days = 0
  }

  expect_failures = [var.log_days]
}

run "a_certificate_that_cloudfront_does_not_take" {
  command = plan

  variables {
    site = {
      domain = { name = "mail.example.com", certificate_arn = "arn:aws:acm:eu-west-1:123456789012:certificate/x" }
    }
  }

  expect_failures = [var.site]
}

run "links_that_anybody_could_read_on_the_way" {
  command = plan

  variables {
    public_url = "http://mail.example.com"
  }

  expect_failures = [var.public_url]
}

run "contents_that_go_before_their_mail" {
  command = plan

  variables {
    configuration = "[retention]\nmessages_days = 60\n"
  }

  expect_failures = [var.body_days]
}
