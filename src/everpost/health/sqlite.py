"""Provider health in a small SQLite file of its own, shared by the processes of one machine.

It may be lost at any time, so nothing waits for the disk, and trouble with the file is never trouble for the caller: a
deleted or damaged file is made anew, and where that fails, this process remembers for itself.
"""

import asyncio
import logging
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, ParamSpec, Self, TypeVar

import apsw
import msgspec

from everpost.health.fold import UNKNOWN, fold, leased
from everpost.health.port import Report
from everpost.model.account import AccountHealth

BUSY_TIMEOUT_MS: Final = 1000
FILE_MODE: Final = 0o600
OPEN_TRIES: Final = 50
OPEN_PAUSE_S: Final = 0.02

Identity = tuple[int, int] | None  # device and inode; None: there is no file
_NOWHERE: Final[Identity] = (-1, -1)
_MEMORY: Final = ":memory:"
_log = logging.getLogger(__name__)
_PACK = msgspec.msgpack.Encoder()
_HEALTH = msgspec.msgpack.Decoder(AccountHealth)
P = ParamSpec("P")
T = TypeVar("T")


class SqliteHealth:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="everpost-health")
        self._connection = _connect(_MEMORY)
        self._identity: Identity = None
        self._reopen()

    @classmethod
    def open(cls, path: str) -> Self:
        """Opens or creates the file; never fails. Blocks for some milliseconds."""
        return cls(Path(path))

    async def record(self, reports: Sequence[Report]) -> None:
        await self._run(self._record, reports)

    async def board(self) -> Mapping[str, AccountHealth]:
        return await self._run(self._board) or {}

    async def lease(self, account: str, now: float, until: float) -> bool:
        # Where nothing can be written, a probe more is better than an account that never comes back.
        return await self._run(self._lease, account, now, until) is not False

    async def close(self) -> None:
        self._thread.shutdown()
        self._connection.close()

    async def _run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
        return await asyncio.get_running_loop().run_in_executor(
            self._thread, lambda: self._try(function, *args, **kwargs)
        )

    def _try(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
        """None: it could not be done."""
        for _ in range(2):
            try:
                if _identity(self._path) != self._identity:
                    self._reopen()
                return self._transaction(lambda: function(*args, **kwargs))
            except (apsw.BusyError, apsw.FullError) as error:
                _log.warning("a report on provider health is lost", extra={"error": str(error)})
                return None
            except (apsw.Error, msgspec.MsgspecError) as error:
                _log.warning("the file of provider health is made anew", extra={"error": str(error)})
                _delete(self._path)
                self._reopen()
        return None

    def _reopen(self) -> None:
        """The file as it is now, or memory while there can be none."""
        connection = _open_file(self._path)
        if connection is not None:
            self._connection.close()
            self._connection, self._identity = connection, _identity(self._path)
        elif self._identity != _NOWHERE:
            _log.warning("provider health is kept in memory, for this process alone")
            self._connection.close()
            self._connection, self._identity = _connect(_MEMORY), _NOWHERE

    def _transaction(self, function: Callable[[], T]) -> T:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            result = function()
            self._connection.execute("COMMIT")
        finally:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        return result

    def _record(self, reports: Iterable[Report]) -> None:
        board: dict[str, AccountHealth] = {}
        for report in reports:
            known = board.get(report.account) or self._read(report.account)
            board[report.account] = fold(known, report)
        for account, health in board.items():
            self._write(account, health)

    def _board(self) -> dict[str, AccountHealth]:
        rows: Iterable[tuple[Any, ...]] = self._connection.execute("SELECT account, value FROM health")
        return {account: _HEALTH.decode(value) for account, value in rows}

    def _lease(self, account: str, now: float, until: float) -> bool:
        health = leased(self._read(account), now, until)
        if health is None:
            return False
        self._write(account, health)
        return True

    def _read(self, account: str) -> AccountHealth:
        value = self._connection.execute("SELECT value FROM health WHERE account = ?", (account,)).get
        return _HEALTH.decode(value) if isinstance(value, bytes) else UNKNOWN

    def _write(self, account: str, health: AccountHealth) -> None:
        self._connection.execute("INSERT OR REPLACE INTO health VALUES (?, ?)", (account, _PACK.encode(health)))


def _open_file(path: Path) -> apsw.Connection | None:
    """The file, made anew if it can't be used; None if it can't be made."""
    deleted = False
    for _ in range(OPEN_TRIES):
        try:
            return _connect(str(path))
        except apsw.BusyError:
            time.sleep(OPEN_PAUSE_S)  # of several that create a file at once, SQLite sends all but one away
        except apsw.Error as error:
            _log.debug("the file of provider health can't be used", extra={"error": str(error)})
            if deleted:
                break
            _delete(path)
            deleted = True
    return None


def _connect(path: str) -> apsw.Connection:
    if path != _MEMORY:
        with suppress(OSError):  # SQLite will say what is wrong; it would let everybody read a new file
            os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, FILE_MODE))
    connection = apsw.Connection(path)
    try:
        connection.set_busy_timeout(BUSY_TIMEOUT_MS)
        connection.pragma("journal_mode", "wal")
        connection.pragma("synchronous", "off")
        connection.execute("CREATE TABLE IF NOT EXISTS health (account TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID")
    except apsw.Error:
        connection.close()
        raise
    return connection


def _identity(path: Path) -> Identity:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _delete(path: Path) -> None:
    for name in (path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")):
        try:
            name.unlink(missing_ok=True)
        except OSError as error:
            _log.warning("a file of provider health can't be deleted", extra={"error": str(error)})
