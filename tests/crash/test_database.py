"""The database of a fleet is stopped at once, killed, frozen and cut off while its processes die and freeze: what was
acknowledged is all there, nothing is sent twice, and whoever is left goes on by itself."""

import asyncio
import os
import random
import signal
from collections import Counter
from itertools import islice

import pytest

from crash.books import trails
from crash.processes import installation
from crash.replicas import HURRY, Replicas, shared
from postgres_proxy import AFTER, BEFORE, PASS, proxy_to

FROZEN_S_MAX = 8.0  # longer than the leases of processes in a hurry, and than an accept may take
VALKEY_AWAY_S_MAX = 2.0
ACKNOWLEDGED = 20  # between two strikes
FAULTS = (
    {"kind": "status", "status": 503, "share": 0.3},
    {"kind": "accept_hang", "share": 0.2},
    {"kind": "accept_reset", "share": 0.3},
    {"kind": "slow", "delay_s": 0.3},
)
CUTS = 40  # connections that are cut around a write
EVENT = b"email."  # in each write of mail there is at least one


class Struck:
    """A fleet, with all that it stands on."""

    def __init__(self, fleet, postgres, valkey):
        self.fleet, self.postgres, self.valkey, self.rng = fleet, postgres, valkey, fleet.rng

    async def kill_a_process(self):
        process = self.rng.choice(self.fleet.every)
        await process.kill()
        await process.start()

    async def freeze_a_process(self):
        process = self.rng.choice(self.fleet.every)
        process.process.send_signal(signal.SIGSTOP)
        await asyncio.sleep(self.rng.uniform(0, FROZEN_S_MAX))
        process.process.send_signal(signal.SIGCONT)

    async def stop_the_database_at_once(self):
        await asyncio.to_thread(self.postgres.stop, signal.SIGQUIT)
        await asyncio.sleep(self.rng.uniform(0, 1.0))
        await asyncio.to_thread(self.postgres.start)

    async def kill_a_backend(self):
        """The server takes all of them down then, and recovers."""
        os.kill(self.rng.choice(self.postgres.backends()), signal.SIGKILL)

    async def freeze_the_database(self):
        self.postgres.freeze_whole()
        await asyncio.sleep(self.rng.uniform(0, FROZEN_S_MAX))
        self.postgres.thaw_whole()

    async def kill_valkey(self):
        self.valkey.kill()
        await asyncio.sleep(self.rng.uniform(0, VALKEY_AWAY_S_MAX))
        self.valkey.start()

    async def flush_valkey(self):
        self.valkey.judge.flushall()


STRIKES = (
    Struck.kill_a_process,
    Struck.freeze_a_process,
    Struck.stop_the_database_at_once,
    Struck.kill_a_backend,
    Struck.freeze_the_database,
    Struck.kill_valkey,
    Struck.flush_valkey,
)


def _in_turn(rng):
    """Each as often as the others, in any order."""
    while True:
        yield from rng.sample(STRIKES, len(STRIKES))


@pytest.mark.slow
@pytest.mark.timeout(20_000)
async def test_whatever_happens_to_database_valkey_and_processes_nothing_is_lost_and_nothing_sent_twice(
    tmp_path, postgres, valkey, database_strikes, crash_seed
):
    rng = random.Random(crash_seed)
    struck = Counter()
    async with installation(tmp_path, shared(postgres.port, valkey.port)) as place:
        fleet = Replicas(place, rng, HURRY)
        await fleet.start()
        part = Struck(fleet, postgres, valkey)
        with fleet.load.running():
            for strike in islice(_in_turn(rng), database_strikes):
                await place.put_faults("mailgun", rng.choice(FAULTS))
                await fleet.load.more(rng.randint(1, 2 * ACKNOWLEDGED))
                struck[strike.__name__] += 1
                await strike(part)
            await place.heal()
            await fleet.load.more(ACKNOWLEDGED)
            await fleet.load.stop()
        await fleet.all_ready()
        books = await fleet.audited()
    fleet.tell(books, crash_seed, struck)
    found = fleet.complaints(books)
    assert found == [], (crash_seed, trails(books, found))


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_writes_of_which_nobody_heard_whether_they_were_carried_out_are_so_once(
    tmp_path, postgres, valkey, crash_seed
):
    rng = random.Random(crash_seed)
    async with proxy_to(postgres.port) as proxy, installation(tmp_path, shared(proxy.port, valkey.port)) as place:
        fleet = Replicas(place, rng, HURRY)
        await fleet.start()
        proxy.meant = EVENT
        with fleet.load.running():
            await fleet.load.more(ACKNOWLEDGED)
            proxy.cuts = cuts_of(rng)
            struck = Counter(proxy.cuts)
            while proxy.cuts:
                await fleet.load.more(1)
            await fleet.load.more(ACKNOWLEDGED)
            await fleet.load.stop()
        books = await fleet.audited()
    fleet.tell(books, crash_seed, struck)
    found = fleet.complaints(books)
    assert found == [], (crash_seed, trails(books, found))


def cuts_of(rng):
    return [fate for _ in range(CUTS) for fate in (*rng.randrange(4) * [PASS], rng.choice([BEFORE, AFTER]))]
