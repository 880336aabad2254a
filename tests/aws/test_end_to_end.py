"""The serverless shape as a whole: functions under Lambda's runtime client, over DynamoDB, Valkey, SQS, Kinesis, SSM
and Secrets Manager on loopback, in front of the sandbox providers."""

import asyncio
import json
import subprocess
import uuid
from contextlib import AsyncExitStack

import pytest

import judge
from aws_kit import REGION, client_of, environ_of
from dynamodb_kit import make_table
from everpost.engine.wire import NetworkWire
from everpost.sandbox.faults import FaultKind, FaultPlan
from everpost.sandbox.sandbox import Sandbox
from kinesis_kit import KEYS, Stream
from lambda_house import NATIVE, ORIGINAL, House, read
from lambda_kit import CLOCK_EVENT, FunctionFailed, ProcessEnded, http_event, queue_event, until
from server_kit import EVERPOST, environ
from valkey_kit import valkey_server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
SETTLED_WITHIN_S = 120.0
ROTATED = "key-rotated"


@pytest.fixture(scope="module")
def valkey(tmp_path_factory):
    with valkey_server(tmp_path_factory.mktemp("valkey")) as server:
        yield server


@pytest.fixture
async def sandbox():
    sandbox = Sandbox()
    await sandbox.start()
    yield sandbox
    await sandbox.stop()


class Cloud(House):
    """An account of AWS with all that an installation of Everpost has there."""

    def __init__(self, folder, sandbox, stack, endpoint, valkey):
        super().__init__(folder, sandbox, stack)
        self.valkey = valkey
        self._endpoint = endpoint
        self.name = f"everpost-{uuid.uuid4().hex}"
        self.sqs, self.ssm, self.secrets = (
            judge.client(service, endpoint=endpoint, region_name=REGION, **KEYS)
            for service in ("sqs", "ssm", "secretsmanager")
        )

    async def build(self):
        wire = NetworkWire()
        table = await make_table(client_of(wire, self._endpoint))
        await wire.close()
        self.stream = Stream(self._endpoint)
        self.queue = self.sqs.create_queue(QueueName=self.name)["QueueUrl"]
        self.secrets.create_secret(Name=self.name, SecretString='{"api_key": "key-sandbox"}')
        self.sinks = ""
        config = self.configuration(mailgun_key=f"secretsmanager:{self.name}#api_key")
        self.ssm.put_parameter(Name=f"/{self.name}/config", Value=config, Type="SecureString")
        self.environ = {
            **environ_of(self._endpoint),
            "EVERPOST_CONFIG": f"ssm:/{self.name}/config",
            "EVERPOST_STORE": f"dynamodb:{table}?bodies={table}",
            "EVERPOST_HEALTH": f"valkey://127.0.0.1:{self.valkey.port}",
            "EVERPOST_WAKEUP": f"sqs:{self.queue}",
            "EVERPOST_EVENTS_SINKS": f"kinesis:{self.stream.name}",
            "EVERPOST_LOG_LEVEL": "info",
        }

    def rotate(self):
        self.secrets.put_secret_value(SecretId=self.name, SecretString=json.dumps({"api_key": ROTATED}))

    async def make_key(self):
        words = (*EVERPOST, "keys", "create", "--scope", "admin", "--json")
        told = await asyncio.to_thread(
            subprocess.run, words, env={**environ(), **self.environ}, capture_output=True, text=True, check=True
        )
        self.token = json.loads(told.stdout)["token"]

    @property
    def calls(self):
        """Messages that have called for `deliver`."""
        told = self.sqs.get_queue_attributes(QueueUrl=self.queue, AttributeNames=["ApproximateNumberOfMessages"])
        return int(told["Attributes"]["ApproximateNumberOfMessages"])


@pytest.fixture
async def cloud(tmp_path, sandbox, aws, valkey):
    valkey.judge.flushall()
    async with AsyncExitStack() as stack:
        cloud = Cloud(tmp_path, sandbox, stack, aws, valkey)
        await cloud.build()
        await cloud.make_key()
        yield cloud


async def settled(cloud, message_id):
    """The mail as it stands in the end: `deliver` is called as the clock would."""
    deliver, api = await cloud.start("deliver"), await cloud.start("api")
    async with asyncio.timeout(SETTLED_WITHIN_S):
        while True:
            await deliver.invoke(CLOCK_EVENT, 60)
            _, shown = read(await api.invoke(cloud.asked("GET", f"/v1/emails/{message_id}")))
            if shown["state"] in ("sent", "failed", "held"):
                return shown


async def test_the_original_body_is_200_and_one_mail_and_its_trail_is_in_kinesis(cloud):
    function = await cloud.start("send_email")
    status, answer = read(await function.invoke(cloud.asked("POST", "/sendEmail", ORIGINAL)))
    assert (status, answer["status"], list(cloud.mails.values())) == (200, "success", [1])
    relay = await cloud.start("relay")
    await relay.invoke(CLOCK_EVENT)
    trail = [event["type"].rpartition(".")[2] for key, event in cloud.stream.records() if key == answer["id"]]
    assert trail == ["accepted", "attempted", "sent"]


async def test_a_provider_that_is_down_is_stepped_over_and_state_event_and_log_line_tell_of_it(cloud, sandbox):
    await sandbox.put_faults("mailgun", FaultPlan(kind=FaultKind.REFUSE))
    function = await cloud.start("send_email")
    event = cloud.asked("POST", "/sendEmail", ORIGINAL, make=http_event, headers={"x-amzn-trace-id": TRACE})
    status, answer = read(await function.invoke(event))
    assert (status, answer["provider"], list(cloud.mails.values())) == (200, "sendgrid", [1])

    assert b'"failures":1,' in cloud.valkey.judge.hget("everpost:{health}", "state/mailgun")

    relay = await cloud.start("relay")
    await relay.invoke(CLOCK_EVENT)
    told = [event for key, event in cloud.stream.records() if key == answer["id"]]
    [deferred] = [event for event in told if event["type"] == "dev.everpost.email.deferred"]
    assert (deferred["data"]["account"], deferred["data"]["outcome"]) == ("mailgun", "unavailable")

    [line] = [each for each in function.lines if isinstance(each, dict) and each.get("event") == "request"]
    assert line["requestId"] == "00000000-0000-4000-8000-000000000001"
    assert (line["message"], line["status"]) == (answer["id"], 200)
    assert line["trace"] == "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01"


async def test_the_same_key_is_one_mail_over_two_environments_at_the_same_time(cloud):
    event = cloud.asked("POST", "/sendEmail", ORIGINAL, headers={"idempotency-key": "order-1"})
    one, two = await cloud.start("send_email"), await cloud.start("send_email")
    calls = [one.call(event), two.call(event)]
    statuses = sorted([read(await call.result)[0] for call in calls])
    assert statuses in ([200, 200], [200, 409])  # the second one may have come while the first one was at work
    assert read(await two.invoke(event))[0] == 200
    assert list(cloud.mails.values()) == [1]


async def test_what_is_set_is_got_and_the_next_mail_goes_there(cloud):
    setter, getter = await cloud.start("set_email_provider"), await cloud.start("get_email_provider")
    assert read(await setter.invoke(cloud.asked("POST", "/setEmailProvider", {"provider": "sendgrid"})))[0] == 200
    shown = read(await getter.invoke(cloud.asked("GET", "/getEmailProvider")))
    assert shown == (200, {"status": "success", "provider": "sendgrid"})
    function = await cloud.start("send_email")
    _, answer = read(await function.invoke(cloud.asked("POST", "/sendEmail", ORIGINAL)))
    assert answer["provider"] == "sendgrid"


async def test_a_mail_that_nobody_waits_for_calls_deliver_by_the_queue(cloud):
    api = await cloud.start("api")
    status, accepted = read(await api.invoke(cloud.asked("POST", "/v1/emails", NATIVE)))
    assert (status, cloud.mails, cloud.calls) == (202, {}, 1)
    deliver = await cloud.start("deliver")
    assert await deliver.invoke(queue_event("one"), 60) == {"batchItemFailures": []}
    assert list(cloud.mails.values()) == [1]
    _, shown = read(await api.invoke(cloud.asked("GET", f"/v1/emails/{accepted['id']}")))
    assert shown["state"] == "sent"


async def test_a_function_that_is_killed_in_mid_send_is_followed_by_deliver_which_finds_the_mail(cloud, sandbox):
    await sandbox.put_faults("mailgun", FaultPlan(kind=FaultKind.ACCEPT_HANG, count=1))
    function = await cloud.start("send_email")
    call = function.call(cloud.asked("POST", "/sendEmail", ORIGINAL))
    await until(lambda: bool(cloud.mails))
    await function.kill()
    with pytest.raises(ProcessEnded):
        await call.result
    api = await cloud.start("api")
    _, page = read(await api.invoke(cloud.asked("GET", "/v1/emails")))
    [mail] = page["data"]
    shown = await settled(cloud, mail["id"])
    assert (shown["state"], shown["deliveries"][0]["account"]) == ("sent", "mailgun")
    assert list(cloud.mails.values()) == [1]


async def test_a_secret_is_rotated_without_a_new_start(cloud, sandbox):
    function = await cloud.start("send_email")
    assert read(await function.invoke(cloud.asked("POST", "/sendEmail", ORIGINAL)))[1]["provider"] == "mailgun"
    cloud.rotate()
    sandbox.conduct.rejected_keys = frozenset({"key-sandbox"})
    status, answer = read(await function.invoke(cloud.asked("POST", "/sendEmail", ORIGINAL)))
    assert (status, answer["provider"]) == (200, "sendgrid")  # the refused account is stepped over, and asked anew …
    await until_rotated(function, cloud)
    assert any("secrets have changed" in str(line) for line in function.lines)


async def until_rotated(function, cloud):
    """… as soon as its secret may be read again."""
    async with asyncio.timeout(30):
        while not any("secrets have changed" in str(line) for line in function.lines):
            read(await function.invoke(cloud.asked("POST", "/sendEmail", ORIGINAL)))


async def test_figures_of_all_functions_are_told_by_relay(cloud):
    function = await cloud.start("send_email")
    read(await function.invoke(cloud.asked("POST", "/sendEmail", ORIGINAL)))
    relay = await cloud.start("relay")
    await relay.invoke(CLOCK_EVENT)
    figures = [line for line in relay.lines if isinstance(line, dict) and "_aws" in line]
    [overall] = [line for line in figures if "OldestDueAge" in line]
    assert overall["Function"] == "everpost-relay"
    assert (overall["Accepted"], overall["Unaccounted"], overall["AccountsUsable"]) == (1, 0, 2)
    assert {"Function", "Account", "Outcome", "Attempts", "_aws"} in [set(line) for line in figures]


async def test_what_happened_is_counted_by_relay_and_told_by_the_api(cloud, sandbox):
    await sandbox.put_faults("mailgun", FaultPlan(kind=FaultKind.REFUSE))
    function = await cloud.start("send_email")
    read(await function.invoke(cloud.asked("POST", "/sendEmail", ORIGINAL)))
    relay, api = await cloud.start("relay"), await cloud.start("api")
    await relay.invoke(CLOCK_EVENT)
    status, told = read(await api.invoke(cloud.asked("GET", "/v1/series?range=6h", make=http_event)))
    sums = {each["account"]: (sum(each["sent"]), sum(each["failovers_from"])) for each in told["accounts"]}
    assert (status, sum(told["totals"]["sent"]), sums) == (200, 1, {"mailgun": (0, 1), "sendgrid": (1, 0)})


async def test_a_function_goes_on_without_valkey(cloud, valkey):
    cloud.environ["EVERPOST_HEALTH"] = "valkey://127.0.0.1:1"
    function = await cloud.start("send_email")
    assert read(await function.invoke(cloud.asked("POST", "/sendEmail", ORIGINAL)))[0] == 200
    assert list(cloud.mails.values()) == [1]


async def test_without_a_valkey_the_table_keeps_the_health_of_accounts(cloud, sandbox):
    cloud.environ["EVERPOST_HEALTH"] = "store"
    await sandbox.put_faults("mailgun", FaultPlan(kind=FaultKind.REFUSE))
    function, api = await cloud.start("send_email"), await cloud.start("api")
    assert read(await function.invoke(cloud.asked("POST", "/sendEmail", ORIGINAL)))[1]["provider"] == "sendgrid"
    _, page = read(await api.invoke(cloud.asked("GET", "/v1/accounts")))
    [mailgun] = [account for account in page["data"] if account["name"] == "mailgun"]
    assert mailgun["last_error"].startswith("unavailable")


async def test_a_configuration_or_a_secret_that_is_not_there_is_told_with_what_to_mend(cloud):
    cloud.secrets.delete_secret(SecretId=cloud.name, ForceDeleteWithoutRecovery=True)
    with pytest.raises(FunctionFailed, match=r"Misconfigured: secretsmanager:.*: create it, or mend the name"):
        await cloud.start("send_email")
    await cloud.start("get_email_provider")  # which needs none
    cloud.environ["EVERPOST_CONFIG"] = "ssm:/nowhere"
    with pytest.raises(FunctionFailed, match=r"Misconfigured: ssm:/nowhere can't be read.*: create it"):
        await cloud.start("send_email")
    del cloud.environ["AWS_REGION"]
    with pytest.raises(FunctionFailed, match="no AWS region: set AWS_REGION"):
        await cloud.start("send_email")


async def test_no_secret_is_in_any_line(cloud, sandbox):
    await sandbox.put_faults("mailgun", FaultPlan(kind=FaultKind.REFUSE))
    function = await cloud.start("send_email", {"EVERPOST_LOG_LEVEL": "debug"})
    read(await function.invoke(cloud.asked("POST", "/sendEmail", ORIGINAL)))
    written = function.log.read_text()
    assert [secret for secret in (cloud.token, "key-sandbox", "SG.sandbox", ORIGINAL["to"]) if secret in written] == []
