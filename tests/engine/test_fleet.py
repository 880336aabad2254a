"""The accounts at work, and what is told of their circuits."""

import pytest

from core_values import HALF_OPEN, OPEN, board, standing
from engine_kit import BAD_KEY, DOWN, GONE, TAKEN, World, accepted, account, elapse
from everpost.core.breaker import DEFAULT_POLICY
from everpost.engine.fleet import BOARD_S
from everpost.health.port import HealthUnavailable, Report, Sign
from everpost.model.account import Quota
from everpost.model.change import Usage
from everpost.model.event import EventType
from store_values import NOW


async def busy(engine, seconds):
    """Mail once a second."""
    for _ in range(int(seconds)):
        await accepted(engine)
        await elapse(1.0)


async def circuit_events(world):
    told = await world.events()
    return [event for event in told if event.type in (EventType.ACCOUNT_OPENED, EventType.ACCOUNT_CLOSED)]


async def outage(world, engine, seconds, reply=DOWN):
    world.wire.script("a", reply)
    await busy(engine, seconds)
    world.wire.script("a", TAKEN)
    await busy(engine, 2 * seconds + DEFAULT_POLICY.open_s_min)


@pytest.mark.parametrize("reply", [DOWN, BAD_KEY])
async def test_every_outage_is_told_once_when_it_begins_and_once_when_it_ends(world, reply):
    async with world.running() as engine:
        for _ in range(3):
            await outage(world, engine, 30.0, reply)
    told = await circuit_events(world)
    assert [event.type for event in told] == [EventType.ACCOUNT_OPENED, EventType.ACCOUNT_CLOSED] * 3
    assert {(event.account, event.project, event.message_id) for event in told} == {("a", "", None)}
    assert len({event.id for event in told}) == 6
    assert told[0].data["reason"]
    assert told[1].data == {}


async def test_every_time_of_many_failures_is_told_once_when_it_begins_and_once_when_it_ends(world):
    async with world.running() as engine:
        for _ in range(3):
            world.wire.script("a", *[DOWN, TAKEN] * 12, TAKEN)
            await busy(engine, 100)
            await elapse(100.0)  # and nobody remembers it
    told = await circuit_events(world)
    assert [event.type for event in told] == [EventType.ACCOUNT_OPENED, EventType.ACCOUNT_CLOSED] * 3


async def test_an_outage_that_several_processes_see_is_told_once(world):
    async with world.running() as first, world.running():
        await outage(world, first, 30.0)
        await elapse(10.0)  # the second one looks now and then only
        async with world.running():
            await elapse(10.0)
            await outage(world, first, 30.0)
            await elapse(10.0)
    told = await circuit_events(world)
    assert [event.type for event in told] == [EventType.ACCOUNT_OPENED, EventType.ACCOUNT_CLOSED] * 2


async def test_a_process_that_starts_during_an_outage_tells_it_only_if_nobody_has(world):
    world.wire.script("a", DOWN)
    async with world.running() as engine:
        await busy(engine, 30)
        async with world.running():
            await elapse(10.0)
            assert len(await circuit_events(world)) == 1


async def test_an_outage_that_nobody_could_write_down_is_told_when_the_store_is_back(world):
    async with world.running() as engine:
        world.wire.script("a", DOWN)
        world.store.fails["record"] = GONE
        await busy(engine, 10)
        assert await circuit_events(world) == []
        world.store.fails.clear()
        await elapse(2.0)
        assert len(await circuit_events(world)) == 1


async def test_what_another_process_has_learned_holds_here_within_a_moment():
    world = World("a", "b")
    async with world.running() as engine:
        await accepted(engine)
        await elapse(1.0)
        fault = Report(account="a", sign=Sign.FAULT, at=world.clock.now(), text="bad key")
        await world.health.record([fault])
        await elapse(1.01 * BOARD_S)
        assert (await accepted(engine, wait_s=5.0)).deliveries[0].account == "b"


async def test_while_nothing_is_to_be_done_the_health_is_not_read_for_every_mail(world):
    async with world.running() as engine:
        await elapse(1.0)
        before = world.health.called["board"]
        for _ in range(20):
            await accepted(engine)
        assert world.health.called["board"] - before <= 2


async def test_the_shown_accounts_are_as_they_are_now(world):
    async with world.running() as engine:
        world.wire.script("a", BAD_KEY)
        await accepted(engine, wait_s=5.0)
        first, second = await engine.console.accounts()
    assert (first.account.name, first.circuit.state, first.health.failures, first.is_default) == ("a", "open", 1, True)
    assert (second.account.name, second.circuit.state, second.in_flight, second.is_default) == ("b", "closed", 0, False)
    assert first.circuit.until == pytest.approx(NOW + DEFAULT_POLICY.open_s_min, abs=0.2)


# --- how much the accounts can take ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("standings", "startable", "free"),
    [
        ([standing("a"), standing("b")], True, 7 + 3 - 2),
        ([standing("a", OPEN), standing("b")], True, 3),
        ([standing("a", OPEN), standing("b", OPEN)], False, 0),
        ([standing("a", blocked_until=NOW + 1), standing("b", OPEN)], False, 0),
        ([standing("a", blocked_until=NOW), standing("b", OPEN)], True, 5),
        ([standing("a", HALF_OPEN), standing("b", OPEN)], True, 1),
        ([standing("a", HALF_OPEN, probe_taken=True), standing("b", OPEN)], False, 0),
        ([standing("a", HALF_OPEN, blocked_until=NOW + 1), standing("b", OPEN)], False, 0),
    ],
)
async def test_an_account_takes_what_its_state_and_its_open_requests_leave(standings, startable, free):
    world = World(account("a", max_concurrency=7), account("b", max_concurrency=3))
    fleet = world.engine()._fleet
    for _ in range(2):
        fleet.take("a")
    assert fleet.any_startable(board(*standings)) is startable
    assert fleet.free_in_all(board(*standings)) == free


@pytest.mark.parametrize(
    ("used", "at", "startable", "free"),
    [
        (0, NOW, True, 4),  # of 7 requests that it could start, as many as its quota has room for
        (3, NOW, True, 1),
        (4, NOW, False, 0),
        (4, NOW - 1.0, True, 4),  # in the second before
    ],
)
async def test_a_queue_is_not_looked_through_for_an_account_whose_quota_is_used_up(used, at, startable, free):
    world = World(account("a", max_concurrency=7, quota=Quota(per_second=4)))
    one = standing("a", limits={"account": {"quota": Quota(per_second=4)}})
    fleet, seen = world.engine()._fleet, board(one, used={("a", "second"): Usage(window_at=at // 1, used=used)})
    assert fleet.any_startable(seen) is startable
    assert fleet.free_in_all(seen) == free


async def test_an_account_is_probed_although_nobody_can_be_kept_from_probing_it_too(world):
    world.health.fails["lease"] = HealthUnavailable("gone")
    async with world.running() as engine:
        await outage(world, engine, 30.0)
        await elapse(DEFAULT_POLICY.ramp_s_max)
        assert (await accepted(engine, wait_s=5.0)).deliveries[0].account == "a"


@pytest.mark.parametrize("leap_s", [86_400.0, -86_400.0])
async def test_a_board_from_before_the_clock_was_set_is_not_gone_by(world, leap_s):
    """What is put off by it would be due at once, again and again, for as long as the board is kept."""
    async with world.running() as engine:
        await engine._fleet.board()
        world.clock.skew_s = leap_s
        assert (await engine._fleet.board()).now == world.clock.now()
