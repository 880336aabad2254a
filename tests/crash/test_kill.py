"""kill -9 at random moments, under load, while providers fail: nothing acknowledged is lost, nothing is sent twice."""

import asyncio
import random
from collections import Counter
from pathlib import Path

import pytest

from crash.books import audited, breaks
from crash.load import Load
from crash.processes import PROVIDERS, Installation, Process, installation, new_folder

SETTLED_WITHIN_S = 600.0  # while all circuits are open, eight a second are looked at
SLICE = 100  # kills of one installation: the sandbox keeps 10,000 mails
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
@pytest.mark.timeout(20_000)
async def test_a_server_killed_again_and_again_loses_nothing_and_sends_nothing_twice(tmp_path, kills, crash_seed):
    rng = random.Random(crash_seed)
    for first in range(0, kills, SLICE):
        found = await _broken_after(new_folder(tmp_path / str(first)), min(SLICE, kills - first), rng)
        assert found == [], f"seed {crash_seed}"


async def _broken_after(folder: Path, kills: int, rng: random.Random) -> list[str]:
    async with installation(folder) as place:
        server = place.add_server(sink=True)
        load = Load([server.url], place.token, folder / "journal.jsonl", rng)
        with load.running():
            for _ in range(kills):
                await _some_faults(place, rng)
                await _live_and_die(server, load, rng)
            await place.heal()
            await server.start()
            await load.stop()
        books, untold = await audited(place, server, load.read_journal(), SETTLED_WITHIN_S)
    kinds = Counter(event["type"] for event in books.events)
    print(f"{kills} kills, {load.handed_in} mails", dict(books.by_state), kinds)  # noqa: T201
    assert len({line.id for line in books.promised}) > 5 * kills
    return [*load.surprises, *breaks(books), *(f"{id_}: not in the sink" for id_ in untold)]


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
