"""What was begun when the signal came is ended; what was not stays as it was."""

from engine_kit import TAKEN, accepted, elapse, later
from everpost.model.delivery import DeliveryState


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
