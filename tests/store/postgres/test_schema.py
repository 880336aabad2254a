"""How tables come into being, and change while others work with them."""

import asyncio

import pytest

import postgres_kit
from everpost.model.delivery import DeliveryState
from everpost.store.port import StoreUnavailable
from everpost.store.postgres import PostgresStore, inspection, purge, schema
from store_values import NOW, accept, bounds, change, message, system_event

WEEK_S = 7 * 86_400.0


@pytest.fixture
async def empty(databases):
    async with databases.one(is_empty=True) as one:
        yield one


def further(number, sql):
    return schema.Migration(number, f"{number:04}_further.sql", sql)


@pytest.fixture
def next_version(monkeypatch):
    """Another migration, as the next version has it."""

    def add(*sqls):
        known = schema.migrations()
        more = [further(len(known) + n, sql) for n, sql in enumerate(sqls, 1)]
        monkeypatch.setattr(schema, "migrations", lambda: (*known, *more))

    return add


async def test_of_several_that_migrate_at_once_one_does_it(empty):
    ran = await asyncio.gather(*(schema.migrate(empty) for _ in range(3)))
    assert sorted(ran) == [0, 0, len(schema.migrations())]


async def test_several_processes_may_open_an_empty_database_at_once(empty, clock):
    stores = await asyncio.gather(*(PostgresStore.open(empty, clock=clock) for _ in range(3)))
    for number, store in enumerate(stores, 1):
        await accept(store, message(number))
        assert (await stores[0].counts()).accepted == number
    for store in stores:
        await store.close()


async def test_a_schema_that_is_too_old_is_refused_with_what_to_run(server, next_version):
    next_version("CREATE TABLE further ()")
    with pytest.raises(StoreUnavailable, match="run `everpost migrate`"):
        await PostgresStore.open(server)
    assert await schema.migrate(server) == 1
    await (await PostgresStore.open(server)).close()


async def test_a_schema_that_is_one_version_ahead_is_worked_with_and_two_are_not(server, clock):
    for ahead, is_refused in ((1, False), (2, True)):
        number = len(schema.migrations()) + ahead
        await postgres_kit.judged(server, "INSERT INTO migration VALUES ($1, 'x', 0)", number)
        if is_refused:
            with pytest.raises(StoreUnavailable, match="made by a newer Everpost"):
                await PostgresStore.open(server)
        else:
            async with postgres_kit.opened(server, clock=clock) as store:
                await accept(store)


async def test_a_migration_waits_for_a_gap_between_those_who_work(server, next_version, monkeypatch):
    """It does not queue up for its lock, since all others would have to queue up behind it."""
    monkeypatch.setattr(schema, "LOCK_WAIT", "50ms")
    monkeypatch.setattr(schema, "PAUSE_S", 0.01)
    next_version("ALTER TABLE message ADD COLUMN further text")
    async with postgres_kit.held(server, "LOCK TABLE message IN ACCESS SHARE MODE") as lock:
        migrating = asyncio.ensure_future(schema.migrate(server))
        await lock.waited_for()
        await postgres_kit.judged(server, "SELECT count(*) FROM message")  # comes through, soon
        await lock.release()
        assert await migrating == 1


async def test_an_index_is_built_beside_those_who_write(server, next_version, clock):
    async with postgres_kit.opened(server, clock=clock) as store:
        next_version("-- alone\nCREATE INDEX CONCURRENTLY further ON message (created_at)")
        results = await asyncio.gather(schema.migrate(server), *(accept(store, message(n)) for n in range(1, 20)))
    assert results[0] == 1


async def test_a_migration_that_fails_leaves_nothing_behind(server, next_version):
    next_version("CREATE TABLE further (); SELECT 1 / 0")
    with pytest.raises(Exception, match="division by zero"):
        await schema.migrate(server)
    assert await postgres_kit.judged(server, "SELECT to_regclass('further')") == [(None,)]
    [[version]] = await postgres_kit.judged(server, "SELECT max(number) FROM migration")
    assert version == len(schema.migrations()) - 1


# --- weeks of the audit trail ----------------------------------------------------------------------------------------


async def weeks(server):
    rows = await postgres_kit.judged(
        server, "SELECT relname FROM pg_class WHERE relname ~ '^event_[0-9]{8}$' ORDER BY relname"
    )
    return [row["relname"] for row in rows]


async def in_default(server):
    rows = await postgres_kit.judged(server, "SELECT id FROM event_default ORDER BY seq")
    return [row["id"] for row in rows]


async def test_partitions_are_there_before_they_are_needed_and_dropped_with_their_events(store, server, clock):
    clock.now = NOW - 2 * WEEK_S
    await store.purge(bounds(0.0, 0.0), 10)  # makes the weeks around NOW
    made = await weeks(server)
    (gone,), (kept,) = await accept(store, message(1)), await accept(store, message(2))
    await store.record([system_event("of no message")])
    await store.advance([change(gone, DeliveryState.SENT)])
    assert await in_default(server) == []
    clock.now = NOW + 4 * WEEK_S

    assert await store.purge(bounds(NOW + 2 * WEEK_S, 0.0), 10) == 1

    assert [recorded.event.id for recorded in await store.read_events(0, 10)] == [f"{kept.id}:0", "of no message"]
    assert set(await in_default(server)) == {f"{kept.id}:0", "of no message"}
    left = await weeks(server)
    assert made[0] not in left
    assert len(left) >= purge.WEEKS_AHEAD
    await store.advance([change(kept, DeliveryState.SENT)])
    assert await store.purge(bounds(NOW + 2 * WEEK_S, 0.0), 10) == 1
    assert set(await in_default(server)) == {"of no message"}


async def test_a_week_that_has_begun_without_a_partition_stays_as_it_is(store, server, clock):
    await accept(store)  # into the default partition
    assert await store.purge(bounds(0.0, 0.0), 10) == 0
    assert len(await weeks(server)) > 0
    assert len(await store.read_events(0, 10)) == 1
    clock.now = NOW + 10 * WEEK_S
    await store.purge(bounds(0.0, 0.0), 10)
    assert len(await store.read_events(0, 10)) == 1


async def test_who_turns_the_weeks_gives_way(store, server, clock):
    clock.now = NOW - 2 * WEEK_S
    await store.purge(bounds(0.0, 0.0), 10)
    before = await weeks(server)
    clock.now = NOW + 9 * WEEK_S
    async with postgres_kit.held(server, "LOCK TABLE event IN ACCESS SHARE MODE"):
        await store.purge(bounds(NOW + 8 * WEEK_S, 0.0), 10)
    assert set(before) <= set(await weeks(server))
    await store.purge(bounds(NOW + 8 * WEEK_S, 0.0), 10)
    assert not set(before) & set(await weeks(server))


# --- inspection ------------------------------------------------------------------------------------------------------


async def test_an_inspection_tells_what_a_power_cut_would_do(server):
    sights = await inspection.inspect(server)
    assert sights[0].is_sound
    assert {sight.message.partition(" ")[0] for sight in sights if not sight.is_sound} <= {"fsync", "full_page_writes"}
    assert sights[-1].message == f"the schema is of version {len(schema.migrations())}"


async def test_an_inspection_of_an_empty_database_says_so(empty):
    assert "is empty" in (await inspection.inspect(empty))[-1].message
