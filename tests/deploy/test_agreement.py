"""What is built is what the code expects: the table, the functions, and what they are told."""

import json
import re
import sys

import pytest

from deploy import rules, terraform
from everpost.entrypoints import emf
from everpost.entrypoints.aws import HANDLERS
from everpost.entrypoints.aws.delivering import LEFT_S_MIN
from everpost.entrypoints.http.ui import POLICY
from everpost.settings import Settings, load
from everpost.store.dynamodb.schema import SCHEMA, TTL_ATTRIBUTE
from everpost.wiring import PROVIDERS

sys.path.insert(0, str(terraform.ROOT / "tools"))

from pages import cost_sums

pytestmark = pytest.mark.slow
CONFIGURATION = (
    '[accounts.mailgun]\nprovider = "mailgun"\ndomain = "mg.example.com"\napi_key = "secretsmanager:everpost/mailgun"\n'
)


def test_the_table_is_the_one_that_the_store_makes(built):
    [table] = [one["values"] for one in rules.of(built, "aws_dynamodb_table")]
    assert table["billing_mode"] == SCHEMA["BillingMode"]
    assert {one["name"]: one["type"] for one in table["attribute"]} == {
        one["AttributeName"]: one["AttributeType"] for one in SCHEMA["AttributeDefinitions"]
    }
    assert [table["hash_key"], table["range_key"]] == [key["AttributeName"] for key in SCHEMA["KeySchema"]]
    assert {
        (one["name"], one["hash_key"], one["range_key"], one["projection_type"])
        for one in table["global_secondary_index"]
    } == {
        (one["IndexName"], *(key["AttributeName"] for key in one["KeySchema"]), one["Projection"]["ProjectionType"])
        for one in SCHEMA["GlobalSecondaryIndexes"]
    }
    assert table["ttl"][0]["attribute_name"] == TTL_ATTRIBUTE


def test_each_handler_has_its_function_and_no_function_is_without(built):
    handlers = {one["values"]["handler"] for one in rules.of(built, "aws_lambda_function")}
    assert handlers == {f"everpost.entrypoints.aws.{name}" for name in HANDLERS}


@pytest.mark.parametrize("shape", ["least", "most"])
def test_a_function_understands_what_its_environment_says(shape, applied, tmp_path):
    file = tmp_path / "everpost.toml"
    file.write_text(CONFIGURATION)
    for one in rules.of(applied[shape][1], "aws_lambda_function"):
        told = {name: value for name, value in rules.environment(one).items() if name != "EVERPOST_CONFIG"}
        settings = load(file, told, PROVIDERS)
        assert isinstance(settings, Settings), settings
        assert settings.warnings == ()


def test_the_page_about_cost_counts_what_stands_there(applied):
    inputs = cost_sums.load().inputs
    _lines, most = applied["most"]

    def number(kind, resources=most):
        return len(list(rules.of(resources, kind)))

    counted = {
        "alarms": number("aws_cloudwatch_metric_alarm"),
        "dashboards": number("aws_cloudwatch_dashboard"),
        "keys": number("aws_kms_key"),
        "secrets": number("aws_secretsmanager_secret"),
        "nat_h": number("aws_nat_gateway"),
        "address_h": number("aws_eip"),
        "web_acls": number("aws_wafv2_web_acl"),
        "acl_rules": sum(len(one["values"]["rule"]) for one in rules.of(most, "aws_wafv2_web_acl")),
        "endpoint_h": sum(
            len(one["values"]["subnet_ids"])
            for one in rules.of(most, "aws_vpc_endpoint")
            if one["values"]["vpc_endpoint_type"] == "Interface"
        ),
    }
    assert {name: inputs["standing"]["prod"][name] for name in counted} == counted
    least = applied["least"][1]
    assert inputs["standing"]["least"]["alarms"] == number("aws_cloudwatch_metric_alarm", least)
    assert {one["values"]["memory_size"] for one in rules.of(most, "aws_lambda_function")} == {
        inputs["assumed"]["memory_mb"]
    }


def test_the_page_is_served_whole_and_under_the_policy_of_the_server(built):
    served = {one["values"]["key"] for one in rules.of(built, "aws_s3_object")}
    assert served == {str(file.relative_to(terraform.PAGE)) for file in terraform.PAGE.rglob("*") if file.is_file()}
    [headers] = [one["values"] for one in rules.of(built, "aws_cloudfront_response_headers_policy")]
    policy = headers["security_headers_config"][0]["content_security_policy"][0]
    assert policy["content_security_policy"] == POLICY.decode()
    assert json.loads((terraform.PAGE / "config.json").read_text())["api"] == ""  # CloudFront leads /v1/* to the API


def test_an_event_that_its_reader_can_not_take_holds_up_nothing(built):
    by_stream = [one["values"] for one in rules.of(built, "aws_lambda_event_source_mapping") if one["name"] == "reader"]
    assert len(by_stream) == 1
    for mapping in by_stream:
        assert mapping["bisect_batch_on_function_error"]
        assert mapping["maximum_retry_attempts"] > 0
        assert mapping["destination_config"][0]["on_failure"][0]["destination_arn"].startswith("arn:aws:sqs:")


def test_events_are_relayed_by_one_at_a_time_and_nobody_takes_all_places(built):
    places = {
        one["values"]["function_name"].removeprefix("everpost-most-"): one["values"]["reserved_concurrent_executions"]
        for one in rules.of(built, "aws_lambda_function")
    }
    assert places["relay"] == 1
    assert min(places.values()) > 0
    assert places["deliver"] < places["send-email"]
    assert sum(places.values()) <= 900  # of the 1,000 that an account has, AWS keeps 100


def test_wake_ups_and_the_clock_call_what_they_are_for(built):
    permissions = [one["values"] for one in rules.of(built, "aws_lambda_permission")]
    by_clock = sorted(one["function_name"] for one in permissions if one["principal"] == "events.amazonaws.com")
    assert by_clock == ["everpost-most-deliver", "everpost-most-relay"]
    timeouts = {
        one["values"]["function_name"]: one["values"]["timeout"] for one in rules.of(built, "aws_lambda_function")
    }
    wakeups = next(
        one["values"] for one in rules.of(built, "aws_sqs_queue") if one["values"]["name"] == "everpost-most-wakeups"
    )
    assert wakeups["visibility_timeout_seconds"] == 6 * timeouts["everpost-most-deliver"]
    assert timeouts["everpost-most-deliver"] >= LEFT_S_MIN


def test_what_the_gateway_answers_by_itself_is_in_the_form_of_the_operations_and_says_when_to_come_again(built):
    answers = {
        one["values"]["response_type"]: one["values"] for one in rules.of(built, "aws_api_gateway_gateway_response")
    }
    assert {
        "THROTTLED",
        "QUOTA_EXCEEDED",
        "WAF_FILTERED",
        "INTEGRATION_FAILURE",
        "INTEGRATION_TIMEOUT",
    } <= answers.keys()
    for answer in answers.values():
        told = json.loads(answer["response_templates"]["application/json"])
        assert (told["status"], told["errors"]) == ("error", [])
        is_for_later = answer["status_code"] in ("429", "503", "504")
        assert ("gatewayresponse.header.Retry-After" in answer["response_parameters"]) == is_for_later


def test_every_figure_of_ours_that_is_shown_or_watched_is_one_that_functions_tell(built):
    [dashboard] = [one["values"]["dashboard_body"] for one in rules.of(built, "aws_cloudwatch_dashboard")]
    shown = set(re.findall(r'"Everpost","(\w+)"', dashboard)) | set(re.findall(r'MetricName=\\"(\w+)\\"', dashboard))
    watched = {
        one["values"]["metric_name"]
        for one in rules.of(built, "aws_cloudwatch_metric_alarm")
        if one["values"]["namespace"] == emf.NAMESPACE
    }
    assert {"Accepted", "Attempts", "Webhooks", "SinkLag", "DeadLetters"} <= shown
    assert shown | watched <= emf.UNITS.keys()
