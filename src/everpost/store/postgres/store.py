"""The port over PostgreSQL: what is written the most goes through a lane each, the rest straight to a connection."""

import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from functools import partial
from time import perf_counter
from typing import Concatenate, ParamSpec, Self, TypeVar

import asyncpg

from everpost.model.change import Change, Charge, Usage
from everpost.model.delivery import Delivery
from everpost.model.event import Event, Recorded
from everpost.model.limits import POSTGRES_CONNECTIONS_MAX
from everpost.model.message import Message
from everpost.model.suppression import ALL, Suppression
from everpost.postgres import Fault, Lost, Pool, Server
from everpost.store.commits import UNCOUNTED, Commits
from everpost.store.port import (
    Accepted,
    Bounds,
    Claim,
    Conflict,
    Counts,
    Document,
    Filter,
    IdempotencyClaim,
    Notice,
    Same,
    Stored,
    StoreUnavailable,
    Written,
)
from everpost.store.postgres import claims, documents, notices, purge, reads, removal, schema
from everpost.store.postgres.accepting import Accepting, Asked, size_of
from everpost.store.postgres.changes import change
from everpost.store.postgres.lane import Failed, Lane, RunBatch
from everpost.store.postgres.listing import list_messages
from everpost.store.submission import Submission

P = ParamSpec("P")
A = TypeVar("A")
R = TypeVar("R")
T = TypeVar("T")


class PostgresStore:
    """Everpost's state in one PostgreSQL database, shared by as many processes of as many hosts as reach it."""

    def __init__(self, pool: Pool, clock: Callable[[], float], commits: Commits = UNCOUNTED) -> None:
        self._pool = pool
        self._clock = clock
        self._commits = commits
        accepting = Accepting(pool, clock)
        self._accepts: Lane[Asked, Accepted] = Lane(self._counted(accepting.run), size_of)
        self._changes: Lane[Sequence[Change], list[Written]] = Lane(self._counted(partial(change, pool)))
        commits.watch_waiting(lambda: self._accepts.waiting + self._changes.waiting)

    def _counted(self, run_batch: RunBatch[A, R]) -> RunBatch[A, R]:
        async def run(batch: Sequence[A]) -> Sequence[R | Failed]:
            began_at = perf_counter()
            results = await run_batch(batch)
            durable = sum(not isinstance(result, Failed) for result in results)
            if durable:
                self._commits.committed(perf_counter() - began_at, durable)
            return results

        return run

    @classmethod
    async def open(
        cls,
        server: Server,
        *,
        clock: Callable[[], float] = time.time,
        connections: int = POSTGRES_CONNECTIONS_MAX,
        commits: Commits = UNCOUNTED,
    ) -> Self:
        """Makes the tables in an empty database; a schema that is too old, or far too new, is left alone. `clock` tells
        the wall-clock time that deadlines are compared with. Raises StoreUnavailable."""
        pool = Pool(server, connections)
        try:
            version = await pool.run(schema.version_of)
            if version == 0:
                await schema.migrate(server)
            else:
                schema.check(version)
        except (Fault, StoreUnavailable) as fault:
            await pool.close()
            raise StoreUnavailable(str(fault)) from fault
        return cls(pool, clock, commits)

    async def close(self) -> None:
        await self._accepts.close()
        await self._changes.close()
        await self._pool.close()

    async def accept(
        self,
        message: Message,
        deliveries: Sequence[Delivery],
        events: Sequence[Event],
        claim: IdempotencyClaim | None,
        not_after: float,
        charges: Sequence[Charge] = (),
    ) -> Accepted:
        return await self._accepts.run(Asked(Submission(message, deliveries, events, claim, charges), not_after))

    async def find_key(
        self, scope: str, key: str, fingerprint: bytes, since: float | None = None
    ) -> Same | Conflict | None:
        return await self._read(reads.find_key, scope, key, fingerprint, since)

    async def vouch(self, scope: str, key: str, message_id: str) -> bool:
        return await self._write(documents.vouch, scope, key, message_id)

    async def answer(self, scope: str, key: str, answer: bytes) -> None:
        await self._write(documents.answer, scope, key, answer)

    async def claim_due(self, now: float, lease_s: float, room: int) -> Claim:
        return await self._write(claims.claim_due, now, lease_s, room)

    async def begin(self, changes: Sequence[Change]) -> list[Written]:
        return await self._changes.run(changes)

    async def advance(self, changes: Sequence[Change]) -> list[Written]:
        return await self._changes.run(changes)

    async def record(self, events: Sequence[Event]) -> None:
        await self._write(notices.record, events)

    async def note(self, notices_: Sequence[Notice]) -> list[bool]:
        return await self._write(notices.note, notices_)

    async def paper(self, event_id: str, message_id: str | None) -> bytes | None:
        return await self._read(notices.paper, event_id, message_id)

    async def get_message(self, project: str, message_id: str) -> Stored | None:
        return await self._read(reads.get_message, project, message_id)

    async def read_message(self, project: str, message_id: str) -> Message | None:
        return await self._read(reads.read_message, project, message_id)

    async def find_delivery(self, delivery_id: str) -> Delivery | None:
        return await self._read(reads.find_delivery, delivery_id)

    async def list_messages(self, by: Filter, before: str | None, limit: int) -> list[Stored]:
        return await self._read(list_messages, by, before, limit)

    async def read_events(
        self, after: int, limit: int, project: str | None = None, message_id: str | None = None
    ) -> list[Recorded]:
        return await self._read(reads.read_events, after, limit, project, message_id)

    async def usage(self) -> Mapping[tuple[str, str], Usage]:
        return await self._read(reads.usage)

    async def read_config(self, prefix: str) -> Mapping[str, Document]:
        return await self._read(reads.read_config, prefix)

    async def write_config(
        self, name: str, value: bytes | None, was: int | None, events: Sequence[Event] = ()
    ) -> Document | None:
        return await self._write(documents.write_config, name, value, was, events)

    async def suppress(self, suppressions: Sequence[Suppression], events: Sequence[Event]) -> None:
        await self._write(documents.suppress, suppressions, events)

    async def unsuppress(
        self, project: str, addresses: Sequence[str], events: Sequence[Event], stream: str = ALL
    ) -> None:
        await self._write(documents.unsuppress, project, addresses, events, stream)

    async def suppressed(self, project: str, addresses: Sequence[str], stream: str = ALL) -> list[Suppression]:
        return await self._read(reads.suppressed, project, addresses, stream)

    async def list_suppressions(
        self, project: str, prefix: str, after: tuple[str, str], limit: int
    ) -> Sequence[Suppression]:
        return await self._read(reads.list_suppressions, project, prefix, after, limit)

    async def counts(self) -> Counts:
        return await self._read(reads.counts)

    async def purge(self, bounds: Bounds, limit: int) -> int:
        """Each step is a transaction of its own. Weeks of the audit trail are turned when nothing else is left to be
        done."""
        gone = await self._write(purge.purge_messages, bounds.messages, limit)
        gone += await self._write(purge.purge_keys, bounds.keys, limit)
        if bounds.suppressions is not None:
            gone += await self._write(purge.purge_suppressions, bounds.suppressions, limit)
        for part, before in (
            (purge.BODIES, bounds.bodies),
            (purge.ADDRESSES, bounds.addresses),
            (purge.EVENTS, bounds.events),
        ):
            if before is not None:
                gone += await self._write(purge.purge_part, part, before, bounds.salt, limit)
        if bounds.events is not None:
            await self._write(purge.purge_system_events, bounds.events, limit)
        await self._write(purge.purge_papers, bounds.papers, limit)
        if gone < limit:
            await self._write(purge.turn_weeks, self._clock(), bounds)
        return gone

    async def erase(self, project: str, address: str, token: str, event: Event, limit: int) -> int:
        return await self._write(removal.erase, project, address, token, event, limit)

    async def referenced(self, names: Collection[str]) -> Collection[str]:
        return await self._read(reads.referenced, names)

    async def _read(
        self, function: Callable[Concatenate[asyncpg.Connection, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Once more by another connection, where the first one was lost."""
        try:
            try:
                return await self._pool.run(lambda link: function(link, *args, **kwargs))
            except Lost:
                return await self._pool.run(lambda link: function(link, *args, **kwargs))
        except Fault as fault:
            raise StoreUnavailable(str(fault)) from fault

    async def _write(
        self, function: Callable[Concatenate[asyncpg.Connection, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        try:
            return await self._pool.run(lambda link: function(link, *args, **kwargs))
        except Fault as fault:
            raise StoreUnavailable(str(fault)) from fault
