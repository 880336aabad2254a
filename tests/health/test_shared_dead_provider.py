"""Processes that share provider health pay for a dead provider together."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from engine_kit import BAD_KEY, DOWN, LOST, World, accepted, account, later
from everpost.core.breaker import DEFAULT_POLICY
from everpost.health.sqlite import SqliteHealth
from everpost.model.account import CircuitState
from valkey_kit import health_of

CONCURRENCY = 10
PROCESSES = 3


OPENED = {
    "file": lambda of: SqliteHealth.open(str(of("tmp_path") / "health.db")),
    "valkey": lambda of: health_of(of("valkey"), key=of("key")),
}


@pytest.mark.parametrize("opened", OPENED.values(), ids=OPENED)
@pytest.mark.parametrize("reply", [DOWN, LOST, BAD_KEY], ids=["refuses", "resets", "401"])
async def test_a_dead_provider_costs_all_of_them_what_was_under_way_and_at_most_five_more(reply, opened, request):
    world = World(account("a", max_concurrency=CONCURRENCY), account("b", max_concurrency=500))
    world.wire.script("a", later(reply, 0.005))
    engines = []
    async with AsyncExitStack() as stack:
        for _ in range(PROCESSES):
            world.health = opened(request.getfixturevalue)
            stack.push_async_callback(world.health.close)
            engines.append(await stack.enter_async_context(world.running()))
        await asyncio.gather(*(accepted(engines[at % PROCESSES], wait_s=2.0) for at in range(120)))
        boards = [await engine._fleet.board() for engine in engines]
    assert {board.standings["a"].circuit.state for board in boards} == {CircuitState.OPEN}
    assert world.wire.accounts().count("a") <= PROCESSES * CONCURRENCY + 5
    assert DEFAULT_POLICY.open_s_min > 2.0  # nobody has probed it by then
