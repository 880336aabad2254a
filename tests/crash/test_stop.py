"""A graceful stop under load."""

import random

import pytest

from crash.books import breaks, read_books, settled
from crash.load import Load
from crash.processes import PROVIDERS, installation
from everpost.engine.engine import DRAIN_S
from everpost.entrypoints.server import REQUESTS_END_S
from everpost.store.sqlite import SqliteStore

MARGIN_S = 10.0  # for a busy machine


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a_graceful_stop_under_load_ends_in_time_and_leaves_nothing_lost_or_in_doubt(tmp_path, crash_seed):
    async with installation(tmp_path) as place:
        server = place.add_server()
        load = Load([server.url], place.token, tmp_path / "journal.jsonl", random.Random(crash_seed))
        in_doubt = []
        with load.running():
            for provider in PROVIDERS:
                await place.put_faults(provider, {"kind": "slow", "delay_s": 0.3})
            for _ in range(3):
                await server.start()
                await load.more(100)
                assert await server.end(REQUESTS_END_S + DRAIN_S + MARGIN_S) == 0
                in_doubt.append(await _in_doubt(tmp_path / "data" / "everpost.db"))
            await server.start()
            await load.stop()
        await settled(place, server, 60.0)
        books = await read_books(place, server, load.read_journal())
    assert in_doubt == [0, 0, 0], crash_seed
    assert load.surprises == [], crash_seed
    assert breaks(books) == [], crash_seed


async def _in_doubt(path):
    """Deliveries that a stopped server has left to be resolved."""
    store = SqliteStore.open(str(path))
    try:
        counts = await store.counts()
    finally:
        await store.close()
    return counts.by_state["sending"] + counts.by_state["uncertain"]
