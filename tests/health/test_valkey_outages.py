"""What trouble with the shared health costs: some attempts at a dead provider, and never mail."""

import asyncio
import logging
from contextlib import AsyncExitStack

import pytest

from engine_kit import DOWN, World, accepted, account, later
from everpost.health.own_view import OwnView
from everpost.model.account import CircuitState
from everpost.model.delivery import DeliveryState
from everpost.valkey.server import PATIENCE
from valkey_kit import health_of

CONCURRENCY = 10
PROCESSES = 3
MAILS = 60

TROUBLE = {
    "flushed": lambda server: server.judge.flushall(),
    "frozen": lambda server: server.freeze(),
    "dead": lambda server: server.kill(),
    "restarted": lambda server: (server.kill(), server.start()),
}


@pytest.fixture
async def world(own_valkey):
    """Three processes, which share their health and a dead provider."""
    world = World(account("a", max_concurrency=CONCURRENCY), account("b", max_concurrency=500))
    world.wire.script("a", later(DOWN, 0.005))
    async with AsyncExitStack() as stack:
        world.engines = []
        for _ in range(PROCESSES):
            world.health = OwnView(health_of(own_valkey, patience=PATIENCE))
            stack.push_async_callback(world.health.close)
            world.engines.append(await stack.enter_async_context(world.running()))
        yield world


async def sent(world):
    mails = [accepted(world.engines[number % PROCESSES], wait_s=30.0) for number in range(MAILS)]
    return [delivery.state for stored in await asyncio.gather(*mails) for delivery in stored.deliveries]


@pytest.mark.parametrize("trouble", TROUBLE)
async def test_trouble_costs_each_process_at_most_what_a_dead_provider_costs_it_alone(world, own_valkey, trouble):
    states = await sent(world)
    before = world.wire.accounts().count("a")
    TROUBLE[trouble](own_valkey)
    states += await sent(world)
    boards = [await engine._fleet.board() for engine in world.engines]
    assert set(states) == {DeliveryState.SENT}
    assert set(world.wire.taken.values()) == {1}
    assert len(world.wire.taken) == 2 * MAILS
    assert before <= PROCESSES * (CONCURRENCY + 5)  # a busy machine may share nothing for a moment
    assert world.wire.accounts().count("a") - before <= PROCESSES * (CONCURRENCY + 5)
    assert {board.standings["a"].circuit.state for board in boards} <= {CircuitState.OPEN, CircuitState.HALF_OPEN}


async def test_a_process_that_can_share_nothing_from_the_start_learns_for_itself(own_valkey):
    own_valkey.kill()
    world = World(account("a", max_concurrency=CONCURRENCY), "b")
    world.wire.script("a", later(DOWN, 0.005))
    world.health = OwnView(health_of(own_valkey, patience=PATIENCE))
    async with world.running() as engine:
        world.engines = [engine] * PROCESSES
        assert set(await sent(world)) == {DeliveryState.SENT}
    assert world.wire.accounts().count("a") <= CONCURRENCY + 5
    await world.health.close()


async def test_what_was_shared_before_holds_while_nothing_can_be(own_valkey, caplog):
    caplog.set_level(logging.INFO)
    first, second = (OwnView(health_of(own_valkey)) for _ in range(2))
    world = World("a", "b")
    world.wire.script("a", DOWN)
    world.health = first
    async with world.running() as engine:
        for _ in range(6):
            await accepted(engine, wait_s=30.0)
    shared = await second.board()
    own_valkey.kill()
    assert await second.board() == shared
    await second.board()
    own_valkey.start()
    assert await second.board() == {}
    told = [record.getMessage() for record in caplog.records if record.name == "everpost.health.own_view"]
    assert told == [
        "provider health can't be shared: this process goes by what it sees",
        "provider health is shared again",
    ]
    for health in (first, second):
        await health.close()
