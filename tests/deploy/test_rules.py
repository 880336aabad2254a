"""The house rules of infrastructure hold for all that is built, and tell each breach."""

import copy
import json

import pytest

from deploy import rules, terraform

MAY_WRITE_TABLE = {"send_email", "set_email_provider", "api", "deliver", "relay", "hooks"}
MAY_CHANGE_TABLE = MAY_WRITE_TABLE - {"set_email_provider", "hooks"}  # in place


@pytest.mark.slow
@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
def test_a_rule_holds_for_the_least_and_for_the_most(rule, applied):
    for _lines, resources in applied.values():
        assert list(rule(resources)) == []


def changed(kind, change, number=0):
    """All resources, with one of a kind changed."""

    def mutate(resources):
        found = copy.deepcopy(resources)
        change([one for one in found if one["type"] == kind][number]["values"])
        return found

    return mutate


def sets(**values):
    return lambda held: held.update(values)


def states(**words):
    """Adds a statement to a policy."""

    def change(held):
        policy = json.loads(held["policy"])
        policy["Statement"].append(
            {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"} | words
        )
        held["policy"] = json.dumps(policy)

    return change


def forgets(sid):
    def change(held):
        policy = json.loads(held["policy"])
        policy["Statement"] = [one for one in policy["Statement"] if one.get("Sid") != sid]
        held["policy"] = json.dumps(policy)

    return change


def gone(kind):
    return lambda resources: [one for one in resources if one["type"] != kind]


def added(kind, **values):
    return lambda resources: [*resources, {"type": kind, "address": f"{kind}.new", "values": values}]


def in_environment(**words):
    return changed("aws_lambda_function", lambda held: held["environment"][0]["variables"].update(words))


BREACHES = [
    (rules.no_wildcards, changed("aws_iam_role_policy", states(Action=["dynamodb:*"]))),
    (rules.no_wildcards, changed("aws_iam_role_policy", states(Action="s3:Get*"))),
    (rules.no_wildcards, changed("aws_iam_role_policy", states(Resource="*"))),
    (rules.no_wildcards, changed("aws_iam_role_policy", states(Resource="arn:aws:s3:::*"))),
    (rules.no_wildcards, changed("aws_iam_role_policy", states(Resource="arn:aws:sqs:us-east-1:123456789012:*"))),
    (rules.no_wildcards, changed("aws_iam_role_policy", states(Resource="arn:aws:dynamodb:*:123456789012:table/t"))),
    (rules.nobody_is_let_in_by_being_anybody, changed("aws_s3_bucket_policy", states(Principal="*"))),
    (rules.nobody_is_let_in_by_being_anybody, changed("aws_sqs_queue_policy", states(Principal={"AWS": "*"}))),
    (
        rules.no_policies_of_others,
        added("aws_iam_role_policy_attachment", policy_arn="arn:aws:iam::aws:policy/PowerUser"),
    ),
    (rules.no_public_buckets, changed("aws_s3_bucket_public_access_block", sets(block_public_policy=False))),
    (rules.no_public_buckets, gone("aws_s3_bucket_public_access_block")),
    (rules.no_public_buckets, added("aws_s3_bucket_website_configuration")),
    (rules.all_at_rest_is_encrypted, changed("aws_sqs_queue", sets(kms_master_key_id=None))),
    (rules.all_at_rest_is_encrypted, changed("aws_cloudwatch_log_group", sets(kms_key_id=""))),
    (rules.all_at_rest_is_encrypted, changed("aws_dynamodb_table", sets(server_side_encryption=[]))),
    (rules.all_at_rest_is_encrypted, changed("aws_ssm_parameter", sets(type="String"))),
    (rules.all_at_rest_is_encrypted, gone("aws_s3_bucket_server_side_encryption_configuration")),
    (rules.all_at_rest_is_encrypted, changed("aws_kms_key", sets(enable_key_rotation=False))),
    (rules.all_in_transit_is_encrypted, changed("aws_s3_bucket_policy", forgets("TlsOnly"))),
    (rules.all_in_transit_is_encrypted, gone("aws_sqs_queue_policy")),
    (rules.all_in_transit_is_encrypted, changed("aws_sns_topic_policy", forgets("TlsOnly"))),
    (rules.all_in_transit_is_encrypted, in_environment(EVERPOST_HEALTH="valkey://cache:6379")),
    (
        rules.all_in_transit_is_encrypted,
        changed(
            "aws_cloudfront_distribution",
            lambda held: held["default_cache_behavior"][0].update(viewer_protocol_policy="allow-all"),
        ),
    ),
    (rules.logs_are_kept_for_a_bounded_time, changed("aws_cloudwatch_log_group", sets(retention_in_days=0))),
    (rules.logs_are_kept_for_a_bounded_time, changed("aws_lambda_function", sets(logging_config=[{"log_group": ""}]))),
    (
        rules.logs_are_kept_for_a_bounded_time,
        changed("aws_api_gateway_method_settings", lambda held: held["settings"][0].update(logging_level="INFO")),
    ),
    (rules.no_secret_stands_in_the_state, added("aws_secretsmanager_secret_version", secret_string="x")),
    (rules.no_secret_stands_in_the_state, added("aws_api_gateway_api_key", value="x")),
    (
        rules.no_secret_stands_in_the_state,
        changed("aws_ssm_parameter", sets(value='api_key = "key-0123456789abcdef0123"')),
    ),
    (rules.no_secret_stands_in_the_state, in_environment(EVERPOST_HEALTH="valkeys://user:pass@cache:6379")),
    (rules.the_environment_holds_names_alone, in_environment(MAILGUN_API_KEY="anything")),
    (rules.the_environment_holds_names_alone, in_environment(EVERPOST_CONFIG="[accounts.mailgun]")),
    (rules.each_function_has_a_role_of_its_own, gone("aws_iam_role")),
    (rules.nothing_comes_in, changed("aws_vpc_security_group_ingress_rule", sets(cidr_ipv4="0.0.0.0/0"))),
    (rules.nothing_comes_in, gone("aws_default_security_group")),
    (rules.nothing_comes_in, added("aws_lambda_function_url")),
    (rules.callers_of_functions_are_named, changed("aws_lambda_permission", sets(source_arn=None))),
]


@pytest.mark.slow
@pytest.mark.parametrize(("rule", "breach"), BREACHES, ids=lambda one: getattr(one, "__name__", "breach"))
def test_a_breach_is_told(rule, breach, built):
    assert len(list(rule(breach(built)))) > 0


def test_every_rule_was_seen_to_fail():
    assert {rule for rule, _breach in BREACHES} == set(rules.RULES)


@pytest.mark.slow
def test_every_exception_is_still_needed(built):
    assert {statement.get("Sid") for _place, statement in rules.statements(built)} >= set(rules.EXCEPTIONS)


@pytest.mark.slow
def test_a_function_may_do_what_it_is_for_and_no_more(built):
    """Least privilege, function by function: who writes the table, who publishes, who takes wake-ups, who sees mail."""
    functions = ("send_email", "get_email_provider", "set_email_provider", "api", "deliver", "relay", "hooks")
    allowed = {function: rules.allowed(built, function) for function in functions}

    def who_may(action):
        return {function for function, actions in allowed.items() if action in actions}

    senders = {"send_email", "api", "deliver"}
    assert who_may("dynamodb:PutItem") == MAY_WRITE_TABLE
    assert who_may("dynamodb:UpdateItem") == who_may("dynamodb:DeleteItem") == MAY_CHANGE_TABLE
    assert who_may("kinesis:PutRecords") == {"relay"}
    assert who_may("sqs:ReceiveMessage") == {"deliver", "hooks"}
    assert who_may("ses:SendEmail") == senders
    assert who_may("ses:SendRawEmail") == senders - {"send_email"}  # which takes no attachments
    assert who_may("s3:GetObject") == {"api", "deliver"}
    assert who_may("s3:PutObject") == {"send_email", "api"}
    assert who_may("s3:ListBucket") == {"deliver"}
    assert who_may("ses:GetAccount") == {"api"}
    assert who_may("secretsmanager:GetSecretValue") == senders | {"hooks"}
    assert who_may("sqs:SendMessage") == {"send_email", "api", "relay"}  # wake-ups, and events that the stream refuses
    assert not any(who_may(action) for action in ("dynamodb:Scan", "dynamodb:DeleteTable", "iam:PassRole"))


@pytest.mark.slow
def test_a_wildcard_in_the_sources_is_told(tmp_path):
    """The way from the sources to a rule: what is written into a copy of them is seen."""
    folder = terraform.copied(tmp_path)
    file = folder / "functions.tf"
    text = file.read_text()
    assert text.count('["ssm:GetParameter"]') == 1
    file.write_text(text.replace('["ssm:GetParameter"]', '["ssm:*"]'))
    _lines, [state] = terraform.tested(terraform.initialised(folder), "least")
    told = list(rules.no_wildcards(terraform.resources(state)))
    assert len(told) == 7
    assert all("ReadConfiguration: action ssm:*" in one for one in told)
