"""What was read for a decision must not be acted on when it has become old: who may be written to, above all."""

import asyncio

from engine_kit import TOO_LATE, Wire, World, accepted, account, elapse
from everpost.core.resolving import START_S
from everpost.model.delivery import DeliveryState

WINDOW_S = START_S + account("a").timeouts.connect_s


class PunctualWire(Wire):
    """Checks the deadline, as the real one does."""

    async def send(self, request, timeouts, not_after):
        if asyncio.get_running_loop().time() > not_after:
            return TOO_LATE.answer
        return await super().send(request, timeouts, not_after)


async def test_a_decision_that_took_too_long_is_taken_anew():
    world = World("a")
    world.wire = PunctualWire()
    world.store.slow_s["suppressed"] = WINDOW_S + 0.1
    stored = await accepted(world.engine())
    async with world.running():
        await elapse(WINDOW_S + 1.0)
        assert world.wire.sent == []
        world.store.slow_s.clear()
        assert (await world.ended(stored)).state is DeliveryState.SENT


async def test_one_that_took_nearly_as_long_as_it_may_is_carried_out():
    world = World("a")
    world.wire = PunctualWire()
    world.store.slow_s["suppressed"] = WINDOW_S - 0.1
    stored = await accepted(world.engine())
    async with world.running():
        await world.ended(stored)
    assert world.wire.accounts() == ["a"]
