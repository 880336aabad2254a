"""Every store, empty: the tests of this folder run over each of them."""

import pytest

from everpost.store.memory import MemoryStore
from everpost.store.sqlite import SqliteStore
from store_values import (
    Clock,
)

OPENERS = {
    "memory": lambda _path, clock: MemoryStore(clock),
    "inline": lambda path, clock: SqliteStore.open(str(path / "everpost.db"), clock=clock, inline=True),
    "threads": lambda path, clock: SqliteStore.open(str(path / "everpost.db"), clock=clock),
}


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture(params=OPENERS)
async def store(request, tmp_path, clock):
    opened = OPENERS[request.param](tmp_path, clock)
    yield opened
    await opened.close()
