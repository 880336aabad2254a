"""When a provider's "I have it not" is believed, whatever clocks and processes do meanwhile."""

import pytest
from msgspec.structs import replace

from engine_kit import LOST, LOST_BUT_TAKEN, TAKEN, World, accepted, account, elapse, later, status
from everpost.core import resolving
from everpost.model.account import Timeouts
from everpost.model.delivery import DeliveryState
from everpost.model.message import OnUnknown
from sim.behaviour import LAG_S
from sim.providers import PROVIDER

ABSENT = status(404)
NEEDED_S = LAG_S + resolving.budget_s(account("a"))


@pytest.mark.parametrize("jump_s", [86_400.0, -86_400.0])
async def test_a_clock_that_jumps_a_day_makes_no_mail_go_out_twice(jump_s):
    world = World("a", "b", resolve_within_s=3600.0, on_unknown=OnUnknown.RESEND)
    world.wire.script("a", LOST_BUT_TAKEN)
    world.wire.script_lookups("a", ABSENT, ABSENT, status(200))
    async with world.running() as engine:
        stored = await accepted(engine)
        await elapse(0.1)  # one look has found nothing yet
        world.clock.skew_s = jump_s
        ended = await world.ended(stored, within_s=200_000.0)
    assert ended.state is DeliveryState.SENT
    assert world.wire.accounts() == ["a"]


async def test_a_clock_that_jumps_a_day_makes_nobody_give_up_shortly_before_absence_is_proof():
    """It ages the attempt beyond what its sender allows, at the moment when somebody has watched for long enough."""
    world = World("a", "b", resolve_within_s=3600.0, on_unknown=OnUnknown.HOLD)
    world.wire.script("a", LOST)
    world.wire.script_lookups("a", later(ABSENT, 9.0), ABSENT)
    async with world.running() as engine:
        stored = await accepted(engine)
        await elapse(NEEDED_S + 1.0)
        world.clock.skew_s = 86_400.0
        ended = await world.ended(stored)
    assert (ended.state, ended.account) == (DeliveryState.SENT, "b")


async def test_what_nobody_can_tell_is_sent_again_after_the_time_that_its_sender_allows():
    world = World("a", "b", resolve_within_s=20.0, on_unknown=OnUnknown.RESEND)
    world.wire.script("a", LOST)
    world.wire.script_lookups("a", status(503))
    async with world.running() as engine:
        stored = await accepted(engine)
        await world.ended(stored)
    first, second = world.wire.sent
    assert (first.account, second.account) == ("a", "b")
    assert 20.0 <= second.at - first.at < 20.0 + resolving.PAUSE_S_MAX


async def test_a_process_that_has_just_started_watches_before_it_gives_up_on_an_old_attempt():
    world = World("a", "b", resolve_within_s=20.0, on_unknown=OnUnknown.RESEND)
    world.wire.script("a", LOST_BUT_TAKEN)
    world.wire.script_lookups("a", ABSENT, ABSENT, ABSENT, status(200))
    async with world.running() as engine:
        stored = await accepted(engine)
        await elapse(0.3)
    await elapse(1000.0)
    async with world.running():
        ended = await world.ended(stored)
    assert (ended.state, world.wire.accounts()) == (DeliveryState.SENT, ["a"])


async def test_records_that_do_not_go_back_to_an_attempt_prove_nothing():
    forgetful = replace(PROVIDER, resolve=replace(PROVIDER.resolve, kept_s=500.0))
    world = World("a", "b", provider=forgetful, on_unknown=OnUnknown.HOLD)
    world.wire.script("a", LOST_BUT_TAKEN)
    world.wire.script_lookups("a", ABSENT)
    async with world.running() as engine:
        stored = await accepted(engine)
        await elapse(0.2)
    await elapse(501.0)
    async with world.running():
        ended = await world.ended(stored, within_s=10_000.0)
    assert ended.state is DeliveryState.HELD
    assert "do not go back" in ended.reason
    assert world.wire.accounts() == ["a"]


async def test_a_look_counts_from_when_it_was_asked_not_from_when_it_was_answered():
    """An answer that takes long was given by records that are older than it."""
    world = World("a", "b")
    world.wire.script("a", LOST)
    world.wire.script_lookups("a", ABSENT, later(ABSENT, 9.0))
    async with world.running() as engine:
        stored = await accepted(engine)
        await world.ended(stored)
    looks = [asked.at for asked in world.wire.asked]
    assert looks[-1] - looks[0] >= NEEDED_S


async def test_a_process_with_shorter_time_outs_and_a_clock_that_is_ahead_gives_an_attempt_the_time_that_its_own_had():
    """As while a new configuration is rolled out: the two of them allow for different times."""
    patient = World(account("a", timeouts=Timeouts(connect_s=5.0, write_s=10.0, answer_s=300.0)), "b")
    patient.wire.script("a", later(TAKEN, 200.0))
    patient.wire.script_lookups("a", ABSENT)
    hasty = World(account("a", timeouts=Timeouts(connect_s=0.5, write_s=0.5, answer_s=0.5)), "b")
    hasty.store, hasty.wire, hasty.clock.skew_s = patient.store, patient.wire, 86_400.0
    async with patient.running() as sending:
        stored = await accepted(sending)
        await elapse(0.5)
        async with hasty.running():
            ended = await patient.ended(stored, within_s=1000.0)
    assert (ended.state, ended.account) == (DeliveryState.SENT, "a")
    assert patient.wire.accounts() == ["a"]
