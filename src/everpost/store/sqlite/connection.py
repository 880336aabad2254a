"""Opening the file, and telling what has gone wrong with it."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

import apsw

from everpost.store.port import StoreUnavailable

MEMORY: Final = ":memory:"
BUSY_TIMEOUT_MS: Final = 10_000  # another process may be in the middle of its batch, or of a checkpoint
SWITCH_TRIES: Final = 100
SWITCH_PAUSE_S: Final = 0.02
TRIM_TIMEOUT_MS: Final = 100  # nobody who writes has to wait for longer, since it can be tried again
FILE_MODE: Final = 0o600  # mail lies in there; the log of SQLite gets the mode of its file
STATEMENTS_MAX: Final = 200  # that stay prepared
CACHE_KIB: Final = 32 * 1024

UNAVAILABLE: Final = (
    apsw.BusyError,
    apsw.LockedError,
    apsw.FullError,
    apsw.IOError,
    apsw.ReadOnlyError,
    apsw.CantOpenError,
    apsw.CorruptError,
    apsw.NotADBError,
    apsw.NoMemError,
    apsw.ProtocolError,
    apsw.PermissionsError,
    apsw.AuthError,
    apsw.NoLFSError,
    apsw.ConnectionClosedError,
)
"""Errors of the file or the machine, not of the operation that met them."""

_WORDS: Final[tuple[tuple[type[apsw.Error], str], ...]] = (
    (apsw.FullError, "the disk is full"),
    (apsw.BusyError, "another process has held the database for too long"),
    (apsw.ReadOnlyError, "the database is read-only"),
    (apsw.CantOpenError, "the database can't be opened (is its directory there, and writable?)"),
    (apsw.CorruptError, "the database is damaged"),
    (apsw.NotADBError, "the file is not an SQLite database"),
    (apsw.IOError, "the disk reports an error"),
)


def connect(path: str) -> apsw.Connection:
    """A connection on which a COMMIT returns after the disk has it, and what is deleted is overwritten. Raises apsw's
    errors."""
    if path != MEMORY:
        _make_private(path)
    connection = apsw.Connection(path, statementcachesize=STATEMENTS_MAX)
    try:
        connection.set_busy_timeout(BUSY_TIMEOUT_MS)
        if path != MEMORY:
            _use_log(connection)
        connection.pragma("synchronous", "full")
        connection.pragma("secure_delete", "on")
        connection.pragma("cache_size", -CACHE_KIB)
    except apsw.Error:
        connection.close()
        raise
    return connection


def _make_private(path: str) -> None:
    """SQLite would let everybody read a new file, whose folder may be open to them."""
    with suppress(OSError):  # it is there, or SQLite will say what is wrong
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE))


def trim_log(connection: apsw.Connection) -> bool:
    """Empties the log, in which what was deleted still stands; False if somebody is reading or writing."""
    connection.set_busy_timeout(TRIM_TIMEOUT_MS)
    try:
        connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    except (apsw.BusyError, apsw.LockedError):
        return False
    finally:
        connection.set_busy_timeout(BUSY_TIMEOUT_MS)
    return True


def _use_log(connection: apsw.Connection) -> None:
    """WAL mode. Of several that switch a new file at once, SQLite sends all but one away without letting them wait,
    since they hold locks that the others need."""
    for _ in range(SWITCH_TRIES - 1):
        try:
            connection.pragma("journal_mode", "wal")
        except apsw.BusyError:
            time.sleep(SWITCH_PAUSE_S)
        else:
            return
    connection.pragma("journal_mode", "wal")


@contextmanager
def snapshot(connection: apsw.Connection) -> Iterator[None]:
    """All reads within it see the same state."""
    connection.execute("BEGIN")
    try:
        yield
    finally:
        if connection.in_transaction:
            connection.execute("COMMIT")


def unavailable(error: Exception, path: str) -> StoreUnavailable:
    """One of UNAVAILABLE in the words of the port."""
    words = next((words for kind, words in _WORDS if isinstance(error, kind)), "the database does not work")
    return StoreUnavailable(f"{words}: {path}: {error}")
