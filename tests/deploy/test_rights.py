"""Each function has the rights that it uses: what it asks of AWS is seen as it passes, and held against its role.

The emulator of the other tests enforces no rights; a role that lacks one would be found in production.
"""

import base64
import json
import os
import re
import time
from contextlib import AsyncExitStack

import pytest

import judge
from aws_kit import REGION, environ_of, ministack
from deploy import rules
from dynamodb_kit import make_table
from dynamodb_proxy import PASS, harmed
from everpost.engine.keys import Keyring
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


def rights(whole: bytes) -> set[str]:
    """Those that a request needs."""
    head, _, body = whole.partition(b"\r\n\r\n")
    target = re.search(r"(?i)\r\nx-amz-target: *(\w+)\.(\w+)", head.decode())
    if target is None:
        return {f"s3:{head.split()[0].decode().capitalize()}Object"}
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
        self.sinks = ""
        config = self.configuration(mailgun_key="secretsmanager:mailgun")
        config = config.replace(SECRETS["mailgun"], "secretsmanager:webhook-mailgun")
        self.client("ssm").put_parameter(Name="/everpost", Value=config, Type="SecureString")
        queue = self.client("sqs").create_queue(QueueName="wakeups")["QueueUrl"]
        self.environ = {
            "EVERPOST_CONFIG": "ssm:/everpost",
            "EVERPOST_STORE": f"dynamodb:{table}?bodies={table}",
            "EVERPOST_WAKEUP": f"sqs:{queue}",
            "EVERPOST_EVENTS_SINKS": f"kinesis:events?dlq={queue}",
        }

    async def start(self, handler):
        proxy = await self._watch(harmed(self._endpoint, lambda _operation, _count: PASS))
        self.asked_for[handler] = proxy.requests
        return await super().start(handler, environ_of(f"http://127.0.0.1:{proxy.port}"))

    def used(self, handler):
        return set().union(*map(rights, self.asked_for[handler]))


async def send(house, sandbox):
    function = await house.start("send_email")
    for headers in ({}, {"idempotency-key": "order-1"}, {"idempotency-key": "order-1"}):
        event = house.asked("POST", "/sendEmail", ORIGINAL, headers=headers)
        assert read(await function.invoke(event))[0] == 200
    await sandbox.put_faults("mailgun", FaultPlan(kind=FaultKind.REFUSE))
    assert read(await function.invoke(house.asked("POST", "/sendEmail", ORIGINAL)))[0] == 200
    await sandbox.put_faults("mailgun")


async def steer(house, _sandbox):
    get, put = await house.start("get_email_provider"), await house.start("set_email_provider")
    assert read(await get.invoke(house.asked("GET", "/getEmailProvider")))[0] == 200
    changed = house.asked("POST", "/setEmailProvider", {"provider": "sendgrid"})
    assert read(await put.invoke(changed))[0] == 200


async def call_the_api(house, _sandbox):
    api = await house.start("api")
    calls = [
        ("POST", "/v1/emails", NATIVE, 202),
        ("POST", "/v1/emails", LARGE, 202),
        ("GET", "/v1/emails", None, 200),
        ("GET", "/v1/accounts", None, 200),
        ("GET", "/v1/events", None, 200),
        ("PUT", "/v1/suppressions/ann@example.org", {}, 200),
    ]
    for method, path, body, status in calls:
        event = house.asked(method, path, body, make=http_event)
        assert read(await api.invoke(event))[0] in (status, 201, 404, 405), path


async def work(house, _sandbox):
    deliver, relay = await house.start("deliver"), await house.start("relay")
    await deliver.invoke(queue_event("1"), 60)
    await deliver.invoke(CLOCK_EVENT, 60)
    await relay.invoke(CLOCK_EVENT)


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


async def test_no_function_asks_for_what_its_role_does_not_let_it_do(built, tmp_path):
    sandbox = Sandbox()
    await sandbox.start()
    with ministack(tmp_path / "ministack.log") as endpoint:
        async with AsyncExitStack() as stack:
            house = Watched(tmp_path, sandbox, stack, endpoint)
            await house.build()
            for part in (send, steer, call_the_api, work, tell):
                await part(house, sandbox)
            used = {handler: house.used(handler) for handler in house.asked_for}
    await sandbox.stop()
    allowed = {handler: rules.allowed(built, handler) for handler in used}
    assert {handler: used[handler] - allowed[handler] for handler in used} == {handler: set() for handler in used}
    check_it_was_much(used)


def check_it_was_much(used):
    """Nothing was asked for, and nothing would be missed, by a function that does not work."""
    assert used.keys() == {"send_email", "get_email_provider", "set_email_provider", "api", "deliver", "relay", "hooks"}
    assert {"dynamodb:PutItem", "dynamodb:UpdateItem", "secretsmanager:GetSecretValue"} <= used["send_email"]
    assert {"s3:PutObject", "sqs:SendMessage"} <= used["api"]
    assert "s3:GetObject" in used["deliver"]
    assert "kinesis:PutRecords" in used["relay"]
    assert {"secretsmanager:GetSecretValue", "dynamodb:PutItem"} <= used["hooks"]
    assert all("ssm:GetParameter" in rights_used for rights_used in used.values())
