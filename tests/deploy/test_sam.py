"""The SAM template is sound, and is the same thing as the Terraform configuration."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from deploy import rules, terraform
from system_parts import missing

TEMPLATE = terraform.CONFIGURATION / "sam" / "template.yaml"
LINTER = Path(sys.executable).parent / "cfn-lint"


class Template(yaml.SafeLoader):
    """CloudFormation's short forms (`!Ref name`) are read as their values."""


def short_form(loader, _tag, node):
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_mapping(node, deep=True)


Template.add_multi_constructor("!", short_form)


@pytest.fixture(scope="module")
def template():
    return yaml.load(TEMPLATE.read_text(), Template)


def of(template, kind):
    return {name: one["Properties"] for name, one in template["Resources"].items() if one["Type"] == kind}


def attached(policy):
    """What is attached only if there is something to be done by it is, in the largest installation."""
    return policy[1] if isinstance(policy, list) else policy


def lint(file):
    if not LINTER.exists():
        missing("cfn-lint is not installed: it comes with the dependency group `aws`")
    arguments = [sys.executable, LINTER, "--regions", "us-east-1", "eu-central-1", "--template", file]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


@pytest.mark.slow
def test_it_is_what_cloudformation_takes():
    assert lint(TEMPLATE) == (0, "")


@pytest.mark.slow
def test_the_linter_sees_what_cloudformation_would_not_take(tmp_path):
    broken = tmp_path / "template.yaml"
    broken.write_text(TEMPLATE.read_text().replace("!GetAtt Wakeups.Arn", "!GetAtt Wakeup.Arn"))
    code, told = lint(broken)
    assert code != 0
    assert "Wakeup" in told


@pytest.mark.slow
def test_it_has_the_functions_of_the_terraform_configuration(template, built):
    def seen(handler, timeout, runtime, architectures):
        return handler, timeout, runtime, tuple(architectures)

    usual = template["Globals"]["Function"]
    in_sam = {
        seen(one["Handler"], one["Timeout"], usual["Runtime"], usual["Architectures"])
        for one in of(template, "AWS::Serverless::Function").values()
    }
    in_terraform = {
        seen(*(one["values"][name] for name in ("handler", "timeout", "runtime", "architectures")))
        for one in rules.of(built, "aws_lambda_function")
    }
    assert in_sam == in_terraform


@pytest.mark.slow
def test_a_function_may_do_the_same_in_both(template, built):
    grants = {
        name: {action for statement in one["PolicyDocument"]["Statement"] for action in statement["Action"]}
        for name, one in of(template, "AWS::IAM::ManagedPolicy").items()
    }
    in_sam = {
        one["Handler"].rpartition(".")[2]: set().union(*(grants[attached(name)] for name in one["Policies"]))
        for one in of(template, "AWS::Serverless::Function").values()
    }
    of_network_log_and_cache = re.compile(r"(ec2|logs|xray|elasticache):")
    in_terraform = {
        function: {action for action in rules.allowed(built, function) if not of_network_log_and_cache.match(action)}
        for function in in_sam
    }
    assert in_sam == in_terraform


@pytest.mark.slow
def test_it_has_the_table_of_the_terraform_configuration(template, built):
    [table] = of(template, "AWS::DynamoDB::Table").values()
    [other] = [one["values"] for one in rules.of(built, "aws_dynamodb_table")]
    assert {one["AttributeName"]: one["AttributeType"] for one in table["AttributeDefinitions"]} == {
        one["name"]: one["type"] for one in other["attribute"]
    }
    assert {
        (one["IndexName"], *(key["AttributeName"] for key in one["KeySchema"]), one["Projection"]["ProjectionType"])
        for one in table["GlobalSecondaryIndexes"]
    } == {
        (one["name"], one["hash_key"], one["range_key"], one["projection_type"])
        for one in other["global_secondary_index"]
    }
    assert table["TimeToLiveSpecification"]["AttributeName"] == other["ttl"][0]["attribute_name"]


def test_nothing_in_it_may_do_everything(template):
    for name, one in of(template, "AWS::IAM::ManagedPolicy").items():
        for statement in one["PolicyDocument"]["Statement"]:
            assert not any("*" in action for action in statement["Action"]), name
            assert "*" not in rules.listed(statement["Resource"]) or statement["Action"] == ["ses:GetAccount"], name


@pytest.mark.slow
def test_functions_are_told_the_same_in_both(template, built):
    in_sam = {*template["Globals"]["Function"]["Environment"]["Variables"]}
    in_terraform = {name for one in rules.of(built, "aws_lambda_function") for name in rules.environment(one)}
    assert in_sam == in_terraform - {"EVERPOST_HEALTH", "AWS_LAMBDA_EXEC_WRAPPER"}  # no cache, no layers


def test_its_logs_end_and_its_bucket_is_closed(template):
    assert all(one["RetentionInDays"] for one in of(template, "AWS::Logs::LogGroup").values())
    for one in of(template, "AWS::S3::Bucket").values():
        assert set(one["PublicAccessBlockConfiguration"].values()) == {True}
        assert one["BucketEncryption"]
