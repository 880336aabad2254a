"""The way of a mail from the queue to a provider."""

import pytest

from engine_kit import (
    BAD_KEY,
    BUSY,
    DOWN,
    LOST_BUT_TAKEN,
    REJECTED,
    TAKEN,
    TOO_LARGE,
    World,
    accepted,
    account,
    all_ended,
    elapse,
    many,
    picky,
    throttled,
)
from everpost.core.breaker import DEFAULT_POLICY
from everpost.core.decide import WAIT_S_MAX
from everpost.model.account import Quota
from everpost.model.delivery import DeliveryState
from everpost.model.event import EventType
from everpost.model.message import Address
from store_values import NOW

SENT, FAILED, QUEUED = DeliveryState.SENT, DeliveryState.FAILED, DeliveryState.QUEUED


# --- failover --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (DOWN, "unavailable"),
        (BUSY, "unavailable"),
        (throttled(60), "throttled"),
        (BAD_KEY, "refused"),
        (TOO_LARGE, "refused"),
    ],
)
async def test_what_an_account_has_certainly_not_taken_goes_to_the_next_one_at_once(world, reply, outcome):
    world.wire.script("a", reply)
    async with world.running() as engine:
        stored = await accepted(engine, wait_s=30.0)
        assert world.clock.monotonic() < 0.5
    assert (stored.deliveries[0].state, stored.deliveries[0].account) == (SENT, "b")
    assert await world.attempts(stored) == [("a", outcome), ("b", "accepted")]


async def test_what_a_provider_rejects_is_not_offered_to_another_one(world):
    world.wire.script("a", REJECTED)
    async with world.running() as engine:
        stored = await accepted(engine, wait_s=30.0)
    assert stored.deliveries[0].state is FAILED
    assert world.wire.accounts() == ["a"]


async def test_what_may_have_been_taken_is_not_sent_elsewhere(world):
    world.wire.script("a", LOST_BUT_TAKEN)
    async with world.running() as engine:
        stored = await accepted(engine, wait_s=30.0)
    assert (stored.deliveries[0].state, stored.deliveries[0].account) == (SENT, "a")
    assert world.wire.accounts() == ["a"]


async def test_after_a_round_in_vain_every_account_is_tried_again_a_little_later(world):
    for name in "ab":
        world.wire.script(name, DOWN, TAKEN)
    async with world.running() as engine:
        stored = await accepted(engine)
        await world.ended(stored)
    assert world.wire.accounts() == ["a", "b", "a"]
    first, _, third = world.wire.sent
    assert 1.0 <= third.at - first.at <= 2.5  # the pause of the first round, and not the sleep of an idle loop


async def test_a_fault_of_the_account_opens_its_circuit_and_others_carry_all_mail(world):
    world.wire.script("a", BAD_KEY)
    async with world.running() as engine:
        first = await accepted(engine, wait_s=30.0)
        mails = await many(engine, 20)
        await all_ended(world, mails)
    assert await world.attempts(first) == [("a", "refused"), ("b", "accepted")]
    assert world.wire.accounts().count("a") == 1
    [opened] = await world.events(EventType.ACCOUNT_OPENED)
    assert opened.account == "a"


async def test_mails_at_fault_never_open_a_circuit(world):
    async with world.running() as engine:
        for reply in (REJECTED, TOO_LARGE):
            world.wire.script("a", reply)
            await all_ended(world, await many(engine, 30))
    assert world.wire.accounts().count("a") == 60
    assert await world.events(EventType.ACCOUNT_OPENED) == []


async def test_a_throttled_account_is_left_alone_for_as_long_as_it_wants(world):
    world.wire.script("a", throttled(100), TAKEN)
    async with world.running() as engine:
        await accepted(engine, wait_s=30.0)
        await elapse(99.0)
        assert (await accepted(engine, wait_s=30.0)).deliveries[0].account == "b"
        await elapse(2.0)
        assert (await accepted(engine, wait_s=30.0)).deliveries[0].account == "a"


async def test_a_mail_that_every_account_refuses_for_good_fails(world):
    for name in "ab":
        world.wire.script(name, TOO_LARGE)
    async with world.running() as engine:
        stored = await accepted(engine, wait_s=30.0)
    assert stored.deliveries[0].state is FAILED
    assert stored.deliveries[0].reason.startswith("no account will take it (a: it has refused this mail for good; b:")


async def test_an_account_whose_provider_can_not_express_the_mail_is_skipped_with_the_reason():
    world = World("a", "b", provider=picky("odd", accounts={"a"}))
    async with world.running() as engine:
        stored = await accepted(engine, subject="odd", wait_s=30.0)
    assert stored.deliveries[0].account == "b"
    [attempted] = await world.events(EventType.ATTEMPTED)
    assert attempted.data["skipped"] == [{"account": "a", "reason": "it can't say odd"}]


# --- nobody can take it ----------------------------------------------------------------------------------------------


async def test_while_every_account_is_blocked_a_mail_stays_queued_and_the_reason_is_told_once(world):
    for name in "ab":
        world.wire.script(name, throttled(3600))
    async with world.running() as engine:
        await accepted(engine)
        await elapse(10.0)
        late = await accepted(engine)
        await elapse(1800.0)
        one = await world.delivery(late)
        told = [event for event in await world.events(EventType.DEFERRED) if event.delivery_id == one.id]
    assert one.state is QUEUED
    assert one.reason == "a: it is throttled: throttled 429; b: it is throttled: throttled 429"
    [event] = told
    assert (event.data["reason"], event.account) == (one.reason, None)
    assert len(world.wire.sent) == 2


async def test_the_reason_is_told_once_although_probe_after_probe_fails():
    world = World("a")
    world.wire.script("a", DOWN)
    async with world.running() as engine:
        mails = await many(engine, 20)
        await elapse(3600.0)
        events = await world.events(EventType.DEFERRED)
    for stored in mails:
        told = [event.data for event in events if event.message_id == stored.message.id]
        waits = [data["reason"] for data in told if "outcome" not in data]
        attempts = len(told) - len(waits)
        assert len(waits) <= 2 * attempts + 1  # a round in vain, and why it waits from then on


async def test_mail_that_waited_goes_out_when_an_account_works_again(world):
    for name in "ab":
        world.wire.script(name, DOWN)
    async with world.running() as engine:
        mails = await many(engine, 50)
        await elapse(600.0)
        world.wire.script("b", TAKEN)
        await elapse(DEFAULT_POLICY.open_s_max + 2 * WAIT_S_MAX)
        states = {(await world.delivery(stored)).state for stored in mails}
    assert states == {SENT}
    assert set(world.wire.taken.values()) == {1}


async def test_a_mail_that_expires_while_it_waits_fails_then(world):
    for name in "ab":
        world.wire.script(name, throttled(3600))
    async with world.running() as engine:
        stored = await accepted(engine, expires_at=NOW + 100)
        await elapse(90.0)
        assert (await world.delivery(stored)).state is QUEUED
        await elapse(15.0)
        one = await world.delivery(stored)
    assert one.state is FAILED
    assert one.reason.startswith("it expired before any account took it (a: it is throttled")
    [failed] = await world.events(EventType.FAILED)
    assert failed.data["code"] == "expired"


async def test_a_quota_is_used_up_to_its_last_recipient_and_no_further():
    world = World(account("a", quota=Quota(per_day=10)), "b")
    async with world.running() as engine:
        mails = await many(engine, 15, to=(Address("bob@example.org"), Address("ann@example.org")))
        await all_ended(world, mails)
    assert world.wire.accounts().count("a") == 5
    assert world.wire.accounts().count("b") == 10


async def test_two_processes_share_a_quota():
    world = World(account("a", quota=Quota(per_day=10)), "b")
    async with world.running() as first, world.running() as second:
        mails = [*await many(first, 15), *await many(second, 15)]
        await all_ended(world, mails)
    assert world.wire.accounts().count("a") == 10


async def test_a_mail_waits_for_the_next_second_of_a_rate():
    world = World(account("a", quota=Quota(per_second=5)))
    async with world.running() as engine:
        await all_ended(world, await many(engine, 12))
    per_second = [int(request.at) for request in world.wire.sent]
    assert max(map(per_second.count, per_second)) <= 5
