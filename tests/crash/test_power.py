"""The power is cut at any step of the disk: what was promised, begun or settled is there, and nothing goes twice."""

import asyncio
import os
import random
from collections import Counter, defaultdict
from functools import partial
from pathlib import Path

import apsw
import pytest
from msgspec import Struct

from crash.power import power, restore
from crash.processes import until
from engine_kit import BUSY, CALLER, DOWN, LOST, LOST_BUT_TAKEN, REJECTED, SILENCE, TAKEN, Wire, World, draft, elapse
from everpost.engine.accept import Acceptance, Acceptor
from everpost.engine.idempotency import Idempotency
from everpost.model.delivery import FINAL, DeliveryState
from everpost.model.event import EventType
from everpost.model.message import OnUnknown
from everpost.model.problem import Problem
from everpost.store.port import Filter, New, StoreUnavailable, Written
from everpost.store.sqlite import SqliteStore
from everpost.wiring.parts import DATA_MODE, open_store
from sim.virtual_loop import VirtualLoop

MAILS = 40
REPLIES = (TAKEN, TAKEN, TAKEN, LOST_BUT_TAKEN, LOST, BUSY, DOWN, SILENCE, REJECTED)
CUTS = 20  # of each run
CHECKPOINT_PAGES = 100  # not the usual 1000, so that a short run sees the log written back, and begun anew


class Seen(Struct, frozen=True):
    """What the world knew at a moment."""

    accepted: tuple[str, ...]  # message ids that the store has said it has
    written: tuple[str, ...]  # ids of events that it has said it has
    sent: tuple[tuple[str, str], ...]  # account and delivery, from the first byte on
    under_way: tuple[tuple[str, str], ...]  # of these, what the provider will take if it arrives
    taken: Counter[tuple[str, str]]


class Providers(Wire):
    def __init__(self):
        super().__init__()
        self.under_way = []

    async def _answered(self, reply, told, not_after):
        attempt = (told.account, told.delivery)
        if reply.takes:
            self.under_way.append(attempt)
        try:
            return await super()._answered(reply, told, not_after)
        finally:
            if reply.takes:
                self.under_way.remove(attempt)


class Witness:
    """Passes every call on to a store, and notes what it has promised."""

    def __init__(self, store):
        self._store = store
        self.accepted, self.written = [], []

    def __getattr__(self, name):
        return getattr(self._store, name)

    async def accept(self, message, deliveries, events, *args):
        answer = await self._store.accept(message, deliveries, events, *args)
        if answer == New():
            self.accepted.append(message.id)
            self.written += [event.id for event in events]
        return answer

    async def begin(self, changes):
        return await self._changed(changes, await self._store.begin(changes))

    async def advance(self, changes):
        return await self._changed(changes, await self._store.advance(changes))

    async def _changed(self, changes, results):
        for change, result in zip(changes, results, strict=True):
            if result is Written.DONE:
                self.written += [event.id for event in change.events]
        return results


def world_of(store):
    world = World("a", "b", on_unknown=OnUnknown.HOLD, resolve_within_s=1e6)
    world.store, world.wire = store, Providers()
    return world


async def some_life(world, rng):
    """Clients hand in mail, some of it twice under one key; providers answer in all ways."""
    for account in ("a", "b"):
        world.wire.script(account, *rng.choices(REPLIES, k=MAILS), TAKEN)

    async def client(number):
        await asyncio.sleep(rng.uniform(0, 20))
        key = Idempotency("shop:send", f"key-{number}", b"same") if number % 2 else None
        for _ in range(2 if number % 4 == 1 else 1):
            answer = await engine.acceptor.accept(draft(subject=f"mail {number}"), CALLER, idempotency=key)
            assert isinstance(answer, Acceptance) or (isinstance(answer, Problem) and answer.status == 503)

    async with world.running() as engine:
        await asyncio.gather(*map(client, range(MAILS)))
        await elapse(60.0)


def lived(folder, seed, *, change=lambda store: None, failing=False, believes_a_second_sync=False):
    """Moments of one life, each with what the world knew."""
    rng = random.Random(seed)
    folder.mkdir()

    def seen():
        return Seen(
            accepted=tuple(store.accepted),
            written=tuple(store.written),
            sent=tuple((one.account, one.delivery) for one in world.wire.sent),
            under_way=tuple(world.wire.under_way),
            taken=Counter(world.wire.taken),
        )

    with power(seen, believes_a_second_sync=believes_a_second_sync) as disk:
        store = Witness(SqliteStore.open(str(folder / "everpost.db"), inline=True))
        store._writer.connection.wal_autocheckpoint(rng.choice((CHECKPOINT_PAGES, 1000)))
        change(store._store)
        world = world_of(store)
        disk.wanted = lambda step: rng.random() < 0.03
        if failing:
            disk.fails = lambda step: rng.random() < 0.1
        with asyncio.Runner(loop_factory=lambda: VirtualLoop(rng)) as runner:
            world.clock._rng = random.Random(seed)
            runner.run(some_life(world, rng))
            disk.fails = lambda step: False
            runner.run(store.close())
    return rng.sample(disk.cuts, min(CUTS, len(disk.cuts)))


async def broken(store, seen):
    """Promises that a store which was opened after the cut does not keep."""
    stored = await store.list_messages(Filter(project=CALLER.project), None, 100_000)
    recorded = [one.event for one in await store.read_events(0, 100_000)]
    counts = await store.counts()
    for id_ in set(seen.accepted) - {one.message.id for one in stored}:
        yield f"{id_}: acknowledged, and not there"
    for id_ in set(seen.written) - {event.id for event in recorded}:
        yield f"{id_}: told to be written, and not there"
    begun = Counter((event.account, event.delivery_id) for event in recorded if event.type is EventType.ATTEMPTED)
    for attempt, count in Counter(seen.sent).items():
        if begun[attempt] < count:
            yield f"{attempt}: sent without an intent"
    if counts.accepted != sum(counts.by_state.values()) or counts.accepted != len(stored):
        yield f"{counts.accepted} accepted, {len(stored)} listed, {counts.by_state}"
    if store._writer.connection.pragma("integrity_check") != "ok":
        yield "the database is damaged"


async def doubled(store, seen, rng):
    """What has gone out twice, or to no end, once a new process has worked off all that was left."""
    world = world_of(store)
    world.wire.taken = Counter(seen.taken)
    world.wire.taken.update(attempt for attempt in seen.under_way if rng.random() < 0.5)  # the rest never arrives
    async with world.running():
        await until(partial(_nothing_is_open, store), 1e6, every_s=10.0)
    copies = Counter()
    for (_, delivery), count in world.wire.taken.items():
        copies[delivery] += count
    ended = {one.id: one for stored in await _all(store) for one in stored.deliveries}
    for id_, one in ended.items():
        if copies[id_] > 1 or (one.state is DeliveryState.SENT) != (copies[id_] == 1):
            yield f"{id_}: it is {one.state}, and {copies[id_]} were handed over"


async def _nothing_is_open(store):
    return not any(n for state, n in (await store.counts()).by_state.items() if state not in FINAL)


async def _all(store):
    return await store.list_messages(Filter(project=CALLER.project), None, 100_000)


def breaks(folder, cut, seed):
    """All that is broken after this cut, in one of the states that it may leave."""
    rng = random.Random(seed)
    folder.mkdir()
    restore(cut, folder, rng)

    async def look():
        store = SqliteStore.open(str(folder / "everpost.db"), inline=True)
        try:
            return [words async for words in broken(store, cut.seen)] + [
                words async for words in doubled(store, cut.seen, rng)
            ]
        finally:
            await store.close()

    try:
        with asyncio.Runner(loop_factory=lambda: VirtualLoop(rng)) as runner:
            return runner.run(look())
    except (StoreUnavailable, ValueError, apsw.Error) as error:  # nonsense stands where values stood
        return [f"the database is damaged: {error}"]


def all_breaks(folder, seeds, **options):
    found = defaultdict(list)
    cuts = 0
    for seed in seeds:
        for number, cut in enumerate(lived(folder / f"life-{seed}", seed, **options)):
            found[f"seed {seed}, cut {number}"] += breaks(folder / f"cut-{seed}-{number}", cut, seed + number)
            cuts += 1
    return {where: words for where, words in found.items() if words}, cuts


def synchronous(mode):
    return lambda store: store._writer.connection.pragma("synchronous", mode)


def send_before_the_intent_is_written(monkeypatch):
    begin = Acceptor._store_begun

    async def begin_later(self, message, event, claim, intent):
        attempt = self._ports.wire.send(intent.request, intent.member.account.timeouts, intent.not_after)
        task = asyncio.ensure_future(attempt)
        await asyncio.sleep(0)
        try:
            return await begin(self, message, event, claim, intent)
        finally:
            await task

    monkeypatch.setattr(Acceptor, "_store_begun", begin_later)


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_whenever_the_power_is_cut_what_was_promised_is_there_and_nothing_goes_twice(tmp_path, power_seeds):
    found, cuts = all_breaks(tmp_path, range(power_seeds))
    print(f"{power_seeds} lives, {cuts} cuts")  # noqa: T201
    assert found == {}
    assert cuts > 10 * power_seeds


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_a_disk_that_has_lost_what_it_failed_to_sync_changes_nothing_of_that(tmp_path, power_seeds):
    found, cuts = all_breaks(tmp_path, range(1000, 1000 + power_seeds), failing=True)
    print(f"{power_seeds} lives, {cuts} cuts")  # noqa: T201
    assert found == {}
    assert cuts > 10 * power_seeds


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mode", "words"),
    [
        ("off", ["the database is damaged"]),
        ("normal", ["acknowledged, and not there", "sent without an intent", "told to be written, and not there"]),
    ],
)
def test_a_store_that_does_not_wait_for_the_disk_is_caught(tmp_path, mode, words):
    found, _ = all_breaks(tmp_path, [1], change=synchronous(mode))
    assert [one for one in words if one not in str(found)] == []


@pytest.mark.slow
def test_a_store_that_tries_a_failed_sync_again_and_believes_it_is_caught(tmp_path):
    found, _ = all_breaks(tmp_path, [1], failing=True, believes_a_second_sync=True)
    assert "not there" in str(found) or "is damaged" in str(found)


@pytest.mark.slow
def test_an_engine_that_sends_before_its_intent_is_written_is_caught(tmp_path, monkeypatch):
    send_before_the_intent_is_written(monkeypatch)
    found, _ = all_breaks(tmp_path, [1])
    assert "sent without an intent" in str(found)


def test_the_folders_that_are_made_for_a_store_are_on_disk_before_anything_in_them(tmp_path, monkeypatch):
    synced, sync = [], os.fsync

    def note(descriptor):
        synced.append(Path(f"/proc/self/fd/{descriptor}").readlink())
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    store = open_store(tmp_path / "new" / "data")
    asyncio.run(store.close())
    assert synced == [tmp_path, tmp_path / "new"]
    assert (tmp_path / "new" / "data").stat().st_mode & 0o777 == DATA_MODE
