"""Webhooks that are told of events in a provider's words."""

import json
import sys
from base64 import b64decode

import pytest

from engine_kit import CALLER, accepted, elapse
from everpost.dialects.notices.table import WRITERS
from everpost.engine.webhooks import phrasing
from everpost.engine.webhooks.dispatcher import IDLE_S_MAX
from everpost.model.event import Event, EventType
from everpost.model.message import Address
from everpost.model.problem import Problem
from everpost.model.webhook import STANDARD
from everpost.store.port import StoreUnavailable
from everpost.webhooks import signing
from webhook_kit import BROKEN, TAKEN, made

SOON_S = IDLE_S_MAX + 1.0
TWO = (Address("bob@example.org"), Address("eve@example.org"))


async def happened(hooked, stored, type_, **data):
    mail = stored.message
    event = Event(
        id=f"{mail.id}.0:{type_}",
        type=type_,
        at=hooked.world.clock.now(),
        project=mail.project,
        message_id=mail.id,
        data=data,
    )
    await hooked.world.store.record([event])


async def test_what_the_format_has_no_word_for_is_not_posted_and_counts_for_nothing(hooked):
    async with hooked.running() as engine:
        webhook = await made(engine, format="ses")
        await accepted(engine, wait_s=5.0)
        await elapse(SOON_S)
    [got] = hooked.receivers.got
    assert json.loads(got.event["Message"])["eventType"] == "Send"
    progress = await hooked.progress(webhook)
    assert (progress.delivered, progress.given_up, progress.waiting) == (1, 0, ())


async def test_a_request_for_each_recipient_stops_at_the_first_that_is_not_taken_and_begins_anew(hooked):
    async with hooked.running() as engine:
        webhook = await made(engine, format="mailgun")
        hooked.receivers.answers[webhook.url] = lambda _: BROKEN if len(hooked.receivers.got) == 2 else TAKEN
        await accepted(engine, to=(*TWO, Address("dan@example.org")))
        await elapse(15.0)
    whom = [got.event["event-data"]["recipient"].partition("@")[0] for got in hooked.receivers.got]
    assert whom == ["bob", "eve", "bob", "eve", "dan"]
    assert len({got.id for got in hooked.receivers.got}) == 3
    assert len({got.event["signature"]["token"] for got in hooked.receivers.got}) == 5
    assert (await hooked.progress(webhook)).delivered == 1


async def test_every_format_is_signed_as_standard_webhooks_are_besides(hooked):
    for format_ in (STANDARD, *WRITERS):
        engine = hooked.engine(delivers=False)
        webhook = await made(engine, format=format_)
        await engine.webhooks.test(CALLER, webhook.id)
        got = hooked.receivers.got[-1]
        at = int(got.headers["webhook-timestamp"])
        assert (
            got.headers["webhook-signature"]
            == (signing.headers(webhook.keys, got.id, at, got.body)["webhook-signature"])
        )


async def test_it_logs_in_where_a_login_is_set(hooked):
    engine = hooked.engine(delivers=False)
    webhook = await made(engine, format="postmark", login="shop:horse")
    await engine.webhooks.test(CALLER, webhook.id)
    await engine.webhooks.change(CALLER, webhook.id, {"login": ""})
    await engine.webhooks.test(CALLER, webhook.id)
    first, then = hooked.receivers.got
    assert b64decode(first.headers["Authorization"].removeprefix("Basic ")) == b"shop:horse"
    assert "Authorization" not in then.headers


async def test_what_is_told_of_nobody_or_of_a_mail_that_is_gone_is_given_up_with_the_reason(hooked):
    async with hooked.running() as engine:
        webhook = await made(engine, format="resend", events=("recipient.delivered",))
        stored = await accepted(engine, to=TWO)
        await happened(hooked, stored, EventType.RECIPIENT_DELIVERED)
        await hooked.happen(1, type=EventType.RECIPIENT_DELIVERED)
        await elapse(SOON_S)
    progress = await hooked.progress(webhook)
    assert (hooked.receivers.got, progress.given_up) == ([], 2)
    assert {each.error for each in progress.attempts} == {phrasing.UNTELLABLE, phrasing.FORGOTTEN}


async def test_who_is_left_out_of_a_mail_is_told_as_dropped_and_nobody_else(hooked):
    async with hooked.running() as engine:
        await made(engine, format="sendgrid")
        stored = await accepted(engine, to=TWO)
        await happened(hooked, stored, EventType.SUPPRESSED, recipients=1, places=[1])
        await elapse(SOON_S)
    told = [(each["event"], each["email"]) for got in hooked.receivers.got for each in got.event]
    assert ("dropped", "eve@example.org") in told
    assert ("dropped", "bob@example.org") not in told


async def test_without_the_library_no_webhook_in_sendgrids_format_is_made(hooked, monkeypatch):
    monkeypatch.setattr(signing, "find_spec", lambda _: None)
    refused = await hooked.engine(delivers=False).webhooks.create(
        CALLER, {"url": "https://hooks.example.com/", "format": "sendgrid"}
    )
    assert isinstance(refused, Problem)
    assert [(each.field, "everpost[webhooks]" in each.message) for each in refused.errors] == [("format", True)]


async def test_where_the_library_was_taken_away_it_is_said(hooked, monkeypatch):
    engine = hooked.engine(delivers=False)
    webhook = await made(engine, format="sendgrid")
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.asymmetric", None)
    result = await engine.webhooks.test(CALLER, webhook.id)
    assert "everpost[webhooks]" in result.error


@pytest.mark.parametrize("format_", [*WRITERS])
async def test_a_store_that_does_not_answer_gives_nothing_up(hooked, format_, monkeypatch):
    async def gone(*_):
        raise StoreUnavailable

    async with hooked.running() as engine:
        webhook = await made(engine, format=format_, events=("recipient.delivered",))
        stored = await accepted(engine)
        with monkeypatch.context() as patched:
            patched.setattr(hooked.world.store, "get_message", gone)
            await happened(hooked, stored, EventType.RECIPIENT_DELIVERED, place=0)
            await elapse(SOON_S)
        assert hooked.receivers.got == []
        await elapse(20.0)
    assert len(hooked.receivers.got) == 1
    assert (await hooked.progress(webhook)).given_up == 0
