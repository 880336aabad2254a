"""A worker that seems lost may be at work; where nobody can be asked, its answer is waited for before mail goes on."""

import pytest

from engine_kit import MUTE, TAKEN, World, accepted, account, elapse, later
from everpost.core.resolving import budget_s
from everpost.model.delivery import DeliveryState
from everpost.model.event import EventType
from everpost.model.message import OnUnknown


@pytest.mark.parametrize("policy", list(OnUnknown))
async def test_a_process_whose_clock_is_a_day_ahead_does_not_take_a_mail_from_a_worker_that_is_sending_it(policy):
    world = World("a", "b", provider=MUTE, on_unknown=policy)
    world.wire.script("a", later(TAKEN, 4.0))
    ahead = World("a", "b", provider=MUTE, on_unknown=policy)
    ahead.store, ahead.wire, ahead.clock.skew_s = world.store, world.wire, 86_400.0
    async with world.running() as sending:
        stored = await accepted(sending)
        await elapse(0.5)
        async with ahead.running():
            ended = await world.ended(stored)
    assert (ended.state, ended.account) == (DeliveryState.SENT, "a")
    assert world.wire.accounts() == ["a"]
    assert [event.data["text"] for event in await world.events(EventType.UNCERTAIN)] == [
        "the worker was lost before it could store the outcome"
    ]


async def test_a_worker_that_is_really_lost_is_waited_for_as_long_as_its_attempt_could_take():
    world = World("a", "b", provider=MUTE, on_unknown=OnUnknown.RESEND)
    world.wire.script("a", later(TAKEN, 10_000.0))
    async with world.running() as lost:
        stored = await accepted(lost)
        await elapse(0.5)
    async with world.running():
        ended = await world.ended(stored)
    assert (ended.state, world.wire.accounts()) == (DeliveryState.SENT, ["a", "b"])
    [uncertain] = await world.events(EventType.UNCERTAIN)
    [resolved] = await world.events(EventType.RESOLVED)
    assert resolved.data["action"] == "resend"
    assert budget_s(account("a")) <= resolved.at - uncertain.at < budget_s(account("a")) + 1.0


async def test_it_is_not_waited_for_longer_than_the_sender_allows():
    world = World("a", "b", provider=MUTE, on_unknown=OnUnknown.RESEND, resolve_within_s=3.0)
    world.wire.script("a", later(TAKEN, 10_000.0))
    async with world.running() as lost:
        stored = await accepted(lost)
        await elapse(0.5)
    async with world.running():
        await world.ended(stored)
    [uncertain] = await world.events(EventType.UNCERTAIN)
    [resolved] = await world.events(EventType.RESOLVED)
    assert 3.0 <= resolved.at - uncertain.at < 4.0
