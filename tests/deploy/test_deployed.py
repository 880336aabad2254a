"""The whole configuration is applied, called through its gateways and destroyed: `make deploy-test`, some minutes.

What runs behind the gateways are the functions themselves, in front of the sandbox's providers."""

import asyncio
import base64
import json
import os
import re
import subprocess
import threading
import time
from contextlib import contextmanager
from functools import partial

import pytest

import judge
from aws_kit import ministack
from deploy import deployment, package
from everpost.sandbox.faults import FaultKind, FaultPlan
from everpost.sandbox.sandbox import Sandbox
from hook_senders import ses
from hook_values import mailgun_event, mailgun_request
from postman import newman
from server_kit import EVERPOST, environ

pytestmark = [pytest.mark.slow, pytest.mark.timeout(2400)]
REGION = "us-east-1"
COLLECTION_S = 900.0  # an emulated gateway is slow
MAIL = {"from": "ann@example.com", "to": "bob@example.org", "subject": "Hello", "text": "It works"}
NATIVE = MAIL | {"to": ["bob@example.org"]}
CONFIGURATION = """
[accounts.mailgun]
provider = "mailgun"
domain = "mg.example.com"
api_key = "secretsmanager:everpost-test/first"
webhook_secret = "secretsmanager:everpost-test/webhook-first"
base_url = "{mailgun}"
[accounts.sendgrid]
provider = "sendgrid"
api_key = "secretsmanager:everpost-test/second"
base_url = "{sendgrid}"
[accounts.ses]
provider = "ses"
region = "us-east-1"
webhook_queue = "everpost-test-ses"
base_url = "{aws}"
[routes.default]
accounts = ["mailgun", "sendgrid"]
[routes.ses]
accounts = ["ses"]
"""
SECRETS = {"first": "key-sandbox", "second": "SG.sandbox", "webhook-first": "mailgun-signing-key"}
NOT_OF_FUNCTIONS = {
    # Webhooks are delivered by servers alone, and figures are shown by them alone; and the emulator gives an answer
    # without a body a type.
    "native": re.compile(r"(?!take)[a-z]+Webhook|metrics: |\w+: .*expected \[ '' \] to include 'application/json'"),
    "original": re.compile("listEvents: "),  # it is behind the other gateway
}
"""By gateway: what the collection asserts in vain there."""
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


@contextmanager
def in_a_thread(sandbox):
    """Its servers, while tests and terraform wait; what is given to `run` runs there."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def run(coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result(30)

    try:
        run(sandbox.start())
        yield run
        run(sandbox.stop())
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.fixture(scope="module")
def providers():
    sandbox = Sandbox()
    with in_a_thread(sandbox) as run:
        sandbox.told = lambda name, *plans: run(sandbox.put_faults(name, *plans))
        yield sandbox


@pytest.fixture(scope="module")
def deployed(providers, tmp_path_factory):
    folder = tmp_path_factory.mktemp("deployed")
    addresses = {name: providers.url(name) for name in ("mailgun", "sendgrid")}
    with ministack(folder / "ministack.log") as endpoint:
        built = deployment.prepared(
            folder,
            endpoint,
            package=str(package.built(folder)),
            configuration=CONFIGURATION.format(aws=endpoint, **addresses),
            topic=client_of(endpoint, "sns").create_topic(Name="everpost-ses")["TopicArn"],
        )
        built.apply()
        yield built


def client_of(endpoint, service):
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    return judge.client(service, endpoint=endpoint, region_name=REGION, **keys)


@pytest.fixture(scope="module")
def aws(deployed):
    return partial(client_of, deployed.endpoint)


@pytest.fixture(scope="module")
def filled(deployed, aws):
    """Secrets get their values as the guide says."""
    for name, value in SECRETS.items():
        aws("secretsmanager").put_secret_value(SecretId=f"everpost-test/{name}", SecretString=value)


@pytest.fixture(scope="module")
def new_key(deployed, filled):
    """Makes keys of Everpost's own, as the guide says."""
    where = {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": REGION,
        "AWS_ENDPOINT_URL": deployed.endpoint,
        "EVERPOST_STORE": f"dynamodb:{deployed.outputs['table']}",
    }

    def make(scope):
        made = subprocess.run(
            [*EVERPOST, "keys", "create", "--scope", scope, "--json"],
            cwd=deployed.folder,
            env=environ() | where,
            capture_output=True,
            text=True,
            check=False,
        )
        assert made.returncode == 0, made.stderr
        return json.loads(made.stdout)["token"]

    return make


@pytest.fixture(scope="module")
def token(new_key):
    return {"authorization": f"Bearer {new_key('admin')}"}


@pytest.fixture(scope="module")
def caller(deployed, aws, token):
    """A caller of the original operations: a key of the gateway's plan, too."""
    secret = "a-key-of-twenty-signs-or-more"
    made = aws("apigateway").create_api_key(name="caller", value=secret, enabled=True)
    plan = deployed.outputs["usage_plan_id"]
    aws("apigateway").create_usage_plan_key(usagePlanId=plan, keyId=made["id"], keyType="API_KEY")
    return token | {"x_api_key": secret}


def mails(providers):
    return sum(providers.inbox.taken.values())


def test_the_original_body_is_one_mail(deployed, caller, providers):
    before = mails(providers)
    answer = deployed.original("POST", "sendEmail", MAIL, **caller)
    assert (answer.status, answer.body["status"], answer.body["provider"]) == (200, "success", "mailgun")
    assert mails(providers) == before + 1


def test_the_same_key_of_idempotency_is_one_mail(deployed, caller, providers):
    before = mails(providers)
    first, second = (
        deployed.original("POST", "sendEmail", MAIL, **caller, idempotency_key="order-1") for _ in range(2)
    )
    assert (first.status, second.status) == (200, 200)
    assert first.body == second.body
    assert mails(providers) == before + 1


def test_a_fault_in_the_body_is_told_in_words(deployed, caller, providers):
    before = mails(providers)
    answer = deployed.original("POST", "sendEmail", {**MAIL, "to": "nobody"}, **caller)
    assert answer.status == 400
    assert "to" in answer.body["message"]
    assert mails(providers) == before


def test_a_provider_that_is_down_is_stepped_over(deployed, caller, providers):
    providers.told("mailgun", FaultPlan(kind=FaultKind.REFUSE))
    answer = deployed.original("POST", "sendEmail", MAIL, **caller)
    providers.told("mailgun")
    assert (answer.status, answer.body["provider"]) == (200, "sendgrid")


def test_the_provider_that_goes_first_is_changed_and_read_back(deployed, caller):
    def asked(method, operation, body=None):
        answer = deployed.original(method, operation, body, **caller)
        return answer.status, answer.body.get("provider")

    assert asked("GET", "getEmailProvider") == (200, "mailgun")
    assert asked("POST", "setEmailProvider", {"provider": "sendgrid"}) == (200, "sendgrid")
    assert asked("GET", "getEmailProvider") == (200, "sendgrid")
    assert asked("POST", "setEmailProvider", {"provider": "mailgun"}) == (200, "mailgun")


def test_nobody_gets_in_without_a_key(deployed, caller, token):
    without_any = deployed.original("POST", "sendEmail", MAIL)
    of_the_gateway_alone = deployed.original("POST", "sendEmail", MAIL, x_api_key=caller["x_api_key"])
    assert (without_any.status, of_the_gateway_alone.status) == (403, 401)
    assert deployed.native("GET", "/v1/accounts").status == 401
    assert deployed.native("GET", "/v1/accounts", **token).status == 200


def until(found, asked):
    """What is asked for until it is as it should be; the test's own time-out ends it."""
    pause = threading.Event()
    while not found(seen := asked()):
        pause.wait(0.5)
    return seen


def test_what_is_accepted_wakes_those_who_deliver(deployed, token):
    accepted = deployed.native("POST", "/v1/emails", NATIVE, **token)
    assert accepted.status == 202
    path = f"/v1/emails/{accepted.body['id']}"
    until(lambda seen: seen.body["state"] == "sent", lambda: deployed.native("GET", path, **token))


def test_a_large_body_is_kept_in_the_bucket(deployed, token, aws):
    large = NATIVE | {"text": base64.b64encode(os.urandom(450_000)).decode()}  # no compression makes it small
    accepted = deployed.native("POST", "/v1/emails", large, **token)
    assert accepted.status == 202
    path = f"/v1/emails/{accepted.body['id']}"
    until(lambda seen: seen.body["state"] == "sent", lambda: deployed.native("GET", path, **token))
    kept = aws("s3").list_objects_v2(Bucket=deployed.outputs["bodies"])["Contents"]
    assert all(one["Key"].startswith("bodies/") for one in kept)


def test_a_door_takes_what_a_client_of_sendgrid_sends(deployed, token, providers):
    before = mails(providers)
    body = {
        "personalizations": [{"to": [{"email": "bob@example.org"}]}],
        "from": {"email": "ann@example.com"},
        "subject": "Hello",
        "content": [{"type": "text/plain", "value": "It works"}],
    }
    assert deployed.native("POST", "/v3/mail/send", body, **token).status == 202
    until(lambda count: count == before + 1, lambda: mails(providers))


def state_of(deployed, token, id_):
    """Of the only recipient."""
    return deployed.native("GET", f"/v1/emails/{id_}", **token).body["recipients"][0]["state"]


def sent(deployed, token, **more):
    """The id of a mail that a provider has."""
    answer = deployed.native("POST", "/v1/emails", NATIVE | more, **token, prefer="wait=20")
    assert (answer.status, answer.body["state"]) == (200, "sent")
    return answer.body["id"]


def test_who_follows_the_link_of_a_mail_is_written_to_no_more(deployed, token, providers):
    sent(deployed, token, to=["leaver@example.org"], unsubscribe=True)
    [caught] = providers.inbox.newest(recipient="leaver@example.org")
    url = re.fullmatch("<(.*)>", caught.draft.headers["List-Unsubscribe"])[1]
    path = url.removeprefix(deployed.outputs["native_url"])
    assert path.startswith("/u/")
    assert deployed.native("GET", path).status == 200
    assert deployed.native("GET", "/v1/suppressions/leaver@example.org", **token).status == 404
    assert deployed.native("POST", path).status == 200
    assert deployed.native("GET", "/v1/suppressions/leaver@example.org", **token).status == 200


def test_what_a_provider_tells_is_believed_if_it_is_signed(deployed, token):
    id_ = sent(deployed, token, to=["gone@example.org"])
    bounced = mailgun_event(
        "failed",
        severity="permanent",
        recipient="gone@example.org",
        timestamp=time.time(),
        **{"user-variables": {"everpost_id": f"{id_}.0"}, "delivery-status": {"code": 550, "enhanced-code": "5.1.1"}},
    )

    def told(key):
        body = mailgun_request(bounced, at=time.time(), token=key, key=key).body
        return deployed.native("POST", "/hooks/mailgun", json.loads(body)).status

    assert (told("forged"), state_of(deployed, token, id_)) == (403, "sent")
    assert (told(SECRETS["webhook-first"]), state_of(deployed, token, id_)) == (200, "bounced")


def test_what_ses_tells_comes_by_its_topic_and_what_makes_no_sense_ends_among_the_dead(deployed, token, aws):
    aws("sesv2").create_email_identity(EmailIdentity="example.com")
    id_ = sent(deployed, token, route="ses")
    sqs, names = aws("sqs"), (deployed.outputs["ses_queue"]["name"], deployed.outputs["ses_queue"]["name"] + "-dead")
    queue, dead = (sqs.get_queue_url(QueueName=name)["QueueUrl"] for name in names)

    def again_after(seconds):
        sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": str(seconds)})

    again_after(1)
    sqs.send_message(QueueUrl=queue, MessageBody="{")
    event = ses.event("Delivery")
    event["mail"]["tags"] = {"everpost_id": [f"{id_}-0"]}
    aws("sns").publish(TopicArn=deployed.variables["topic"], Message=json.dumps(event))
    until(lambda state: state == "delivered", lambda: state_of(deployed, token, id_))
    told = until(bool, lambda: sqs.receive_message(QueueUrl=dead, WaitTimeSeconds=1).get("Messages", []))
    again_after(90)
    assert [one["Body"] for one in told] == ["{"]


@pytest.fixture(scope="module")
def collection(deployed, new_key, caller, providers, tmp_path_factory):
    """Runs the Postman collection, or folders of it, through one of the gateways."""
    newman.install()
    keys = {f"{scope}Key": new_key(scope) for scope in ("admin", "send", "read")}
    keys |= {"controlUrl": providers.control_url, "gateway": "1", "gatewayKey": caller["x_api_key"]}

    def run(gateway, stage, *words):
        """Whatever does not hold, and how many requests were answered."""
        where = {"baseUrl": f"{deployed.endpoint}{stage}", "hostHeader": deployed.host(gateway)}
        run = asyncio.run(newman.run(tmp_path_factory.mktemp("newman"), keys | where, *words, within_s=COLLECTION_S))
        return [told for told in run.failures if not NOT_OF_FUNCTIONS[gateway].match(told)], len(run.statuses)

    return run


def test_all_that_the_collection_asserts_holds_through_the_gateway_of_the_native_api(collection):
    failures, answered = collection("native", "")
    assert failures == []
    assert answered > 300


def test_all_that_the_collection_asserts_holds_through_the_gateway_of_the_original_operations(deployed, collection):
    """The accounts that it would learn from the native API are given to it."""
    known = ("--env-var", "firstAccount=mailgun", "--env-var", "secondAccount=sendgrid")
    stage = f"/{deployed.outputs['ids']['stage']}"
    failures, answered = collection("original", stage, "--folder", "The original three operations", *known)
    assert failures == []
    assert answered > 40


def test_the_clock_brings_events_to_the_stream_in_their_order(deployed, caller, aws):
    answer = deployed.original("POST", "sendEmail", MAIL, **caller)
    called = aws("lambda").invoke(FunctionName=deployed.outputs["functions"]["relay"], Payload=b"{}")
    assert "FunctionError" not in called, called["Payload"].read()
    stream, kinesis = deployed.outputs["stream"], aws("kinesis")
    [shard] = kinesis.describe_stream(StreamName=stream)["StreamDescription"]["Shards"]
    place = kinesis.get_shard_iterator(StreamName=stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON")
    records = kinesis.get_records(ShardIterator=place["ShardIterator"])["Records"]
    events = [json.loads(record["Data"]) for record in records]
    of_this_mail = [event["type"] for event in events if answer.body["id"] in json.dumps(event)]
    assert of_this_mail[0].endswith("accepted")
    assert of_this_mail[-1].endswith("sent")


def test_logs_hold_figures_and_no_addresses(deployed, aws):
    aws("lambda").invoke(FunctionName=deployed.outputs["functions"]["relay"], Payload=b"{}")
    logged = [
        event["message"]
        for function in deployed.outputs["functions"].values()
        for event in aws("logs").filter_log_events(logGroupName=f"/aws/lambda/{function}")["events"]
    ]
    assert any("OldestDueAge" in line for line in logged)
    assert not any(MAIL["to"] in line or "key-sandbox" in line for line in logged)


def test_the_state_holds_no_secret(deployed):
    state = (deployed.folder / "terraform.tfstate").read_text()
    assert [secret for secret in SECRETS.values() if secret in state] == []


def test_nothing_is_different_when_it_is_planned_again(deployed):
    drift = deployed.drift()
    told = {kind: names - NOT_KEPT_BY_THE_EMULATOR.get(kind, set()) for kind, names in drift.items()}
    assert {kind: names for kind, names in told.items() if names} == {}


def test_nothing_is_left_when_it_is_destroyed(deployed):
    assert deployed.destroy() == []
