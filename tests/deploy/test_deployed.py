"""The whole configuration is applied, called through its gateways and destroyed: `make deploy-test`, some minutes."""

import zipfile

import boto3
import pytest

from aws_kit import ministack
from deploy import deployment

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

STAND_IN = """
import json, os

def answers(event, context):
    return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": json.dumps(
        {"function": context.function_name, "environment": {k: v for k, v in os.environ.items() if "EVERPOST" in k}})}

send_email = get_email_provider = set_email_provider = api = deliver = relay = answers
"""


NOT_KEPT_BY_THE_EMULATOR = {  # deploy/aws/README.md has this list, too
    "aws_cloudfront_response_headers_policy": {"custom_headers_config", "remove_headers_config"},
    "aws_cloudwatch_metric_alarm": {
        "actions_enabled",
        "alarm_actions",
        "alarm_description",
        "dimensions",
        "ok_actions",
        "period",
        "statistic",
        "treat_missing_data",
    },
    "aws_elasticache_user": {"authentication_mode"},
    "aws_vpc_endpoint": {"policy", "private_dns_enabled", "security_group_ids"},
}


@pytest.fixture(scope="module")
def deployed(request, tmp_path_factory):
    if not request.config.getoption("--deployed"):
        pytest.skip("takes minutes: make deploy-test, or pytest --deployed")
    folder = tmp_path_factory.mktemp("deployed")
    package = folder / "functions.zip"
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("everpost/__init__.py", "")
        archive.writestr("everpost/entrypoints/__init__.py", "")
        archive.writestr("everpost/entrypoints/aws/__init__.py", STAND_IN)
    with ministack(folder / "ministack.log") as endpoint:
        built = deployment.prepared(folder, endpoint, package, "# nothing yet")
        built.apply()
        yield built


@pytest.fixture(scope="module")
def aws(deployed):
    def client(service):
        return boto3.client(
            service,
            endpoint_url=deployed.endpoint,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    return client


@pytest.fixture(scope="module")
def gateway_key(deployed, aws):
    made = aws("apigateway").create_api_key(name="caller", value="a-key-of-twenty-signs-or-more", enabled=True)
    aws("apigateway").create_usage_plan_key(
        usagePlanId=deployed.outputs["usage_plan_id"], keyId=made["id"], keyType="API_KEY"
    )
    return {"x_api_key": "a-key-of-twenty-signs-or-more"}


def test_each_operation_reaches_its_own_function(deployed, gateway_key):
    reached = {
        operation: deployed.original(method, operation, {} if method == "POST" else None, **gateway_key).body[
            "function"
        ]
        for method, operation in (("POST", "sendEmail"), ("GET", "getEmailProvider"), ("POST", "setEmailProvider"))
    }
    assert reached == {
        "sendEmail": "everpost-test-send-email",
        "getEmailProvider": "everpost-test-get-email-provider",
        "setEmailProvider": "everpost-test-set-email-provider",
    }
    assert deployed.native("GET", "/v1/emails").body["function"] == "everpost-test-api"


def test_nothing_is_different_when_it_is_planned_again(deployed):
    drift = deployed.drift()
    told = {kind: names - NOT_KEPT_BY_THE_EMULATOR.get(kind, set()) for kind, names in drift.items()}
    assert {kind: names for kind, names in told.items() if names} == {}


def test_nothing_is_left_when_it_is_destroyed(deployed):
    assert deployed.destroy() == []
