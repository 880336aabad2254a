"""What every way of waking other processes has to do: PostgreSQL's and Valkey's, over real servers."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from everpost.valkey import Server
from everpost.wakeup.port import LOOK_S, Topic
from everpost.wakeup.postgres import PostgresPeers
from everpost.wakeup.valkey import ValkeyPeers
from server_kit import HOST
from valkey_kit import PATIENT, valkey_server
from wakeup_ear import ALL, Ear, hearing


@asynccontextmanager
async def of_postgres(databases):
    async with databases.one() as server:
        yield lambda: PostgresPeers(server)


@asynccontextmanager
async def of_valkey(valkey):
    yield lambda: ValkeyPeers(Server(HOST, valkey.port, patience=PATIENT))


@pytest.fixture(scope="module")
def valkey(tmp_path_factory):
    with valkey_server(tmp_path_factory.mktemp("valkey")) as server:
        yield server


@pytest.fixture(params=["postgres", "valkey"])
async def peers(request):
    """Makes the peers of one more process."""
    ways = {"postgres": (of_postgres, "databases"), "valkey": (of_valkey, "valkey")}
    make, server = ways[request.param]
    async with make(request.getfixturevalue(server)) as peers:
        yield peers


async def test_what_one_process_tells_all_others_hear_and_itself_does_not(peers):
    teller = peers()
    async with hearing(teller) as own, hearing(peers()) as one, hearing(peers()) as other:
        await teller.tell(Topic.DUE)
        await teller.tell(Topic.NEWS)
        for ear in (one, other):
            await ear.until(2)
            assert ear.topics == [Topic.DUE, Topic.NEWS]
        assert own.topics == []


async def test_what_is_due_later_than_others_look_by_themselves_is_not_told(peers):
    teller = peers()
    async with hearing(peers()) as ear:
        await teller.tell(Topic.DUE, LOOK_S)
        await teller.tell(Topic.NEWS)
        await ear.until(1)
        assert ear.topics == [Topic.NEWS]
    await teller.close()


async def test_whoever_begins_to_listen_looks_at_everything_first(peers):
    one, ear = peers(), Ear()
    task = asyncio.create_task(one.hear(ear))
    await ear.until(len(ALL))
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert sorted(ear.topics) == sorted(ALL)
    await one.close()
