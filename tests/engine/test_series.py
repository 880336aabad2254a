"""The figures over time are those of the trail, whoever counts, dies or takes turns; over memory and SQLite."""

import asyncio
import itertools
from contextlib import asynccontextmanager

import pytest

from engine_kit import BUSY, DOWN, GONE, TAKEN, World, accepted, elapse
from everpost.core.series import HOURS, TIERS
from everpost.engine.lease import LEASE_S
from everpost.engine.series import CALLS_S, EVERY_S, OVERDUE_S, PRUNED_MAX, SAMPLE_S, Recorder, read_series
from everpost.model.event import Event, EventType
from everpost.model.series import Range
from everpost.store.memory import MemoryStore
from sqlite_stores import opened
from store_values import NOW


@asynccontextmanager
async def counting(*recorders):
    tasks = [asyncio.create_task(recorder.run()) for recorder in recorders]
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def figures(world, range_=Range.HOUR, project="shop"):
    return await read_series(world.store, project, range_, world.clock.now())


def sums(series):
    """What happened in all: of the project, and by account; without what did not."""
    of_project = {count.value: sum(column) for count, column in series.counts.items() if sum(column)}
    accounts = {
        one.name: {count.value: sum(column) for count, column in one.counts.items() if sum(column)}
        for one in series.accounts
    }
    return of_project, accounts


async def test_a_failover_shows_within_seconds_in_every_range(world):
    engine = world.engine()
    engine.add_recorder()
    async with world.running(engine):
        world.wire.script("a", DOWN)
        await accepted(engine, wait_s=5.0)
        await elapse(EVERY_S + 0.1)
        for range_ in Range:
            of_project, accounts = sums(await engine.console.series("shop", range_))
            assert of_project == {"accepted": 1, "sent": 1}, range_
            assert accounts["a"] == {"attempts": 1, "unavailable": 1, "failovers_from": 1}
            assert accounts["b"] == {"attempts": 1, "sent": 1, "failovers_to": 1}
        series = await engine.console.series("shop", Range.QUARTER_HOUR)
        assert [one.success_share[-1] for one in series.accounts] == [0.0, 1.0]
        assert series.accounts[1].p50_ms[-1] == pytest.approx(50.0, rel=0.2)


async def test_an_account_that_is_down_shows_when_its_circuit_opened_and_closed(world):
    engine = world.engine()
    engine.add_recorder()
    async with world.running(engine):
        world.wire.script("a", BUSY)
        for _ in range(20):
            await accepted(engine, wait_s=5.0)
        world.wire.script("a", TAKEN)
        for _ in range(20):
            await accepted(engine, wait_s=5.0)
            await elapse(30.0)
        await elapse(EVERY_S)
        _, accounts = sums(await engine.console.series("bank", Range.HOUR))  # another project: circuits are everybody's
        assert accounts == {"a": {"opened": 1, "closed": 1}}


async def test_a_project_sees_nothing_of_others_though_its_name_begins_theirs(world):
    recorder = Recorder(world.engine().ports)
    await some_mails(world.store, 3, project="shop2")
    await some_mails(world.store, 2, project="shop")
    await some_mails(world.store, 1, project="shop/2")
    async with counting(recorder):
        await elapse(1.0)
    for project, count in (("shop", 2), ("shop2", 3), ("shop/2", 1), ("", 0)):
        of_project, _ = sums(await figures(world, project=project))
        assert of_project.get("accepted", 0) == count, project


async def test_an_idle_system_writes_nothing_and_counts_on_when_there_is_more(world):
    async with counting(Recorder(world.engine().ports)):
        await some_mails(world.store, 2)
        await elapse(2 * EVERY_S)
        written = world.store.called["write_config"]
        assert written > 0
        await elapse(3600.0)
        assert world.store.called["write_config"] == written
        await some_mails(world.store, 2, at=world.clock.now())
        await elapse(EVERY_S + 1.0)
    assert sums(await figures(world, Range.DAY))[0] == {"accepted": 4}


async def test_who_has_nothing_to_count_looks_at_the_queue_no_more_often_than_it_is_said(world):
    async with counting(Recorder(world.engine().ports)):
        await elapse(10 * SAMPLE_S)
    assert world.store.called["counts"] <= 11


async def test_one_of_many_processes_counts_and_when_it_dies_another_one_goes_on(world):
    recorders = [Recorder(world.engine().ports) for _ in range(3)]
    async with counting(*recorders) as tasks:
        await some_mails(world.store, 5)
        await elapse(EVERY_S + 1.0)
        for task in tasks[:2]:
            task.cancel()
        for _ in range(20):
            await some_mails(world.store, 1)
            await elapse(LEASE_S / 5)
        await elapse(2 * LEASE_S)
    assert sums(await figures(world))[0] == {"accepted": 25}


async def test_a_store_that_is_away_is_waited_for(world):
    async with counting(Recorder(world.engine().ports)):
        world.store.fails["write_config"] = GONE
        await some_mails(world.store, 2)
        await elapse(60.0)
        del world.store.fails["write_config"]
        await elapse(2 * LEASE_S)
    assert sums(await figures(world))[0] == {"accepted": 2}


async def test_mail_that_waits_shows_as_the_age_of_the_queue_while_nothing_happens(world):
    await accepted(world.engine())  # nobody hands it over
    async with counting(Recorder(world.engine().ports)):
        await elapse(300.0)
    ages = [age for age in (await figures(world)).queue_age_s if age is not None]
    assert ages == sorted(ages)
    assert 300.0 - SAMPLE_S - EVERY_S <= ages[-1] <= 300.0
    assert all(age >= OVERDUE_S for age in ages)


async def test_pages_go_when_their_time_is_over(world):
    recorder = Recorder(world.engine().ports)
    await some_mails(world.store, 1)
    await recorder.catch_up()
    first = set(await world.store.read_config("series/"))
    assert len(first) == 3
    for _ in range(40):
        await elapse(86_400.0)
        await some_mails(world.store, 1, at=world.clock.now())
        await recorder.catch_up()
    kept = set(await world.store.read_config("series/"))
    assert not first & kept
    assert len([name for name in kept if name.startswith("series/minutes/")]) == 1
    assert len(kept) <= 2 + (HOURS.kept_s // HOURS.page_s + 2)


async def test_after_a_long_rest_old_pages_go_in_steps_of_a_bounded_size(world):
    recorder = Recorder(world.engine().ports)
    await some_mails(world.store, 1)
    await recorder.catch_up()
    first = set(await world.store.read_config("series/"))
    await elapse(1000 * 86_400.0)
    for _ in range(2):
        read = world.store.called["read_config"]
        await some_mails(world.store, 1, at=world.clock.now())
        await recorder.step()
        assert world.store.called["read_config"] - read < len(TIERS) * PRUNED_MAX + 10
    assert not first & set(await world.store.read_config("series/"))


async def test_who_begins_late_counts_what_the_trail_still_tells(world):
    await some_mails(world.store, 3, at=NOW - 60 * 86_400)
    await some_mails(world.store, 4, at=NOW - 3 * 86_400)
    await some_mails(world.store, 5)
    async with counting(Recorder(world.engine().ports)):
        await elapse(1.0)
    assert sums(await figures(world, Range.MONTH))[0] == {"accepted": 9}
    assert sums(await figures(world, Range.HOUR))[0] == {"accepted": 5}


async def test_a_function_counts_with_its_relay_and_not_at_each_call(world):
    engine = world.engine()
    engine.add_recorder()
    await some_mails(world.store, 2)
    await engine.relay()
    assert sums(await figures(world))[0] == {"accepted": 2}
    await some_mails(world.store, 2)
    await engine.relay()
    assert sums(await figures(world))[0] == {"accepted": 2}
    await elapse(CALLS_S)
    await engine.relay()
    assert sums(await figures(world))[0] == {"accepted": 4}


class Freezer:
    """A way to the store on which figures can't be written until somebody lets them."""

    def __init__(self, store):
        self._store = store
        self.thawed = asyncio.Event()

    def __getattr__(self, name):
        return getattr(self._store, name)

    async def write_config(self, name, value, was, events=()):
        if name.startswith("series"):
            await self.thawed.wait()
        return await self._store.write_config(name, value, was, events)


async def test_who_was_frozen_in_the_middle_takes_nothing_back(world):
    store = world.store
    world.store = freezer = Freezer(store)
    frozen = Recorder(world.engine().ports)
    world.store = store
    await some_mails(store, 3)
    step = asyncio.create_task(frozen.step())
    await elapse(1.0)
    await store.write_config("lease/series", None, None)  # it has ended meanwhile
    await some_mails(store, 4)
    await Recorder(world.engine().ports).catch_up()
    freezer.thawed.set()
    assert not await step
    assert sums(await figures(world))[0] == {"accepted": 7}


# --- over both stores: whoever dies after any write, each event counts once -------------------------------------------


class Mortal:
    """A way to the store that dies at a write: before it, or after it was made."""

    def __init__(self, store, writes, is_made):
        self._store = store
        self._writes = writes
        self._is_made = is_made

    def __getattr__(self, name):
        return getattr(self._store, name)

    async def write_config(self, name, value, was, events=()):
        self._writes -= 1
        if self._writes == 0 and self._is_made:
            await self._store.write_config(name, value, was, events)
        if self._writes <= 0:
            raise type(GONE)(*GONE.args)
        return await self._store.write_config(name, value, was, events)


async def dies_at_every_write(store, clock):
    """Many processes one after the other, each with another size of batch."""
    told = itertools.count()
    for number in range(30):
        project = ("shop", "bank")[number % 2]
        await store.record([mail(next(told), project, NOW - 40.0 * number)])
    lives = itertools.product(range(1, 9), (False, True), (1, 3, 30))
    for writes, is_made, batch in lives:
        world = World("a")
        world.clock, world.store = clock, Mortal(store, writes, is_made)
        await store.write_config("lease/series", None, None)  # the dead do not hold it
        with pytest.raises(type(GONE)):
            await live(Recorder(world.engine().ports, batch), store, told)
    world.store = store
    await store.write_config("lease/series", None, None)
    await Recorder(world.engine().ports).catch_up()
    return [sums(await read_series(store, project, Range.HOUR, clock.now()))[0] for project in ("shop", "bank")], told


async def live(recorder, store, told):
    while True:
        await store.record([mail(next(told))])
        await recorder.step()


class Still:
    """A clock that stands, but for its ids."""

    def __init__(self):
        self._ids = itertools.count(1)

    def now(self):
        return NOW

    def monotonic(self):
        return 0.0

    def entropy(self):
        return next(self._ids)


async def test_whoever_dies_at_any_write_over_memory_each_event_counts_once():
    found, told = await dies_at_every_write(MemoryStore(lambda: NOW), Still())
    assert found == [{"accepted": next(told) - 15}, {"accepted": 15}]


def test_whoever_dies_at_any_write_over_sqlite_each_event_counts_once(tmp_path):
    async def run():
        async with opened(str(tmp_path / "everpost.db")) as store:
            return await dies_at_every_write(store, Still())

    found, told = asyncio.run(run())
    assert found == [{"accepted": next(told) - 15}, {"accepted": 15}]


def mail(number, project="shop", at=NOW):
    return Event(id=f"e{number}", type=EventType.ACCEPTED, at=at, project=project, message_id=f"m{number}")


async def some_mails(store, count, project="shop", at=NOW):
    many = itertools.count(len(await store.read_events(0, 10_000)))
    await store.record([mail(next(many), project, at) for _ in range(count)])
