"""A dead provider costs so many calls before its circuit opens as were under way, and no more than five beyond."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from engine_kit import (
    BAD_KEY,
    DOWN,
    LOST,
    SILENCE,
    TAKEN,
    Reply,
    World,
    accepted,
    account,
    elapse,
    later,
    status,
)
from everpost.core.breaker import DEFAULT_POLICY
from everpost.health.port import HealthUnavailable
from everpost.model.account import OUTAGE_FAILURES, CircuitState, Timeouts
from everpost.providers.contract import Fault, Phase

CONCURRENCY = 20
DEATHS = {
    "refuses": DOWN,
    "resets": LOST,
    "hangs": SILENCE,
    "500": status(500),
    "401": BAD_KEY,
    "tls": Reply(Fault(phase=Phase.TLS, maybe_sent=False, text="certificate has expired"), after_s=0.02),
}
dead = pytest.mark.parametrize("reply", DEATHS.values(), ids=DEATHS.keys())
nodes = pytest.mark.parametrize("count", [1, 3])


def dying(reply, *others):
    """Account a, of which nothing good comes any more, and one that works."""
    world = World(account("a", max_concurrency=CONCURRENCY), account("b", max_concurrency=500), *others)
    world.wire.script("a", reply)
    return world


async def burst(engines, mails=150):
    """All at once."""
    await asyncio.gather(*(accepted(engines[at % len(engines)]) for at in range(mails)))


async def steady(engines, mails=150):
    """A hundred in a second."""
    for at in range(mails):
        await accepted(engines[at % len(engines)])
        await elapse(0.01)


async def trickle(engines, mails=60):
    """One a second."""
    for at in range(mails):
        await accepted(engines[at % len(engines)])
        await elapse(1.0)


async def for_a_while(engines, seconds):
    """Four in a second."""
    for at in range(4 * seconds):
        await accepted(engines[at % len(engines)])
        await elapse(0.25)


async def calls_until_open(world, engines, load):
    """Requests to account a until nothing more may go there, and those that go there all the same."""
    task = asyncio.create_task(load(engines))
    async with asyncio.timeout(600):
        while (await engines[0]._fleet.board()).standings["a"].circuit.state is not CircuitState.OPEN:
            await elapse(0.01)
    await elapse(0.9 * DEFAULT_POLICY.open_s_min)
    calls = world.wire.accounts().count("a")
    await task
    return calls


async def running(stack, world, count):
    return [await stack.enter_async_context(world.running()) for _ in range(count)]


@dead
@nodes
@pytest.mark.parametrize("load", [burst, steady, trickle])
async def test_a_dead_provider_costs_the_requests_under_way_and_at_most_five_more(reply, count, load):
    world = dying(reply)
    async with AsyncExitStack() as stack:
        engines = await running(stack, world, count)
        calls = await calls_until_open(world, engines, load)
    assert calls >= OUTAGE_FAILURES or reply is BAD_KEY
    assert calls <= count * CONCURRENCY + 5


@dead
@pytest.mark.parametrize("slow_s", [0.02, 0.5])
async def test_it_costs_no_more_where_the_news_of_failures_are_slow(reply, slow_s):
    """Else the places of those that have failed are given to others before anybody knows."""
    world = dying(reply)
    world.health.slow_s["record"] = slow_s
    async with AsyncExitStack() as stack:
        engines = await running(stack, world, 2)
        calls = await calls_until_open(world, engines, steady)
    assert calls <= 2 * CONCURRENCY + 5


@pytest.mark.parametrize("slow_s", [0.05, 0.3])
async def test_it_costs_no_more_where_the_queue_is_read_slowly(slow_s):
    """What was known of the account before the queue was read may be old when its mails are decided on."""
    world = dying(later(DOWN, 0.01))
    world.store.slow_s["claim_due"] = slow_s
    async with AsyncExitStack() as stack:
        engines = await running(stack, world, 1)
        calls = await calls_until_open(world, engines, burst)
    assert calls <= CONCURRENCY + 5


async def test_it_costs_no_more_where_another_account_is_probed_meanwhile():
    world = dying(later(DOWN, 0.2), account("c"))
    world.wire.script("c", DOWN)
    world.health.slow_s["lease"] = 0.1
    async with AsyncExitStack() as stack:
        engines = await running(stack, world, 2)
        calls = await calls_until_open(world, engines, steady)
    assert calls <= 2 * CONCURRENCY + 5


@dead
@nodes
async def test_while_its_circuit_is_half_open_one_probe_at_a_time_is_under_way(reply, count):
    """Whatever the load is, and however long a probe takes to fail."""
    world = dying(reply)
    async with AsyncExitStack() as stack:
        engines = await running(stack, world, count)
        await calls_until_open(world, engines, burst)
        await elapse(30.0)  # what was under way has ended
        world.wire.most.clear()
        before = world.wire.accounts().count("a")
        await for_a_while(engines, 120)
        probes = world.wire.accounts().count("a") - before
    assert world.wire.most["a"] == 1
    assert 2 <= probes <= 5  # the pauses between them double


async def test_a_probe_that_hangs_longer_than_usual_is_not_joined_by_another():
    world = World(account("a", timeouts=Timeouts()), "b")
    world.wire.script("a", DOWN)
    async with AsyncExitStack() as stack:
        engines = await running(stack, world, 2)
        before = await calls_until_open(world, engines, steady)
        world.wire.script("a", later(SILENCE, 94.0))
        await trickle(engines, 90)
    assert world.wire.accounts().count("a") == before + 1


@dead
async def test_one_good_answer_of_the_probe_brings_the_account_back(reply):
    world = dying(reply)
    async with AsyncExitStack() as stack:
        engines = await running(stack, world, 1)
        await calls_until_open(world, engines, burst)
        world.wire.script("a", TAKEN)
        await for_a_while(engines, 200)
        assert (await engines[0]._fleet.board()).standings["a"].circuit.state is CircuitState.CLOSED
        assert world.wire.accounts()[-10:] == ["a"] * 10


async def test_where_nobody_shares_its_news_each_process_pays_for_itself():
    """An unavailable health file costs failed attempts, never a stop."""
    world = dying(DOWN)
    world.health.fails["record"] = HealthUnavailable("gone")
    async with AsyncExitStack() as stack:
        [engine] = await running(stack, world, 1)
        assert (await accepted(engine, wait_s=5.0)).deliveries[0].account == "b"
