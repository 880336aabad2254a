"""kill -9 at random moments, under load, while providers fail: nothing acknowledged is lost, nothing is sent twice."""

import asyncio
import random
from collections import Counter

import pytest

from crash.books import breaks, read_books, read_sink, settled
from crash.load import Load
from crash.processes import PROVIDERS, Installation, Process, installation

SETTLED_WITHIN_S = 150.0
LIFE_S_MAX = 2.0  # of a server, from the moment at which it is ready
ACKNOWLEDGED_MAX = 200  # … or until it has acknowledged so many more
FAULTS = (
    {"kind": "refuse"},
    {"kind": "status", "status": 500},
    {"kind": "status", "status": 503},
    {"kind": "hang"},
    {"kind": "reset"},
    {"kind": "accept_hang"},
    {"kind": "accept_reset"},
    {"kind": "garbage"},
    {"kind": "slow", "delay_s": 0.3},
)


@pytest.mark.slow
@pytest.mark.timeout(7200)
async def test_a_server_killed_again_and_again_loses_nothing_and_sends_nothing_twice(tmp_path, kills, crash_seed):
    rng = random.Random(crash_seed)
    async with installation(tmp_path) as place:
        server = place.add_server(sink=True)
        load = Load([server.url], place.token, tmp_path / "journal.jsonl", rng)
        with load.running():
            for _ in range(kills):
                await _some_faults(place, rng)
                await _live_and_die(server, load, rng)
            await place.heal()
            await server.start()
            await load.stop()
        await settled(place, server, SETTLED_WITHIN_S)
        books = await read_books(place, server, load.read_journal())
        assert await server.end(30.0) == 0
        told = {event["id"] for event in read_sink(place.events)}
    told_of = f"seed {crash_seed}, {kills} kills, {load.handed_in} mails"
    print(told_of, dict(books.by_state), Counter(event["type"] for event in books.events))  # noqa: T201
    assert load.surprises == [], told_of
    assert breaks(books) == [], told_of
    assert len({line.id for line in books.promised}) > 5 * kills, told_of
    assert {event["id"] for event in books.events} - told == set(), told_of


async def _some_faults(place: Installation, rng: random.Random) -> None:
    await place.heal()
    for provider in rng.sample(PROVIDERS, rng.choice((0, 1, 1, 2))):
        await place.put_faults(provider, {**rng.choice(FAULTS), "share": rng.choice((0.3, 1.0))})


async def _live_and_die(server: Process, load: Load, rng: random.Random) -> None:
    if rng.random() < 0.1:  # in its start
        await server.spawn()
        await asyncio.sleep(rng.uniform(0, LIFE_S_MAX))
    else:
        await server.start()
        try:
            async with asyncio.timeout(rng.uniform(0, LIFE_S_MAX)):
                await load.more(rng.randint(1, ACKNOWLEDGED_MAX))
        except TimeoutError:
            pass
    await server.kill()
