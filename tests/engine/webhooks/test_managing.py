"""Webhooks as they are managed: versions, secrets, notices, and whose they are."""

import asyncio

import pytest

from engine_kit import CALLER, elapse
from everpost.model.event import EventType
from everpost.model.key import Caller, Scope
from everpost.model.limits import WEBHOOK_ROTATION_S_MAX, WEBHOOK_SECRETS_MAX, WEBHOOKS_MAX
from everpost.model.problem import Problem
from webhook_kit import BROKEN, REFUSED, URL, made

STRANGER = Caller(project="other", who="key-2", scope=Scope.ADMIN)


async def told(hooked):
    return [
        (event.type.value, event.data["by"])
        for event in await hooked.world.events()
        if event.type.value.startswith("webhook.")
    ]


async def test_every_change_is_on_the_trail(hooked):
    engine = hooked.engine()
    webhook = await made(engine)
    await engine.webhooks.change(CALLER, webhook.id, {"description": "x", "enabled": False})
    await engine.webhooks.rotate(CALLER, webhook.id)
    await engine.webhooks.delete(CALLER, webhook.id)
    assert await told(hooked) == [(f"webhook.{what}", "key-1") for what in ("created", "changed", "rotated", "deleted")]
    [changed] = await hooked.world.events(EventType.WEBHOOK_CHANGED)
    assert changed.data["fields"] == ["description", "enabled"]
    assert not any("whsec_" in str(event.data) for event in await hooked.world.events())


async def test_another_project_sees_and_changes_nothing(hooked):
    async with hooked.running() as engine:
        webhook = await made(engine)
        stranger = engine.webhooks
        assert await stranger.of("other") == []
        for refused in (
            await stranger.get("other", webhook.id),
            await stranger.change(STRANGER, webhook.id, {"enabled": False}),
            await stranger.rotate(STRANGER, webhook.id),
            await stranger.delete(STRANGER, webhook.id),
            await stranger.test(STRANGER, webhook.id),
        ):
            assert isinstance(refused, Problem)
            assert refused.status == 404
        await hooked.happen(3, project="other")
        await made(engine, "https://other.example.com", STRANGER)
        await hooked.happen(3, first=10, project="other")
        await hooked.happen(1, first=20)
        await elapse(5.0)
    assert [got.event["id"] for got in hooked.receivers.of(URL)] == ["em_20.0:2"]
    theirs = hooked.receivers.of("https://other.example.com")
    assert {got.event["data"]["project"] for got in theirs} == {"other"}
    assert len(theirs) == 3


async def test_two_who_change_it_at_the_same_time_both_have_their_way(hooked):
    engine = hooked.engine()
    webhook = await made(engine)
    await asyncio.gather(
        engine.webhooks.change(CALLER, webhook.id, {"description": "x"}),
        engine.webhooks.change(CALLER, webhook.id, {"tags": ("vip",)}),
        engine.webhooks.rotate(CALLER, webhook.id),
    )
    now = await hooked.webhook(webhook)
    assert (now.description, now.tags, len(now.keys)) == ("x", ("vip",), 2)


async def test_a_rotation_signs_with_both_secrets_for_a_day(hooked):
    async with hooked.running() as engine:
        old = (await made(engine)).keys[0].secret
        [webhook] = await engine.webhooks.of("shop")
        new = (await engine.webhooks.rotate(CALLER, webhook.id)).keys[0].secret
        await elapse(0.1)
        await hooked.happen(1)
        await elapse(5.0)
        await elapse(WEBHOOK_ROTATION_S_MAX)
        await hooked.happen(1, first=1)
        await elapse(5.0)
    during, later = hooked.receivers.got
    assert len(during.headers["webhook-signature"].split()) == 2
    assert len(later.headers["webhook-signature"].split()) == 1
    assert len({old, new}) == 2


async def test_secrets_that_sign_are_bounded_however_often_it_is_rotated(hooked):
    engine = hooked.engine()
    webhook = await made(engine)
    for _ in range(2 * WEBHOOK_SECRETS_MAX):
        webhook = await engine.webhooks.rotate(CALLER, webhook.id)
    assert len(webhook.keys) == WEBHOOK_SECRETS_MAX
    assert [key.until is None for key in webhook.keys] == [True] + [False] * (WEBHOOK_SECRETS_MAX - 1)


async def test_a_project_has_a_bounded_number(hooked):
    engine = hooked.engine()
    for _ in range(WEBHOOKS_MAX):
        await made(engine)
    refused = await engine.webhooks.create(CALLER, {"url": URL})
    assert (refused.code, refused.status) == ("too_many_webhooks", 409)
    await made(engine, caller=STRANGER)


BAD = {
    "url": {"url": "http://hooks.example.com"},
    "accounts[1]": {"url": URL, "accounts": ("a", "c")},
}


@pytest.mark.parametrize(("field", "fields"), BAD.items(), ids=BAD)
async def test_a_faulty_webhook_is_told_by_its_field(hooked, field, fields):
    refused = await hooked.engine().webhooks.create(CALLER, fields)
    assert [error.field for error in refused.errors] == [field]


async def test_a_test_is_posted_at_once_even_to_a_disabled_webhook_and_is_not_on_the_trail(hooked):
    engine = hooked.engine(delivers=False)
    webhook = await made(engine, events=("email.sent",), enabled=False)
    result = await engine.webhooks.test(CALLER, webhook.id)
    assert (result.end, result.status, result.error) == ("taken", 204, "")
    [got] = hooked.receivers.got
    assert got.type == "webhook.test"
    assert got.event["data"] == {"project": "shop", "webhook": webhook.id, "by": "key-1"}
    assert await hooked.world.events(EventType.WEBHOOK_TEST) == []
    for answer, error in ((BROKEN, "answered 500"), (REFUSED, "connect: connection refused")):
        hooked.receivers.answers[URL] = answer
        assert (await engine.webhooks.test(CALLER, webhook.id)).error == error
