"""Each function has the rights that it uses, and no others: what it asks of AWS is seen as it passes, and held against
its role.

The emulator of the other tests enforces no rights; a role that lacks one would be found in production.
"""

import asyncio
import base64
import json
import os
import re
import time
from contextlib import AsyncExitStack
from itertools import chain

import pytest

import judge
from aws_kit import REGION, environ_of, ministack
from deploy import rules
from dynamodb_kit import make_table
from dynamodb_proxy import PASS, harmed
from everpost.engine.keys import Keyring
from everpost.entrypoints.aws import HANDLERS
from everpost.model.key import Scope
from everpost.sandbox.faults import FaultKind, FaultPlan
from everpost.sandbox.sandbox import Sandbox
from everpost.settings import DynamoStore as StoreAt
from everpost.wiring.cloud import Cloud
from everpost.wiring.parts import store_at
from hook_values import SECRETS, mailgun_event, mailgun_request
from lambda_house import NATIVE, ORIGINAL, House, read
from lambda_kit import CLOCK_EVENT, http_event, queue_event

pytestmark = pytest.mark.slow
SERVICES = {  # as they name themselves in requests, and in rights
    "AmazonSQS": "sqs",
    "AmazonSSM": "ssm",
    "DynamoDB_20120810": "dynamodb",
    "Kinesis_20131202": "kinesis",
    "secretsmanager": "secretsmanager",
}
OF_A_TRANSACTION = {
    "ConditionCheck": "ConditionCheckItem",
    "Delete": "DeleteItem",
    "Put": "PutItem",
    "Update": "UpdateItem",
}
LARGE = {**NATIVE, "text": base64.b64encode(os.urandom(450_000)).decode()}
FILE = {"filename": "a.bin", "content": base64.b64encode(os.urandom(90_000)).decode()}
ATTACHED = {**NATIVE, "attachments": [FILE]}
OF_SES = {"POST /v2/email/outbound-emails": "ses:SendEmail", "GET /v2/email/account": "ses:GetAccount"}
BY_AWS = re.compile(  # with the function's role, or by the network, the cache and the layer that are not started here
    r"(ec2|elasticache|kms|logs|xray):|sqs:(ChangeMessageVisibility|DeleteMessage|GetQueueAttributes|ReceiveMessage)$"
)
SELDOM = {  # what a walk of some seconds does not come to
    "send_email": {
        "dynamodb:DeleteItem",
        "s3:DeleteObject",
        "sqs:SendMessage",
    },  # an accept undone, a mail left to deliver
    "api": {"s3:GetObject"},  # shown to a person
    "deliver": {"dynamodb:BatchWriteItem", "dynamodb:DeleteItem"},  # purged
    "relay": {"dynamodb:DeleteItem", "sqs:SendMessage"},  # of mail that was purged, and what the stream refuses
}
SES = """
[accounts.ses]
provider = "ses"
region = "{region}"
base_url = "{url}"
webhook_queue = "everpost-ses"
"""


def rights(whole: bytes) -> set[str]:
    """Those that a request needs."""
    head, _, body = whole.partition(b"\r\n\r\n")
    target = re.search(r"(?i)\r\nx-amz-target: *(\w+)\.(\w+)", head.decode())
    asked = head.decode().partition(" HTTP/")[0]
    if target is None and asked in OF_SES:
        return {OF_SES[asked], *(["ses:SendRawEmail"] if b'"Raw"' in body else [])}
    if target is None:
        return {"s3:ListBucket" if "?list-type=" in asked else f"s3:{asked.split()[0].capitalize()}Object"}
    service, operation = SERVICES[target[1]], target[2]
    if operation != "TransactWriteItems":
        return {f"{service}:{operation}"}
    verbs = {verb for item in json.loads(body)["TransactItems"] for verb in item}
    return {f"{service}:{OF_A_TRANSACTION[verb]}" for verb in verbs}


class Watched(House):
    """An installation, each of whose functions reaches AWS by a way of its own."""

    def __init__(self, folder, sandbox, stack, endpoint):
        super().__init__(folder, sandbox, stack)
        self._endpoint = endpoint
        self._watch = stack.enter_async_context
        self._ses = None
        self.asked_for = {}

    def client(self, service):
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        return judge.client(service, endpoint=self._endpoint, region_name=REGION, **keys)

    async def build(self):
        cloud = Cloud(environ_of(self._endpoint))
        table = await make_table(cloud.client)  # and a bucket of that name
        store = await store_at(StoreAt(table=table), self.folder, cloud)
        _, self.token = await Keyring(store, time.time).create("default", Scope.ADMIN, "test")
        await store.close()
        await cloud.wire.close()
        self.client("kinesis").create_stream(StreamName="events", ShardCount=1)
        for name, secret in (("mailgun", "key-sandbox"), ("webhook-mailgun", SECRETS["mailgun"])):
            self.client("secretsmanager").create_secret(Name=name, SecretString=secret)
        self.leave = lambda name: self.client("s3").put_object(Bucket=table, Key=name, Body=b"")
        self.sinks = ""
        config = self.configuration(mailgun_key="secretsmanager:mailgun")
        config = config.replace(SECRETS["mailgun"], "secretsmanager:webhook-mailgun")
        self._ses = await self._watch(harmed(self._endpoint, lambda _operation, _count: PASS))
        config += SES.format(region=REGION, url=self._ses.url)
        self.client("sesv2").create_email_identity(EmailIdentity="example.com")
        self.client("ssm").put_parameter(Name="/everpost", Value=config, Type="SecureString")
        queue = self.client("sqs").create_queue(QueueName="wakeups")["QueueUrl"]
        self.environ = {
            "EVERPOST_CONFIG": "ssm:/everpost",
            "EVERPOST_STORE": f"dynamodb:{table}?bodies={table}",
            "EVERPOST_ATTACHMENTS": f"s3:{table}?prefix=attachments/",
            "EVERPOST_WAKEUP": f"sqs:{queue}",
            "EVERPOST_EVENTS_SINKS": f"kinesis:events?dlq={queue}",
        }

    async def start(self, handler):
        proxy = await self._watch(harmed(self._endpoint, lambda _operation, _count: PASS))
        self.asked_for.setdefault(handler, []).append(proxy.requests)
        own = {"AWS_ACCESS_KEY_ID": handler}  # by which those who ask SES can be told apart
        return await super().start(handler, environ_of(f"http://127.0.0.1:{proxy.port}") | own)

    def used(self, handler):
        of_ses = [one for one in self._ses.requests if f"Credential={handler}/".encode() in one]
        return set().union(*map(rights, chain(*self.asked_for[handler], of_ses)))


async def send(house, sandbox):
    function = await house.start("send_email")
    for headers in ({}, {"idempotency-key": "order-1"}, {"idempotency-key": "order-1"}):
        event = house.asked("POST", "/sendEmail", ORIGINAL, headers=headers)
        assert read(await function.invoke(event))[0] == 200
    await sandbox.put_faults("mailgun", FaultPlan(kind=FaultKind.REFUSE))
    assert read(await function.invoke(house.asked("POST", "/sendEmail", ORIGINAL)))[0] == 200
    await sandbox.put_faults("mailgun")
    assert read(await function.invoke(house.asked("POST", "/sendEmail", ORIGINAL | {"text": LARGE["text"]})))[0] == 200


async def steer(house, _sandbox):
    get, put = await house.start("get_email_provider"), await house.start("set_email_provider")
    assert read(await get.invoke(house.asked("GET", "/getEmailProvider")))[0] == 200
    for provider in ("sendgrid", "ses"):
        changed = house.asked("POST", "/setEmailProvider", {"provider": provider})
        assert read(await put.invoke(changed))[0] == 200


async def call_the_api(house, _sandbox):
    calls = [
        ("POST", "/v1/emails", NATIVE, 202),
        ("POST", "/v1/emails", LARGE, 202),
        ("POST", "/v1/emails", ATTACHED, 202),
        ("GET", "/v1/emails", None, 200),
        ("GET", "/v1/accounts", None, 200),
        ("GET", "/v1/events", None, 200),
        ("PUT", "/v1/suppressions/ann@example.org", {}, 200),
        ("DELETE", "/v1/suppressions/ann@example.org", None, 204),
        ("POST", "/v1/accounts/ses/probe", {}, 200),
        ("POST", "/v1/keys", {"name": "another", "scope": "read"}, 201),
    ]
    await call(house, calls)


async def call(house, calls):
    api = await house.start("api")
    for method, path, body, status in calls:
        result = await api.invoke(house.asked(method, path, body, make=http_event))
        assert result["statusCode"] == status, (path, result)


async def send_by_ses(house, _sandbox):
    """Which goes first by now. With a file it is a whole mail."""
    function, api = await house.start("send_email"), await house.start("api")
    assert read(await function.invoke(house.asked("POST", "/sendEmail", ORIGINAL)))[0] == 200
    for more in ({}, {"attachments": [FILE]}):
        event = house.asked("POST", "/v1/emails", NATIVE | more, make=http_event, headers={"prefer": "wait=20"})
        assert read(await api.invoke(event))[0] == 200


async def work(house, _sandbox):
    deliver, relay = await house.start("deliver"), await house.start("relay")
    house.leave("attachments/2020-01-01/of-no-mail")
    await deliver.invoke(queue_event("1"), 60)
    await deliver.invoke(CLOCK_EVENT, 60)
    await relay.invoke(CLOCK_EVENT)


async def tidy(house, _sandbox):
    await call(house, [("POST", "/v1/recipients/erase", {"address": "bob@example.org", "dry_run": False}, 200)])


async def tell(house, _sandbox):
    hooks = await house.start("hooks")
    delivery = next(iter(house.mails))
    variables = {"user-variables": {"everpost_id": delivery}}
    bounced = {"severity": "permanent", "delivery-status": {"code": 550, "enhanced-code": "5.1.1"}}
    for number, event in enumerate(("accepted", "failed", "failed")):
        told = mailgun_request(
            mailgun_event(event, timestamp=time.time(), **bounced, **variables), at=time.time(), token=str(number)
        )
        result = await hooks.invoke(http_event("POST", "/hooks/mailgun", told.body.decode()))
        assert result["statusCode"] == 200


@pytest.fixture(scope="module")
def used(tmp_path_factory):
    """The rights that each function has made use of."""

    async def walk(folder, endpoint):
        sandbox = Sandbox()
        await sandbox.start()
        async with AsyncExitStack() as stack:
            house = Watched(folder, sandbox, stack, endpoint)
            await house.build()
            for part in (send, steer, send_by_ses, call_the_api, work, tell, tidy):
                await part(house, sandbox)
            found = {handler: house.used(handler) for handler in house.asked_for}
        await sandbox.stop()
        return found

    folder = tmp_path_factory.mktemp("rights")
    with ministack(folder / "ministack.log") as endpoint:
        return asyncio.run(walk(folder, endpoint))


def test_no_function_asks_for_what_its_role_does_not_let_it_do(built, used):
    assert used.keys() == set(HANDLERS)
    allowed = {handler: rules.allowed(built, handler) for handler in used}
    assert {handler: used[handler] - allowed[handler] for handler in used} == {handler: set() for handler in used}


def test_no_role_lets_its_function_do_what_it_does_not_ask_for(built, used):
    """But for what AWS itself does with the role, and for what is seldom done."""
    allowed = {
        handler: {right for right in rules.allowed(built, handler) if not BY_AWS.match(right)} for handler in used
    }
    idle = {handler: allowed[handler] - used[handler] for handler in used}
    assert {handler: rights for handler, rights in idle.items() if rights - SELDOM.get(handler, set())} == {}
    assert {handler: SELDOM[handler] - allowed[handler] for handler in SELDOM} == {handler: set() for handler in SELDOM}
