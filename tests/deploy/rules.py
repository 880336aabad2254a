"""What must hold for everything that is built. A rule takes all resources and tells each breach."""

import json
import re
from collections.abc import Iterator

EXCEPTIONS = {  # by the name of the statement, and why
    "AccountDecidesByIam": "AWS's form of leaving the decision to IAM; without it a key can be lost for ever",
    "LogGroupsOfThisName": "in a key's policy * is this key; bound to the log groups of this name",
    "AlarmsAndSchedulesReachTopicAndQueues": "in a key's policy * is this key; bound to this account",
    "LambdaAttachesToNetwork": "these calls of EC2 know no resources; the function's code is denied them again",
    "AskSesOfItself": "this call of SES knows no resources, and reads nothing but the account's own state there",
    "WriteTraces": "X-Ray has no resources",
    "OursAlone": "an endpoint bounds what the network reaches, to this account; a role bounds its caller",
}
POLICIES = {
    "aws_iam_role_policy": "policy",
    "aws_kms_key": "policy",
    "aws_s3_bucket_policy": "policy",
    "aws_sns_topic_policy": "policy",
    "aws_sqs_queue_policy": "policy",
    "aws_vpc_endpoint": "policy",
}
ENCRYPTED = {
    "aws_cloudwatch_log_group": "kms_key_id",
    "aws_elasticache_serverless_cache": "kms_key_id",
    "aws_kinesis_stream": "kms_key_id",
    "aws_lambda_function": "kms_key_arn",
    "aws_secretsmanager_secret": "kms_key_id",
    "aws_sns_topic": "kms_master_key_id",
    "aws_sqs_queue": "kms_master_key_id",
    "aws_ssm_parameter": "key_id",
}
HOLDS_A_SECRET = {  # their values would stand in the state in plain text
    "aws_api_gateway_api_key",
    "aws_db_instance",
    "aws_iam_access_key",
    "aws_iam_user",
    "aws_secretsmanager_secret_version",
    "random_password",
    "tls_private_key",
}
LOOKS_LIKE_A_SECRET = re.compile(
    r"AKIA[0-9A-Z]{16}|SG\.[\w-]{16,}\.[\w-]{16,}|\bkey-[0-9a-f]{16,}|\bre_[A-Za-z0-9]{16,}|-----BEGIN|://[^/\s:@\"]+:[^/\s@\"]+@"
)
LOG_DAYS_MAX = 731


def of(resources, *types) -> Iterator[dict]:
    return (one for one in resources if one["type"] in types)


def module(one: dict) -> str:
    """The module that a resource is in: module.function["api"].aws_iam_role.this -> module.function["api"]."""
    return re.sub(r"\.?aws_\w+\.[^.]+$", "", one["address"])


def statements(resources) -> Iterator[tuple[str, dict]]:
    for one in of(resources, *POLICIES):
        for statement in json.loads(one["values"][POLICIES[one["type"]]])["Statement"]:
            yield f"{one['address']} {statement.get('Sid', '')}".strip(), statement


def allowed(resources, function: str) -> set[str]:
    """The actions that a function's role may take."""
    return {
        action
        for place, statement in statements(resources)
        if place.startswith(f'module.function["{function}"]') and statement["Effect"] == "Allow"
        for action in listed(statement["Action"])
    }


def listed(value) -> list[str]:
    return value if isinstance(value, list) else [value]


def is_unbound(resource: str) -> bool:
    """Whether it has a * anywhere but behind the name of one thing: arn:aws:s3:::bucket/* is one bucket's objects."""
    name = re.sub(r"(?<=[\w-])[:/]\*$", "", resource)
    return "*" in name or name.count(":") < 5  # an ARN that ends before the name of a thing


def no_wildcards(resources):
    for place, statement in statements(resources):
        if statement["Effect"] != "Allow" or statement.get("Sid") in EXCEPTIONS:
            continue
        yield from (f"{place}: action {action}" for action in listed(statement["Action"]) if "*" in action)
        yield from (f"{place}: resource {one}" for one in listed(statement["Resource"]) if is_unbound(one))


def nobody_is_let_in_by_being_anybody(resources):
    for place, statement in statements(resources):
        if statement["Effect"] == "Allow" and statement.get("Principal") in ("*", {"AWS": "*"}):
            bound = statement.get("Condition", {}).get("StringEquals", {})
            if "aws:PrincipalAccount" not in bound:
                yield place


def no_policies_of_others(resources):
    """A managed policy changes without us. API Gateway's own role for its logs is the one that AWS asks for."""
    for one in of(resources, "aws_iam_role_policy_attachment", "aws_iam_policy_attachment"):
        if not one["values"]["policy_arn"].endswith("/AmazonAPIGatewayPushToCloudWatchLogs"):
            yield one["address"]


def no_public_buckets(resources):
    blocked = {
        module(one)
        for one in of(resources, "aws_s3_bucket_public_access_block")
        if all(
            one["values"][name]
            for name in ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets")
        )
    }
    yield from (one["address"] for one in of(resources, "aws_s3_bucket") if module(one) not in blocked)
    yield from (one["address"] for one in of(resources, "aws_s3_bucket_acl", "aws_s3_bucket_website_configuration"))


def all_at_rest_is_encrypted(resources):
    yield from (
        f"{one['address']}: no {ENCRYPTED[one['type']]}"
        for one in of(resources, *ENCRYPTED)
        if not one["values"].get(ENCRYPTED[one["type"]])
    )
    for one in of(resources, "aws_dynamodb_table"):
        if not any(found["enabled"] and found["kms_key_arn"] for found in one["values"]["server_side_encryption"]):
            yield one["address"]
    encrypted = {module(one) for one in of(resources, "aws_s3_bucket_server_side_encryption_configuration")}
    yield from (one["address"] for one in of(resources, "aws_s3_bucket") if module(one) not in encrypted)
    yield from (one["address"] for one in of(resources, "aws_ssm_parameter") if one["values"]["type"] != "SecureString")
    yield from (
        one["address"] for one in of(resources, "aws_kinesis_stream") if one["values"]["encryption_type"] != "KMS"
    )
    yield from (one["address"] for one in of(resources, "aws_kms_key") if not one["values"]["enable_key_rotation"])


def all_in_transit_is_encrypted(resources):
    tls_only = {
        one["address"].partition(".aws_")[0]
        for one in of(resources, *POLICIES)
        for statement in json.loads(one["values"][POLICIES[one["type"]]])["Statement"]
        if statement["Effect"] == "Deny" and statement.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}}
    }
    for one in of(resources, "aws_s3_bucket", "aws_sqs_queue", "aws_sns_topic"):
        if one["address"].partition(".aws_")[0] not in tls_only:
            yield one["address"]
    for one in of(resources, "aws_cloudfront_distribution"):
        behaviours = one["values"]["default_cache_behavior"] + one["values"]["ordered_cache_behavior"]
        if any(found["viewer_protocol_policy"] == "allow-all" for found in behaviours):
            yield f"{one['address']}: viewers"
        for origin in one["values"]["origin"]:
            if any(found["origin_protocol_policy"] != "https-only" for found in origin["custom_origin_config"]):
                yield f"{one['address']}: {origin['origin_id']}"
        if (
            one["values"]["aliases"]
            and one["values"]["viewer_certificate"][0]["minimum_protocol_version"] != "TLSv1.2_2021"
        ):
            yield f"{one['address']}: old TLS"
    for one in of(resources, "aws_lambda_function"):
        health = environment(one).get("EVERPOST_HEALTH", "valkeys://")
        if not health.startswith("valkeys://"):
            yield f"{one['address']}: {health}"


def logs_are_kept_for_a_bounded_time(resources):
    for one in of(resources, "aws_cloudwatch_log_group"):
        if not 1 <= (one["values"]["retention_in_days"] or 0) <= LOG_DAYS_MAX:
            yield one["address"]
    groups = {module(one) for one in of(resources, "aws_cloudwatch_log_group")}
    for one in of(resources, "aws_lambda_function"):
        if module(one) not in groups or not one["values"]["logging_config"][0]["log_group"]:
            yield f"{one['address']}: makes a log of its own"
    for one in of(resources, "aws_api_gateway_method_settings"):
        if one["values"]["settings"][0]["logging_level"] != "OFF":
            yield f"{one['address']}: API Gateway makes a log of its own"


def no_secret_stands_in_the_state(resources):
    yield from (one["address"] for one in of(resources, *HOLDS_A_SECRET))
    for one in resources:
        found = LOOKS_LIKE_A_SECRET.search(json.dumps(one["values"]))
        if found:
            yield f"{one['address']}: {found[0][:8]}…"


def environment(function: dict) -> dict[str, str]:
    return function["values"]["environment"][0]["variables"]


def the_environment_holds_names_alone(resources):
    known = {
        "EVERPOST_CONFIG": r"ssm:/[\w/-]+",
        "EVERPOST_STORE": r"dynamodb:[\w.-]+\?bodies=[\w.-]+",
        "EVERPOST_ATTACHMENTS": r"s3:[\w.-]+\?prefix=attachments/",
        "EVERPOST_HTTP_PUBLIC_URL": r"https://[\w./:-]+",
        "EVERPOST_HEALTH": r"valkeys://[\w.-]+:\d+\?iam=[\w-]+,[\w-]+&serverless=true",
        "EVERPOST_WAKEUP": r"sqs:\S+",
        "EVERPOST_EVENTS_SINKS": r"kinesis:[\w.-]+\?dlq=\S+",
        "EVERPOST_LOG_LEVEL": r"[a-z]+",
        "EVERPOST_LOG_FORMAT": r"json",
        "AWS_LAMBDA_EXEC_WRAPPER": r"/opt/otel-instrument",
    }
    for one in of(resources, "aws_lambda_function"):
        for name, value in environment(one).items():
            if not re.fullmatch(known.get(name, "never"), value):
                yield f"{one['address']}: {name}"


def each_function_has_a_role_of_its_own(resources):
    roles = [module(one) for one in of(resources, "aws_iam_role")]
    yield from (one["address"] for one in of(resources, "aws_lambda_function") if roles.count(module(one)) != 1)


def nothing_comes_in(resources):
    for one in of(resources, "aws_vpc_security_group_ingress_rule"):
        if one["values"].get("cidr_ipv4") or one["values"].get("cidr_ipv6"):
            yield one["address"]
    yield from (one["address"] for one in of(resources, "aws_subnet") if one["values"]["map_public_ip_on_launch"])
    if list(of(resources, "aws_vpc")) and not list(of(resources, "aws_default_security_group")):
        yield "the default security group is open"
    yield from (one["address"] for one in of(resources, "aws_lambda_function_url"))


def callers_of_functions_are_named(resources):
    for one in of(resources, "aws_lambda_permission"):
        if not one["values"].get("source_arn"):
            yield one["address"]


RULES = [
    no_wildcards,
    nobody_is_let_in_by_being_anybody,
    no_policies_of_others,
    no_public_buckets,
    all_at_rest_is_encrypted,
    all_in_transit_is_encrypted,
    logs_are_kept_for_a_bounded_time,
    no_secret_stands_in_the_state,
    the_environment_holds_names_alone,
    each_function_has_a_role_of_its_own,
    nothing_comes_in,
    callers_of_functions_are_named,
]
