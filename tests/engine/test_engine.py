"""The loops of a process, and how they end."""

import asyncio

import pytest

from engine_kit import TAKEN, accepted, elapse, later
from everpost.engine.engine import DRAIN_S
from everpost.model.delivery import DeliveryState


class Broken:
    """A loop that a bug ends."""

    async def run(self):
        await elapse(1.0)
        raise RuntimeError("a bug")


async def test_a_stop_waits_for_the_attempts_in_flight_and_stores_what_came_of_them(world):
    world.wire.script("a", later(TAKEN, 4.0))
    async with world.running() as engine:
        stored = await accepted(engine)
        await elapse(1.0)
    assert (await world.delivery(stored)).state is DeliveryState.SENT


async def test_a_stop_waits_for_no_attempt_for_ever_and_the_next_process_resolves_it(world):
    world.wire.script("a", later(TAKEN, 60.0))
    async with world.running() as engine:
        stored = await accepted(engine)
        await elapse(1.0)
        stopped_at = world.clock.monotonic()
    assert world.clock.monotonic() - stopped_at == pytest.approx(DRAIN_S, abs=0.1)
    assert (await world.delivery(stored)).state is DeliveryState.SENDING
    async with world.running():
        assert (await world.ended(stored)).state is DeliveryState.SENT
    assert world.wire.accounts() == ["a"]


async def test_a_stop_leaves_what_was_not_begun_to_the_next_process(world):
    async with world.running() as engine:
        stored = await accepted(engine, send_at=world.clock.now() + 100)
    async with world.running():
        assert (await world.ended(stored)).state is DeliveryState.SENT


async def test_a_loop_that_a_bug_has_ended_ends_the_process_and_is_told(world):
    engine = world.engine()
    engine.add_relay(Broken())
    with pytest.raises(RuntimeError, match="a bug"):
        await engine.run(asyncio.Event())
