"""Group commit: a batch of operations becomes one transaction, and one sync of the disk."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import apsw

from everpost.store.commits import UNCOUNTED, Commits
from everpost.store.port import AcceptOverrun, New, StoreUnavailable
from everpost.store.sqlite.connection import BUSY_TIMEOUT_MS, MEMORY, UNAVAILABLE, connect, unavailable
from everpost.store.sqlite.operation import Deadline, Failed, Occupied, Operation, Result, RunAll, Shared, Single


class Writer:
    """The only connection of this process that writes. Not safe for threads: one batch runs at a time."""

    def __init__(self, path: str, clock: Callable[[], float], commits: Commits = UNCOUNTED) -> None:
        self._path = path
        self._clock = clock
        self._commits = commits
        self.connection = connect(path)
        self._doubtful = False

    def run(self, batch: Sequence[Operation]) -> list[Result]:
        """One result for each operation. What is not Failed is on disk."""
        try:
            self._restore_trust()
            return self._undo_late(batch, self._commit(batch))
        except UNAVAILABLE as error:
            if not isinstance(error, apsw.BusyError):
                self._doubtful = True
            return [Failed(unavailable(error, Path(self._path).name)) for _ in batch]
        except Exception as error:  # noqa: BLE001 - whatever an operation raises is told to its own caller
            fault = error
        if len(batch) == 1:
            return [Failed(fault)]
        # Nobody pays for a faulty neighbour: each gets a transaction of its own.
        return [result for operation in batch for result in self.run([operation])]

    def run_at_once(self, operation: Operation) -> Result:
        """As `run`, but never waits for another process: raises Occupied instead."""
        if self._doubtful:
            raise Occupied
        self.connection.set_busy_timeout(0)
        try:
            self.connection.execute("BEGIN IMMEDIATE")
        except apsw.Error as error:
            raise Occupied from error  # whatever it is, `run` meets it again, and deals with it
        finally:
            self.connection.set_busy_timeout(BUSY_TIMEOUT_MS)
        return self.run([operation])[0]

    def close(self) -> None:
        self.connection.close()

    def _commit(self, batch: Sequence[Operation]) -> list[Result]:
        began_at = perf_counter()
        if not self.connection.in_transaction:  # `run_at_once` has begun it
            self.connection.execute("BEGIN IMMEDIATE")
        try:
            results = self._results(batch)
            self.connection.execute("COMMIT")
        finally:
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")
        self._commits.committed(perf_counter() - began_at, len(batch))
        return results

    def _results(self, batch: Sequence[Operation]) -> list[Result]:
        results: list[Result] = [None] * len(batch)
        shared: defaultdict[RunAll, list[tuple[int, Any]]] = defaultdict(list)
        for index, operation in enumerate(batch):
            deadline = operation.deadline
            if deadline is not None and self._clock() > deadline.not_after:
                results[index] = Failed(AcceptOverrun("the store was too slow: nothing was begun"))
            elif isinstance(operation, Shared):
                shared[operation.run_all].append((index, operation.asked))
            else:
                results[index] = operation.run(self.connection)
        for run_all, asked in shared.items():
            told = run_all(self.connection, [each for _, each in asked])
            for (index, _), result in zip(asked, told, strict=True):
                results[index] = result
        return results

    def _undo_late(self, batch: Sequence[Operation], results: list[Result]) -> list[Result]:
        """What became durable only after its deadline is taken back before anything else is written."""
        now = self._clock()
        late = {
            index: operation.deadline
            for index, (operation, result) in enumerate(zip(batch, results, strict=True))
            if operation.deadline is not None and now > operation.deadline.not_after and isinstance(result, New)
        }
        if not late:
            return results
        undos = [Single(partial(_undo, deadline, now)) for deadline in late.values()]
        for index, undone in zip(late, self.run(undos), strict=True):
            if undone is True:
                results[index] = Failed(AcceptOverrun("the store was too slow: the message was undone"))
            elif isinstance(undone, Failed):
                results[index] = Failed(StoreUnavailable(f"stored too late, and not undone: {undone.error}"))
        return results

    def _restore_trust(self) -> None:
        """After a failed write or sync: a new connection, and the whole log brought into the database file.

        A sync that failed must not be tried again and believed. The kernel reports a lost page once and then takes it
        for clean, so that the next sync succeeds although the page never reached the disk; and the log may end in
        frames of a transaction that was reported as failed. A TRUNCATE checkpoint writes every committed page anew
        into the database file, syncs that, and empties the log: what is acknowledged from then on rests on nothing
        that was written before the failure.
        """
        if not self._doubtful or self._path == MEMORY:
            return
        self.connection.close()
        self.connection = connect(self._path)
        self.connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        self._doubtful = False


def _undo(deadline: Deadline, now: float, connection: apsw.Connection) -> bool:
    return deadline.undo(connection, now)
