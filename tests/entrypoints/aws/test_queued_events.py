"""Events that a queue brings to the function that providers call: each counts for itself."""

import json

import pytest

from everpost.engine.fleet import Member
from everpost.entrypoints.aws.events import BrokenEvent
from everpost.entrypoints.aws.hooking import Hooking
from everpost.model.account import Account
from everpost.model.event import EventType
from everpost.settings import HttpSettings
from everpost.store.memory import MemoryStore
from everpost.store.port import StoreUnavailable
from everpost.wiring import PROVIDERS
from hook_senders import notifications, ses
from http_kit import ScriptedWire, running
from lambda_kit import queued_event

QUEUE = "everpost-ses"
ACCOUNT = Account(name="ses", provider="ses", settings={"webhook_queue": QUEUE})


class Lines(list):
    write = list.append


class ShakyStore(MemoryStore):
    fails_at = frozenset()  # numbers of the writes that fail
    writes = 0

    async def note(self, notices):
        self.writes += 1
        if self.writes in self.fails_at:
            raise StoreUnavailable("the disk is full")
        return await super().note(notices)


@pytest.fixture
async def parts():
    store = ShakyStore()
    async with running(ScriptedWire(), store=store) as (_, engine):
        engine._fleet._members["ses"] = Member(ACCOUNT, PROVIDERS["ses"])
        yield Hooking(engine, HttpSettings(), "hooks", Lines()), store


def plain(event="Delivery"):
    return json.dumps(ses.event(event))


def wrapped(event="Open"):
    return json.dumps(notifications.notification(ses.event(event), ses.SECRET, ses.CERTIFICATE))


async def types(store):
    return [one.event.type for one in await store.read_events(0, 100)]


async def failed(parts, queue=QUEUE, **bodies):
    result = await parts[0](queued_event(queue, **bodies), 15.0)
    return [one["itemIdentifier"] for one in result["batchItemFailures"]]


async def test_events_come_in_an_envelope_or_without(parts):
    assert await failed(parts, a=plain(), b=wrapped()) == []
    assert await types(parts[1]) == [EventType.RECIPIENT_DELIVERED, EventType.RECIPIENT_OPENED]


async def test_only_what_makes_no_sense_comes_again(parts):
    assert await failed(parts, a="{", b=plain(), c=json.dumps({"mail": {}}), d=wrapped()) == ["a", "c"]
    assert (await types(parts[1])).count(EventType.WEBHOOK_UNREADABLE) == 2


async def test_only_what_was_not_written_comes_again(parts):
    parts[1].fails_at = {2}
    assert await failed(parts, a=plain("Send"), b=plain(), c=plain("Open")) == ["b"]
    assert await types(parts[1]) == [EventType.RECIPIENT_QUEUED, EventType.RECIPIENT_OPENED]
    assert await failed(parts, b=plain()) == []


async def test_what_comes_again_is_kept_once(parts):
    assert await failed(parts, a=plain(), b=plain()) == []
    assert await types(parts[1]) == [EventType.RECIPIENT_DELIVERED]


async def test_a_queue_that_no_account_names_brings_nothing(parts):
    assert await failed(parts, queue="another", a=plain()) == ["a"]
    assert await types(parts[1]) == []


@pytest.mark.parametrize("message", ["Successfully validated SNS topic for Amazon SES event publishing."])
async def test_a_word_of_welcome_is_no_event(parts, message):
    told = notifications.notification(message, ses.SECRET, ses.CERTIFICATE)
    assert await failed(parts, a=json.dumps(told), b=json.dumps(told | {"Type": "SubscriptionConfirmation"})) == []
    assert await types(parts[1]) == []


@pytest.mark.parametrize("record", [{}, {"messageId": "a"}, {"messageId": "a", "eventSourceARN": "x", "body": 7}, 7])
async def test_what_is_no_message_is_told_as_that(parts, record):
    with pytest.raises(BrokenEvent, match="no messages of SQS"):
        await parts[0]({"Records": [record]}, 15.0)
