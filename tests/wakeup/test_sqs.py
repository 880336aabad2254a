"""Calls of the function that delivers, by a real queue."""

import asyncio
import uuid
from functools import partial

import pytest

import judge
from aws_kit import REGION, client_of, ministack
from crash.processes import until
from engine_kit import accepted
from everpost.aws import AwsClient, CredentialChain, Lost, Site
from everpost.engine.wire import NetworkWire
from everpost.model.account import Account
from everpost.model.route import Route, RouteAccount
from everpost.settings import HttpSettings, QueueWakeup, Retention, Settings
from everpost.wakeup.port import Topic
from everpost.wakeup.sqs import DELAY_S_MAX, SqsPeers
from everpost.wiring import Role, assembled
from everpost.wiring.cloud import Cloud

KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
WITHIN_S = 30.0  # on a busy machine


@pytest.fixture(scope="module")
def aws(tmp_path_factory):
    with ministack(tmp_path_factory.mktemp("aws") / "log") as endpoint:
        yield endpoint


@pytest.fixture
def sqs(aws):
    return judge.client("sqs", endpoint=aws, region_name=REGION, aws_access_key_id="test", aws_secret_access_key="test")


@pytest.fixture
def queue(sqs):
    return sqs.create_queue(QueueName=f"deliver-{uuid.uuid4()}")["QueueUrl"]


@pytest.fixture
async def peers(aws, queue):
    wire = NetworkWire()
    yield SqsPeers(client_of(wire, aws), queue)
    await wire.close()


def waiting(sqs, queue):
    """Messages that can be received now, and those that are held back."""
    names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesDelayed")
    told = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=list(names))["Attributes"]
    return tuple(int(told[name]) for name in names)


async def test_a_call_is_in_the_queue_when_it_returns(peers, sqs, queue):
    await peers.tell(Topic.DUE, 0.0)
    assert [message["Body"] for message in sqs.receive_message(QueueUrl=queue)["Messages"]] == ["due"]


async def test_a_call_for_later_is_held_back_until_then(peers, sqs, queue):
    await peers.tell(Topic.DUE, 30.5)
    assert waiting(sqs, queue) == (0, 1)


async def test_what_was_due_before_is_called_for_at_once(peers, sqs, queue):
    await peers.tell(Topic.DUE, -5.0)
    assert waiting(sqs, queue) == (1, 0)


async def test_what_is_due_later_than_a_message_can_wait_is_left_to_the_schedule(peers, sqs, queue):
    await peers.tell(Topic.DUE, float(DELAY_S_MAX))
    await peers.tell(Topic.DUE, DELAY_S_MAX + 1.0)
    assert waiting(sqs, queue) == (0, 1)


async def test_events_call_nobody(peers, sqs, queue):
    await peers.tell(Topic.NEWS)
    assert waiting(sqs, queue) == (0, 0)


async def test_a_server_beside_functions_calls_them_for_the_mail_that_it_leaves(aws, sqs, queue, tmp_path):
    account = Account(name="a", provider="sendgrid", settings={"api_key": "SG.test"})
    settings = Settings(
        data=tmp_path,
        http=HttpSettings(),
        accounts=(account,),
        routes=(Route(name="default", accounts=(RouteAccount(account="a"),)),),
        sinks=(),
        retention=Retention(),
        log_level="warning",
        wakeup=QueueWakeup(queue),
    )
    environ = {"AWS_ENDPOINT_URL": aws, "AWS_REGION": REGION, **KEYS}
    async with assembled(settings, Role.CALL, Cloud(environ)) as engine:
        running = asyncio.create_task(engine.run(stop := asyncio.Event()))
        await accepted(engine)
        await until(partial(_is_called, sqs, queue), WITHIN_S)
        stop.set()
        await running
    assert waiting(sqs, queue) == (1, 0)


async def _is_called(sqs, queue):
    return waiting(sqs, queue) != (0, 0)


@pytest.mark.parametrize("broken", ["gone", "away", "nobody"])
async def test_a_call_that_cannot_be_made_is_told_and_no_failure(aws, queue, broken, caplog):
    async def away(request, seconds):
        return Lost(maybe_sent=False, text="refused")

    wire = NetworkWire()
    environ = {} if broken == "nobody" else KEYS
    nowhere = AwsClient(away, CredentialChain(environ, away, float), Site(region=REGION), chance=lambda: 1.0)
    peers = SqsPeers(client_of(wire, aws), f"{queue}-gone") if broken == "gone" else SqsPeers(nowhere, queue)
    await peers.tell(Topic.DUE, 0.0)
    await wire.close()
    assert "the schedule will find it" in caplog.text
