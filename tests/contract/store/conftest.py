"""Every store, empty: the tests of this folder run over each of them."""

import pytest

import postgres_kit
from dynamodb_kit import model_store, real_store
from everpost.store.memory import MemoryStore
from everpost.store.sqlite import SqliteStore
from store_values import (
    Clock,
)

OPENERS = {
    "memory": lambda _path, clock: MemoryStore(clock),
    "inline": lambda path, clock: SqliteStore.open(str(path / "everpost.db"), clock=clock, inline=True),
    "dynamodb-model": lambda _path, clock: model_store(clock)[0],
    "threads": lambda path, clock: SqliteStore.open(str(path / "everpost.db"), clock=clock),
}


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture(params=[*OPENERS, "dynamodb", "postgres"])
async def store(request, tmp_path, clock):
    if request.param == "dynamodb":
        async with real_store(request.getfixturevalue("aws"), clock) as opened:
            yield opened
        return
    if request.param == "postgres":
        async with request.getfixturevalue("databases").one() as server, postgres_kit.opened(server, clock=clock) as at:
            yield at
        return
    opened = OPENERS[request.param](tmp_path, clock)
    yield opened
    await opened.close()
