"""How much one process takes in hand at a time."""

import asyncio

import pytest

from engine_kit import (
    BUSY,
    TAKEN,
    SlowAside,
    World,
    accepted,
    account,
    all_ended,
    elapse,
    later,
    many,
    throttled,
)
from everpost.engine.deliver import BLOCKED_ROOM, CLAIM_LEASE_S, WAITING_MAX
from everpost.model.delivery import DeliveryState
from everpost.model.limits import ACTIVE_MAX, IN_LOOP_BYTES_MAX
from everpost.wakeup.port import LOOK_S
from store_values import NOW

SENT, FAILED, QUEUED = DeliveryState.SENT, DeliveryState.FAILED, DeliveryState.QUEUED
SENDING = DeliveryState.SENDING


async def test_an_account_never_has_more_requests_open_than_it_allows():
    world = World(account("a", max_concurrency=7), account("b", max_concurrency=3))
    world.wire.script("a", *[later(BUSY, 0.3)] * 4, later(TAKEN, 0.3))
    async with world.running() as engine:
        mails = await many(engine, 200)
        await all_ended(world, mails)
    assert world.wire.most["a"] == 7
    assert world.wire.most["b"] <= 3
    assert len(world.wire.taken) == 200


async def test_the_queue_is_claimed_only_as_far_as_there_is_room():
    world = World(account("a", max_concurrency=5))
    idle = world.engine()
    for _ in range(300):
        await accepted(idle)
    world.wire.script("a", later(TAKEN, 4.0))
    async with world.running():
        await elapse(1.0)
        waiting = (await world.store.claim_due(world.clock.now(), 0.0, 1000)).claimed
    assert len(waiting) == 300 - 5 - WAITING_MAX


async def test_while_all_accounts_are_blocked_only_a_few_deliveries_are_looked_at(world):
    for name in "ab":
        world.wire.script(name, throttled(3600))
    async with world.running() as engine:
        await accepted(engine)
        await elapse(5.0)
        mails = await many(engine, 100)
        await elapse(4.6)
        looked_at = [one for one in mails if (await world.delivery(one)).version]
    assert 4 * BLOCKED_ROOM <= len(looked_at) <= 5 * BLOCKED_ROOM


@pytest.mark.parametrize(("free", "begun"), [(3, 3), (ACTIVE_MAX + 5, ACTIVE_MAX)])
async def test_a_process_that_is_full_leaves_fresh_mail_to_the_queue(free, begun):
    world = World(account("a", max_concurrency=free))
    world.wire.script("a", later(TAKEN, 4.0))
    async with world.running() as engine:
        mails = await many(engine, ACTIVE_MAX + 10)
    assert [stored.deliveries[0].state for stored in mails] == [SENDING] * begun + [QUEUED] * (len(mails) - begun)


async def test_a_claim_that_is_about_to_end_is_given_up():
    world = World(account("a", max_concurrency=1))
    world.wire.script("a", later(TAKEN, CLAIM_LEASE_S - 1.0), TAKEN)
    async with world.running() as engine:
        first, second = await many(engine, 2)
        assert (await world.ended(first)).state is SENT
        one = await world.delivery(second)
        assert (one.state, one.version) == (QUEUED, 1)  # its lease has a second left: nobody begins with that
        assert (await world.ended(second)).version > 3  # it was claimed anew
    assert set(world.wire.taken.values()) == {1}


async def test_while_an_account_hangs_the_rest_of_the_queue_is_still_looked_at():
    world = World(account("a", max_concurrency=1))
    idle = world.engine()
    mails = await many(idle, 3 * WAITING_MAX)
    last = await accepted(idle, expires_at=NOW + 60)
    world.wire.script("a", later(TAKEN, 300.0), TAKEN)
    async with world.running():
        await elapse(150.0)
        assert (await world.delivery(last)).state is FAILED
        await all_ended(world, mails)
    assert set(world.wire.taken.values()) == {1}


async def test_mail_of_a_process_that_died_is_taken_up_when_its_claim_ends(world):
    stored = await accepted(engine := world.engine())
    world.store.slow_s["begin"] = 1e6
    dead = asyncio.create_task(engine.run(asyncio.Event()))
    await elapse(1.0)
    assert (await world.delivery(stored)).version == 1  # it was claimed
    dead.cancel()
    world.store.slow_s.clear()
    async with world.running():
        assert (await world.ended(stored, CLAIM_LEASE_S + LOOK_S)).state is SENT
    assert len(world.wire.sent) == 1


async def test_while_large_mails_are_packed_an_account_gets_no_more_than_it_takes_at_once():
    world = World(account("a", max_concurrency=1))
    world.wire.script("a", later(TAKEN, 60.0))
    world.aside = SlowAside(1.0)
    async with world.running() as engine:
        large = "x" * (IN_LOOP_BYTES_MAX + 1)
        mails = await asyncio.gather(*(accepted(engine, text=large) for _ in range(5)))
        await elapse(30.0)
        assert [(await world.delivery(stored)).state for stored in mails].count(SENDING) == 1
        await all_ended(world, mails)
    assert set(world.wire.taken.values()) == {1}
