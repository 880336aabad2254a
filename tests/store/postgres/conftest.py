import pytest

import postgres_kit
from store_values import Clock


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
async def server(databases):
    """A database in which all migrations have run, and nothing else has happened."""
    async with databases.one() as one:
        yield one


@pytest.fixture
async def store(server, clock):
    async with postgres_kit.opened(server, clock=clock) as opened:
        yield opened


@pytest.fixture
async def journal(server):
    """A lock that every write with an event waits for, until `release`."""
    async with postgres_kit.held(server, "SELECT seq FROM journal FOR UPDATE") as lock:
        yield lock
