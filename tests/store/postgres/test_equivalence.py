"""Whatever is done to it, PostgreSQL answers as the plain dictionaries of the memory store do.

But for one thing, of which ADR 30 tells: the audit trail outlives what is purged, week by week, and is then read by its
cursor alone."""

import asyncio

import pytest
from hypothesis import HealthCheck, settings

import postgres_kit
from everpost.store.port import AcceptOverrun, StoreUnavailable
from everpost.store.postgres import PostgresStore
from store_machine import UNSHRUNK, Stores

TABLES = (
    "message",
    "body",
    "delivery",
    "event",
    "idempotency",
    "recipient",
    "tag",
    "usage",
    "config",
    "suppression",
    "attachment",
    "paper",
    "purged",
    "passed",
)
EMPTY = "".join(f", {table}_ AS (DELETE FROM {table})" for table in TABLES)


@pytest.fixture(scope="module")
def empty(databases):
    """A database, and what empties it: to make one for each example would take most of the time."""
    with asyncio.Runner() as runner:
        one = databases.one()
        yield runner, runner.run(one.__aenter__())
        runner.run(one.__aexit__(None, None, None))


@pytest.mark.timeout(300)
def test_it_answers_as_memory_does(empty):
    runner, server = empty

    class Postgres(Stores):
        def open_other(self):
            self.purged = set()  # numbers of events
            return runner.run(self.opened())

        async def opened(self):
            await postgres_kit.judged(server, f"WITH again AS (UPDATE journal SET seq = 0) {EMPTY} SELECT 1")
            return await PostgresStore.open(server, clock=self.clock)

        def result_of(self, coroutine):
            try:
                return runner.run(coroutine)
            except StoreUnavailable as error:
                return AcceptOverrun if isinstance(error, AcceptOverrun) else StoreUnavailable

        def may_come_again(self, id_):
            return id_ in self.memory._messages  # ids come again in tests alone, and the trail of a purged one is there

        def both(self, method, *arguments):
            if method == "read_events":
                return self.events(*arguments)
            before = {one.seq for one in self.memory._trail._events}
            told = super().both(method, *arguments)
            self.purged |= before - {one.seq for one in self.memory._trail._events}
            return told

        def events(self, after, limit, project=None, message_id=None):
            memory = self.result_of(self.memory.read_events(after, limit, project, message_id))
            every = self.result_of(self.other.read_events(after, 10_000, project, message_id))
            if message_id is not None and message_id not in self.memory._messages:
                assert every == []
                return memory
            assert [one for one in every if one.seq not in self.purged][:limit] == memory
            return memory

    case = Postgres.TestCase
    case.settings = settings(
        max_examples=25,
        stateful_step_count=40,
        phases=UNSHRUNK,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    case("runTest").runTest()
