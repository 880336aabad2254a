"""What becomes of a mail when nobody can tell whether a provider has it."""

import pytest
from msgspec.structs import replace

from engine_kit import (
    LOST,
    MUTE,
    SILENCE,
    World,
    accepted,
    status,
)
from everpost.model.delivery import DeliveryState
from everpost.model.event import EventType
from everpost.model.message import OnUnknown
from store_values import NOW

SENT, HELD = DeliveryState.SENT, DeliveryState.HELD


@pytest.mark.parametrize(
    ("route_policy", "own_policy", "state"),
    [
        (OnUnknown.RESEND, None, SENT),
        (OnUnknown.HOLD, None, HELD),
        (OnUnknown.RESEND, OnUnknown.HOLD, HELD),
        (OnUnknown.HOLD, OnUnknown.RESEND, SENT),
    ],
)
async def test_what_stays_unknown_is_resent_or_held_as_the_mail_or_else_its_route_says(route_policy, own_policy, state):
    world = World("a", "b", on_unknown=route_policy, resolve_within_s=30.0)
    world.wire.script("a", LOST)
    world.wire.script_lookups("a", status(503))
    async with world.running() as engine:
        stored = await accepted(engine, on_unknown=own_policy)
        one = await world.ended(stored)
    assert one.state is state
    assert world.wire.accounts() == (["a", "b"] if state is SENT else ["a"])
    assert await world.verdicts() == [("unresolved", "resend" if state is SENT else "hold")]


@pytest.mark.parametrize(("own_s", "within_s"), [(None, 30.0), (10.0, 10.0), (55.0, 55.0)])
async def test_certainty_is_sought_for_as_long_as_the_mail_or_else_its_route_says(own_s, within_s):
    world = World("a", on_unknown=OnUnknown.HOLD, resolve_within_s=30.0)
    world.wire.script("a", LOST)
    world.wire.script_lookups("a", status(503))
    async with world.running() as engine:
        stored = await accepted(engine, resolve_within_s=own_s)
        began_at = world.clock.now()
        one = await world.ended(stored)
    assert within_s <= one.updated_at - began_at < within_s + 35.0  # the last pause
    assert one.reason == "it is unknown whether a has it: status 503"


async def test_records_that_may_lag_are_no_certainty():
    world = World("a", on_unknown=OnUnknown.HOLD, resolve_within_s=30.0)
    world.wire.script("a", LOST)
    async with world.running() as engine:
        stored = await accepted(engine)
        assert (await world.ended(stored)).reason == (
            "it is unknown whether a has it: its records do not show it, and may lag"
        )


async def test_the_time_for_certainty_counts_from_the_attempt_and_not_from_the_acceptance_of_the_mail():
    world = World("a", on_unknown=OnUnknown.HOLD, resolve_within_s=30.0)
    world.wire.script("a", LOST)
    world.wire.script_lookups("a", status(503))
    async with world.running() as engine:
        stored = await accepted(engine, send_at=NOW + 1000)
        one = await world.ended(stored, 2000.0)
    assert one.updated_at - NOW >= 1030


async def test_a_mail_that_has_expired_meanwhile_is_held_and_not_sent_again():
    world = World("a", "b", on_unknown=OnUnknown.RESEND, resolve_within_s=30.0)
    world.wire.script("a", LOST)
    world.wire.script_lookups("a", status(503))
    async with world.running() as engine:
        stored = await accepted(engine, expires_at=NOW + 20)
        assert (await world.ended(stored)).state is HELD
    assert world.wire.accounts() == ["a"]


@pytest.mark.parametrize(("policy", "state"), [(OnUnknown.HOLD, HELD), (OnUnknown.RESEND, SENT)])
async def test_where_the_provider_can_not_be_asked_the_policy_applies_at_once(policy, state):
    world = World("a", "b", provider=MUTE, on_unknown=policy)
    world.wire.script("a", LOST)
    async with world.running() as engine:
        stored = await accepted(engine, wait_s=5.0)
    assert stored.deliveries[0].state is state
    assert world.wire.asked == []
    [resolved] = await world.events(EventType.RESOLVED)
    assert resolved.data["reason"] == "a has no way to ask"


async def test_where_the_account_is_gone_the_policy_applies_and_says_why():
    world = World("a", "b", on_unknown=OnUnknown.HOLD)
    world.wire.script("a", LOST)
    world.wire.script_lookups("a", SILENCE)
    async with world.running() as engine:
        stored = await world.in_doubt(engine)
    world.accounts = world.accounts[1:]
    async with world.running():
        one = await world.ended(stored)
    assert (one.state, one.reason) == (HELD, "it is unknown whether a has it: its account is no longer configured")


async def test_a_mail_whose_route_is_gone_follows_the_default_route():
    world = World("a", "b", on_unknown=OnUnknown.HOLD, resolve_within_s=30.0)
    bulk = replace(world.routes[0], name="bulk", on_unknown=OnUnknown.RESEND)
    world.routes = (*world.routes, bulk)
    world.wire.script("a", LOST)
    world.wire.script_lookups("a", status(503))
    async with world.running() as engine:
        stored = await world.in_doubt(engine, route="bulk")
    world.routes = world.routes[:1]
    async with world.running():
        assert (await world.ended(stored)).state is HELD
