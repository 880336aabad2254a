"""The port over SQLite: each method hands one operation to the lane that it belongs to."""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Concatenate, ParamSpec, Self, TypeVar

import apsw

from everpost.model.change import Change, Charge, Usage
from everpost.model.delivery import Delivery
from everpost.model.event import Event, Recorded
from everpost.model.limits import COMMIT_MAX, IN_LOOP_BYTES_MAX, PENDING_WRITES_MAX
from everpost.model.message import Message, size_bytes
from everpost.model.suppression import ALL, Suppression
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
    Written,
)
from everpost.store.sqlite import accepting, purge, reads, removal, writes
from everpost.store.sqlite.connection import UNAVAILABLE, trim_log, unavailable
from everpost.store.sqlite.lane import DirectLane, Lane, ThreadLane
from everpost.store.sqlite.listing import list_messages
from everpost.store.sqlite.operation import Deadline, Shared, Single
from everpost.store.sqlite.reader import Reader, read
from everpost.store.sqlite.schema import migrate
from everpost.store.sqlite.writer import Writer
from everpost.store.submission import Submission

P = ParamSpec("P")
T = TypeVar("T")


class SqliteStore:
    """Everpost's state in one SQLite file: log mode WAL, synced to disk at each commit."""

    def __init__(self, writer: Writer, readers: Sequence[Reader], writes_: Lane, look_ups: Lane, scans: Lane) -> None:
        self._writer = writer
        self._readers = readers
        self._writes = writes_
        self._look_ups = look_ups  # few rows by key; some stand between a mail and its sending
        self._scans = scans  # lists, which may take long
        self._is_log_clean = False  # of what was deleted; nobody knows at the start

    @classmethod
    def open(
        cls,
        path: str,
        *,
        clock: Callable[[], float] = time.time,
        inline: bool = False,
        commits: Commits = UNCOUNTED,
    ) -> Self:
        """Opens or creates the database; other processes may have it open too. Blocks for some milliseconds.

        `inline` runs every operation at once in the caller's thread, without threads of its own; only then may the
        path be `:memory:`. `clock` tells the wall-clock time that deadlines are compared with.
        Raises StoreUnavailable if the file can't be used or was made by a newer Everpost.
        """
        try:
            writer = Writer(path, clock, commits)
            try:
                migrate(writer.connection)
                readers = [] if inline else [Reader(path), Reader(path)]
            except BaseException:
                writer.close()
                raise
        except UNAVAILABLE as error:
            raise unavailable(error, path) from error
        if inline:
            direct = DirectLane(lambda batch: [read(operation, writer.connection, path) for operation in batch])
            return cls(writer, readers, DirectLane(writer.run), direct, direct)
        look_ups, scans = readers
        writes_ = ThreadLane("everpost-writes", writer.run, COMMIT_MAX, PENDING_WRITES_MAX, writer.run_at_once)
        commits.watch_waiting(lambda: writes_.waiting)
        return cls(
            writer,
            readers,
            writes_,
            ThreadLane("everpost-look-ups", look_ups.run, COMMIT_MAX, PENDING_WRITES_MAX),
            ThreadLane("everpost-scans", scans.run, 1, PENDING_WRITES_MAX),
        )

    async def close(self) -> None:
        for lane in (self._writes, self._look_ups, self._scans):
            await lane.close()
        for reader in self._readers:
            reader.close()
        self._writer.close()

    async def accept(
        self,
        message: Message,
        deliveries: Sequence[Delivery],
        events: Sequence[Event],
        claim: IdempotencyClaim | None,
        not_after: float,
        charges: Sequence[Charge] = (),
    ) -> Accepted:
        submission = Submission(message, deliveries, events, claim, charges)
        deadline = Deadline(not_after, lambda connection, now: accepting.undo(connection, submission, now))
        is_large = size_bytes(message) > IN_LOOP_BYTES_MAX
        accepted: Accepted = await self._writes.run(Shared(accepting.accept, submission, deadline, is_large))
        return accepted

    async def find_key(
        self, scope: str, key: str, fingerprint: bytes, since: float | None = None
    ) -> Same | Conflict | None:
        return await _run(self._look_ups, reads.find_key, scope, key, fingerprint, since)

    async def vouch(self, scope: str, key: str, message_id: str) -> bool:
        return await _run(self._writes, accepting.vouch, scope, key, message_id)

    async def answer(self, scope: str, key: str, answer: bytes) -> None:
        await _run(self._writes, accepting.answer, scope, key, answer)

    async def claim_due(self, now: float, lease_s: float, room: int) -> Claim:
        return await _run(self._writes, writes.claim_due, now, lease_s, room)

    async def begin(self, changes: Sequence[Change]) -> list[Written]:
        return await self._change(changes)

    async def advance(self, changes: Sequence[Change]) -> list[Written]:
        return await self._change(changes)

    async def _change(self, changes: Sequence[Change]) -> list[Written]:
        written: list[Written] = await self._writes.run(Shared(writes.change, changes))
        return written

    async def record(self, events: Sequence[Event]) -> None:
        await _run(self._writes, writes.record, events)

    async def note(self, notices: Sequence[Notice]) -> list[bool]:
        return await _run(self._writes, writes.note, notices)

    async def paper(self, event_id: str, message_id: str | None) -> bytes | None:
        return await _run(self._look_ups, reads.paper, event_id, message_id)

    async def get_message(self, project: str, message_id: str) -> Stored | None:
        return await _run(self._look_ups, reads.get_message, project, message_id)

    async def read_message(self, project: str, message_id: str) -> Message | None:
        return await _run(self._look_ups, reads.read_message, project, message_id)

    async def find_delivery(self, delivery_id: str) -> Delivery | None:
        return await _run(self._look_ups, reads.find_delivery, delivery_id)

    async def list_messages(self, by: Filter, before: str | None, limit: int) -> list[Stored]:
        return await _run(self._scans, list_messages, by, before, limit)

    async def read_events(
        self, after: int, limit: int, project: str | None = None, message_id: str | None = None
    ) -> list[Recorded]:
        return await _run(self._scans, reads.read_events, after, limit, project, message_id)

    async def usage(self) -> Mapping[tuple[str, str], Usage]:
        return await _run(self._look_ups, reads.usage)

    async def read_config(self, prefix: str) -> Mapping[str, Document]:
        return await _run(self._look_ups, reads.read_config, prefix)

    async def write_config(
        self, name: str, value: bytes | None, was: int | None, events: Sequence[Event] = ()
    ) -> Document | None:
        return await _run(self._writes, writes.write_config, name, value, was, events)

    async def suppress(self, suppressions: Sequence[Suppression], events: Sequence[Event]) -> None:
        await _run(self._writes, writes.suppress, suppressions, events)

    async def unsuppress(
        self, project: str, addresses: Sequence[str], events: Sequence[Event], stream: str = ALL
    ) -> None:
        await _run(self._writes, writes.unsuppress, project, addresses, events, stream)

    async def suppressed(self, project: str, addresses: Sequence[str], stream: str = ALL) -> list[Suppression]:
        return await _run(self._look_ups, reads.suppressed, project, addresses, stream)

    async def list_suppressions(
        self, project: str, prefix: str, after: tuple[str, str], limit: int
    ) -> Sequence[Suppression]:
        return await _run(self._scans, reads.list_suppressions, project, prefix, after, limit)

    async def counts(self) -> Counts:
        return await _run(self._look_ups, reads.counts)

    async def purge(self, bounds: Bounds, limit: int) -> int:
        """What went is overwritten in the file at once, and in the log as soon as nobody needs that any more. Each step
        is a transaction of its own, among those of others."""
        gone = await _run(self._writes, purge.purge_messages, bounds.messages, limit)
        gone += await _run(self._writes, purge.purge_keys, bounds.keys, limit)
        if bounds.suppressions is not None:
            gone += await _run(self._writes, purge.purge_suppressions, bounds.suppressions, limit)
        for part, before in (
            (purge.BODIES, bounds.bodies),
            (purge.ADDRESSES, bounds.addresses),
            (purge.EVENTS, bounds.events),
        ):
            if before is not None:
                gone += await _run(self._writes, purge.purge_part, part, before, bounds.salt, limit)
        if bounds.events is not None:
            await _run(self._writes, purge.purge_system_events, bounds.events, limit)
        await _run(self._writes, purge.purge_papers, bounds.papers, limit)
        await self._trim_log(gone, limit)
        return gone

    async def erase(self, project: str, address: str, token: str, event: Event, limit: int) -> int:
        """As `purge`, of which a later one empties the log if somebody still needs it."""
        erased = await _run(self._writes, removal.erase, project, address, token, event, limit)
        await self._trim_log(max(erased, 1), limit)
        return erased

    async def _trim_log(self, gone: int, limit: int) -> None:
        self._is_log_clean = self._is_log_clean and not gone
        if not self._is_log_clean and gone < limit:
            self._is_log_clean = await _run(self._scans, trim_log)

    async def referenced(self, names: Collection[str]) -> Collection[str]:
        return await _run(self._scans, reads.referenced, names)


async def _run(
    lane: Lane, function: Callable[Concatenate[apsw.Connection, P], T], *args: P.args, **kwargs: P.kwargs
) -> T:
    result: T = await lane.run(Single(lambda connection: function(connection, *args, **kwargs)))
    return result
