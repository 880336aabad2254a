"""What was begun when the signal came is ended; what was not stays as it was."""

import asyncio

from engine_kit import TAKEN, SlowAside, accepted, elapse, later
from everpost.model.delivery import DeliveryState
from everpost.model.limits import IN_LOOP_BYTES_MAX


async def test_an_intent_that_is_being_written_is_followed_by_its_attempt(world):
    world.store.slow_s["begin"] = 1.0
    async with world.running() as engine:
        stored = await accepted(engine)
        await elapse(0.5)
    assert (await world.delivery(stored)).state is DeliveryState.SENT


async def test_an_answer_that_is_under_way_is_waited_for(world):
    world.wire.script("a", later(TAKEN, 4.0))
    async with world.running() as engine:
        stored = await accepted(engine)
        await elapse(0.5)
    assert (await world.delivery(stored)).state is DeliveryState.SENT


async def test_what_is_accepted_after_the_signal_stays_in_the_queue(world):
    async with world.running() as engine:
        first = await accepted(engine)
        await world.ended(first)
    second = await accepted(engine)
    assert (await world.delivery(second)).state is DeliveryState.QUEUED
    assert len(world.wire.sent) == 1


async def test_a_large_mail_that_is_packed_when_the_signal_comes_stays_in_the_queue(world):
    world.aside = SlowAside(2.0)
    async with world.running() as engine:
        accepting = asyncio.create_task(accepted(engine, text="x" * (IN_LOOP_BYTES_MAX + 1)))
        await elapse(1.0)
    stored = await accepting
    assert (await world.delivery(stored)).state is DeliveryState.QUEUED
    assert world.wire.sent == []
