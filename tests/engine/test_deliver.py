"""The way of a mail from the queue to a provider."""

from engine_kit import DOWN, accepted
from everpost.model.delivery import DeliveryState


async def test_a_mail_is_carried_by_the_default_account(world):
    async with world.running() as engine:
        stored = await accepted(engine)
        ended = await world.ended(stored)
    assert (ended.state, ended.account) == (DeliveryState.SENT, "a")


async def test_a_refused_connection_costs_nothing_but_the_way_to_the_next_account(world):
    world.wire.script("a", DOWN)
    async with world.running() as engine:
        stored = await accepted(engine)
        ended = await world.ended(stored, 1.0)
    assert ended.account == "b"
