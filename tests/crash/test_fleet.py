"""Doors that answer and workers that deliver, in processes of their own over one store, with Valkey between them: kill,
freeze or lose any of them, and nothing acknowledged is lost, nothing is sent twice."""

import asyncio
import json
import random
import signal
import sys
from collections import Counter
from functools import partial
from pathlib import Path

import pytest

from crash import mutants
from crash.books import breaks, in_hand, overslept, read_books, read_sink, settled, states_of, trails
from crash.load import Load
from crash.processes import LOOKS_APART_S, ask, installation, until
from crash.stores import STORES
from everpost.core.resolving import START_S
from server_kit import EVERPOST, HOST

SETTLED_WITHIN_S = 300.0
HURRY = (sys.executable, mutants.__file__, "hurry")  # leases of a few seconds
PROGRAMS = {
    "shipped": (EVERPOST, 20.0, LOOKS_APART_S),
    "hurried": (HURRY, 8.0, LOOKS_APART_S - START_S + mutants.HURRIED_START_S),
}
"""By name: how processes are started (those that a door starts itself are never hurried), for how many seconds one is
frozen at most (longer than any lease), and how far apart the two looks are that prove an absence."""
STOPPED_WITHIN_S = 60.0
LOST = "the worker was lost"
FAULTS = (
    {"kind": "status", "status": 503, "share": 0.3},
    {"kind": "accept_hang", "share": 0.2},
    {"kind": "accept_reset", "share": 0.3},
    {"kind": "slow", "delay_s": 0.3},
)


class Fleet:
    """Two doors, one of them in two processes, and two workers; all of it at work."""

    def __init__(self, place, valkey, rng, program, frozen_s_max):
        self.place, self.valkey, self.rng, self.frozen_s_max = place, valkey, rng, frozen_s_max
        one, many = (program, "--no-work"), (EVERPOST, "--no-work", "--processes", "2")
        self.doors = [place.add_server(*one), place.add_server(*many)]
        self.workers = [place.add_worker(program, sink=True), place.add_worker(program, sink=True)]
        self.starts = 0  # of the door in two processes

    async def start(self):
        one, _ = self.doors
        await asyncio.gather(self._start_many(), *(process.start() for process in (one, *self.workers)))

    async def _start_many(self):
        """Until all of its processes listen: one that ends before it could answer for the first time ends them all."""
        many = self.doors[1]
        await many.spawn()
        self.starts += 1
        await until(partial(_has_said, many, "in 2 processes", self.starts), STOPPED_WITHIN_S)

    async def kill_one(self):
        process = self.rng.choice([self.doors[0], *self.workers])
        await process.kill()
        await process.start()

    async def kill_one_of_several_processes(self):
        many = self.doors[1]
        pid = self.rng.choice(many.children())
        many.kill_child(pid)
        await until(partial(_are, many, 2, {pid}), STOPPED_WITHIN_S)

    async def kill_the_parent(self):
        many = self.doors[1]
        pids = many.children()
        await many.kill()
        await until(partial(_have_ended, pids), STOPPED_WITHIN_S)
        await self._start_many()

    async def freeze_one(self):
        """Not in mid-commit: there it would hold the lock of a store that is a file, and nobody else could write."""
        process = self.rng.choice([self.doors[0], *self.workers])
        process.freeze()
        if await self.place.can_be_written():
            await asyncio.sleep(self.rng.uniform(0, self.frozen_s_max))
        process.thaw()

    async def flush(self):
        self.valkey.judge.flushall()

    async def restart_valkey(self):
        self.valkey.kill()
        await asyncio.sleep(self.rng.uniform(0, 3.0))
        self.valkey.start()

    async def freeze_valkey(self):
        self.valkey.freeze()
        await asyncio.sleep(self.rng.uniform(0, 3.0))
        self.valkey.thaw()


STRIKES = (
    *(3 * [Fleet.kill_one]),
    *(3 * [Fleet.freeze_one]),
    Fleet.kill_one_of_several_processes,
    Fleet.kill_the_parent,
    Fleet.flush,
    Fleet.restart_valkey,
    Fleet.freeze_valkey,
)


async def _are(process, count, without):
    pids = process.children()
    return len(pids) == count and not without & set(pids) and await process.is_ready()


async def _has_said(process, words, count):
    return process.log.read_text().count(words) >= count


async def _have_ended(pids):
    return not {int(path.name) for path in Path("/proc").glob("[1-9]*")} & set(pids)  # noqa: ASYNC240  no disk


@pytest.fixture
def shared(shared_store, valkey):
    """The environment of processes that share a store and a Valkey."""
    place = f"valkey://{HOST}:{valkey.port}"
    return {**shared_store, "EVERPOST_HEALTH": place, "EVERPOST_WAKEUP": place}


@pytest.mark.slow
@pytest.mark.timeout(20_000)
async def test_whatever_part_of_a_fleet_is_killed_or_frozen_nothing_is_lost_and_nothing_sent_twice(
    tmp_path, shared, valkey, fleet_program, fleet_strikes, crash_seed
):
    program, frozen_s_max, looks_apart_s = PROGRAMS[fleet_program]
    rng = random.Random(crash_seed)
    struck = Counter()
    async with installation(tmp_path, shared) as place:
        fleet = Fleet(place, valkey, rng, program, frozen_s_max)
        await fleet.start()
        urls = [door.url for door in fleet.doors]
        load = Load(urls, place.token, tmp_path / "journal.jsonl", rng)
        with load.running():
            for _ in range(fleet_strikes):
                await place.heal()
                await place.put_faults("mailgun", rng.choice(FAULTS))
                await load.more(rng.randint(1, 60))
                strike = rng.choice(STRIKES)
                struck[strike.__name__] += 1
                await strike(fleet)
            await place.heal()
            await load.stop()
        await settled(place, fleet.doors[0], SETTLED_WITHIN_S)
        books = await read_books(place, fleet.doors[0], load.read_journal(), looks_apart_s)
        await until(partial(_is_told, books, place.events), SETTLED_WITHIN_S, every_s=0.3)
        codes = [await process.end(60.0) for process in (*fleet.doors, *fleet.workers)]
    found, excused = breaks(books), overslept(books)
    print(f"seed {crash_seed}: {dict(struck)}, {load.handed_in} mails, {dict(books.by_state)}")  # noqa: T201
    print(f"the sandbox has overslept {len(excused)}", *excused, sep="\n")  # noqa: T201
    assert load.surprises == [], crash_seed
    assert found == [], (crash_seed, trails(books, found))
    assert {event["id"] for event in books.events} <= {event["id"] for event in read_sink(place.events)}
    assert codes == [0] * 4
    assert "Traceback" not in "".join(path.read_text() for path in tmp_path.glob("server-*.log"))


async def _is_told(books, sink):
    """Whether the sink has all events. One worker at a time relays; when it is killed, another takes over later."""
    whole = sink.read_bytes().rpartition(b"\n")[0].splitlines()  # the last line may be under way
    return {event["id"] for event in books.events} <= {json.loads(line)["id"] for line in whole}


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_what_a_worker_had_in_hand_when_it_died_is_settled_by_another(tmp_path, shared, crash_seed):
    async with installation(tmp_path, shared) as place:
        door, dead, alive = place.add_server(EVERPOST, "--no-work"), place.add_worker(HURRY), place.add_worker(HURRY)
        await asyncio.gather(door.start(), dead.start())
        load = Load([door.url], place.token, tmp_path / "journal.jsonl", random.Random(crash_seed))
        with load.running():
            await place.put_faults("mailgun", {"kind": "accept_hang", "share": 0.3}, {"kind": "slow", "delay_s": 0.3})
            await load.more(200)
            await in_hand(place, door, 10)
            await dead.kill()
            by_state, _ = await states_of(place, door)
            await alive.start()
            await place.heal()
            await load.stop()
        await settled(place, door, SETTLED_WITHIN_S)
        books = await read_books(place, door, load.read_journal())
    assert by_state["sending"] > 0
    assert load.surprises == [], crash_seed
    assert breaks(books) == [], crash_seed
    assert any(LOST in event["data"].get("text", "") for event in books.events)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(("mutant", "doubled"), [("", False), (",send_late", True)])
async def test_a_worker_that_was_frozen_before_its_first_byte_past_its_lease_sends_nothing_twice(
    tmp_path, shared, crash_seed, mutant, doubled
):
    """Unless it is broken on purpose, and does not look at the clock when it goes on."""
    async with installation(tmp_path, shared) as place:
        door = place.add_server(EVERPOST, "--no-work")
        frozen = place.add_worker((sys.executable, mutants.__file__, f"hurry,freeze{mutant}"))
        awake = place.add_worker(HURRY)
        await asyncio.gather(door.start(), frozen.start())
        load = Load([door.url], place.token, tmp_path / "journal.jsonl", random.Random(crash_seed))
        with load.running():
            await _frozen_outside_of_a_commit(place, frozen)
            await load.more(20)
            await awake.start()
            await load.stop()
        await settled(place, door, SETTLED_WITHIN_S)
        frozen.process.send_signal(signal.SIGCONT)
        await until(frozen.is_ready, STOPPED_WITHIN_S)
        await settled(place, door, SETTLED_WITHIN_S)
        assert await frozen.end(60.0) == 0  # so that all its attempts have ended
        books = await read_books(place, door, load.read_journal())
    assert ("handed over 2 times" in "\n".join(breaks(books))) == doubled, crash_seed
    assert any(LOST in event["data"].get("text", "") for event in books.events)


async def _frozen_outside_of_a_commit(place, frozen):
    while True:
        await until(partial(_is_stopped, frozen), STOPPED_WITHIN_S)
        if await place.can_be_written():
            return
        frozen.process.send_signal(signal.SIGCONT)


async def _is_stopped(process):
    return process.is_stopped


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a_stop_of_many_processes_under_load_leaves_nothing_in_doubt(tmp_path, shared, crash_seed):
    async with installation(tmp_path, shared) as place:
        many, worker = place.add_server(EVERPOST, "--processes", "3"), place.add_worker()
        load = Load([many.url], place.token, tmp_path / "journal.jsonl", random.Random(crash_seed))
        with load.running():
            await place.put_faults("mailgun", {"kind": "slow", "delay_s": 0.3})
            await many.start()
            await load.more(100)
            pids = many.children()
            assert await many.end(60.0) == 0
            assert await _have_ended(pids)
            await many.start()
            by_state, _ = await states_of(place, many)
            await worker.start()
            await load.stop()
        await settled(place, many, SETTLED_WITHIN_S)
        books = await read_books(place, many, load.read_journal())
    assert len(pids) == 3
    assert by_state["uncertain"] == 0
    assert breaks(books) == [], crash_seed


@pytest.mark.slow
@pytest.mark.timeout(120)
@pytest.mark.parametrize("shared_store", STORES, indirect=True)
async def test_a_mail_that_a_door_leaves_is_handed_over_by_a_worker_that_is_woken(tmp_path, shared, valkey):
    async with installation(tmp_path, shared) as place:
        door, worker = place.add_server(EVERPOST, "--no-work"), place.add_worker()
        await asyncio.gather(door.start(), worker.start())
        mail = {"from": "ann@example.com", "to": ["bob@example.org"], "subject": "Hello", "text": "It works"}
        headers = {"Authorization": f"Bearer {place.token}"}
        _, left, _ = await ask("POST", f"{door.url}/v1/emails", mail, headers)
        status, waited, _ = await ask("POST", f"{door.url}/v1/emails", mail, {**headers, "Prefer": "wait=10"})
        await settled(place, door, SETTLED_WITHIN_S)
        status_of_worker, _, _ = await ask("POST", f"{worker.url}/v1/emails", mail, headers)
        told, _, _ = await ask("GET", f"{worker.url}/metrics")
        calls = valkey.judge.info("commandstats")["cmdstat_publish"]["calls"]
    assert (left["state"], status, waited["state"]) == ("queued", 200, "sent")
    assert (status_of_worker, told) == (404, 401)
    assert calls >= 1
