"""The tables, as numbered files of SQL that only go forward. A released file is never edited: a change is a new file.

Two versions of Everpost run side by side while they are exchanged: one works with the schema of its own version and
with the next one. So a migration first adds what the new version needs, and what nobody needs any more goes with the
version after that.
"""

import asyncio
import re
import time
from collections.abc import Callable, Sequence
from functools import lru_cache
from importlib import resources
from typing import Final

import asyncpg
from msgspec import Struct

from everpost.postgres import Fault, Refused, Server
from everpost.postgres.faults import told
from everpost.store.port import StoreUnavailable
from everpost.store.postgres.purge import WEEKS_AHEAD

LOCK: Final = 0x65766572706F7374  # of the advisory lock: "everpost"
LOCK_WAIT: Final = "1s"  # others work on; a migration that finds no gap between them comes back
TRIES: Final = 60  # for such a gap
PAUSE_S: Final = 0.5
STATEMENT_TIMEOUT: Final = "1h"  # an index over many rows takes its time
ALONE: Final = "-- alone"  # the first line of a file whose one statement can't run in a transaction
AHEAD_MAX: Final = 1  # versions that a schema may be ahead of the code

_FILE: Final = re.compile(r"(\d{4})_[a-z_]+\.sql")


class Migration(Struct, frozen=True):
    number: int
    name: str
    sql: str

    @property
    def is_alone(self) -> bool:
        return self.sql.startswith(ALONE)


@lru_cache(1)
def migrations() -> Sequence[Migration]:
    """In their order; number k stands at place k - 1."""
    folder = resources.files("everpost.store.postgres") / "migrations"
    named = sorted((file.name, file) for file in folder.iterdir() if _FILE.fullmatch(file.name))
    found = tuple(Migration(int(name[:4]), name, file.read_text()) for name, file in named)
    assert [each.number for each in found] == list(range(1, len(found) + 1))  # noqa: S101  ours, and shipped
    return found


async def version_of(link: asyncpg.Connection) -> int:
    """How many migrations have run; 0: the database is empty."""
    if await link.fetchval("SELECT to_regclass('migration')") is None:
        return 0
    version: int = await link.fetchval("SELECT coalesce(max(number), 0) FROM migration")
    return version


def check(version: int) -> None:
    """Raises StoreUnavailable if this Everpost can't work with a schema of that version."""
    own = len(migrations())
    if version < own:
        raise StoreUnavailable(
            f"the database is of schema version {version}, and this Everpost needs version {own}:"
            " run `everpost migrate`"
        )
    if version > own + AHEAD_MAX:
        raise StoreUnavailable(
            f"the database is of schema version {version}, made by a newer Everpost; this one knows versions up to "
            f"{own} and works with {own + AHEAD_MAX}: start a newer one"
        )


async def migrate(server: Server, tell: Callable[[str], None] = lambda _: None) -> int:
    """Brings the database to the newest version, while others work with it, and tells the name of each migration that
    has run; returns how many that were. Any number
    of processes may do so at once: one of them does it. Raises StoreUnavailable."""
    try:
        link = await server.connect(statement_timeout=STATEMENT_TIMEOUT, lock_timeout=LOCK_WAIT)
        try:
            with told():
                return await _migrate(link, tell)
        finally:
            await link.close()
    except Fault as fault:
        raise StoreUnavailable(f"the database can't be migrated: {fault}") from fault


async def _migrate(link: asyncpg.Connection, tell: Callable[[str], None]) -> int:
    await _take_lock(link)
    before = await version_of(link)
    if before > len(migrations()):
        check(before)
    for migration in migrations()[before:]:
        await _patiently(link, migration)
        tell(migration.name)
    await link.execute("SELECT make_event_weeks($1, $2)", time.time(), WEEKS_AHEAD)
    return max(len(migrations()) - before, 0)


async def _take_lock(link: asyncpg.Connection) -> None:
    """By asking again and again: who waited inside a statement would hold up an index that is built CONCURRENTLY."""
    for _ in range(TRIES):
        if await link.fetchval("SELECT pg_try_advisory_lock($1)", LOCK):
            return
        await asyncio.sleep(PAUSE_S)
    raise Refused("another process has been migrating the database for too long")


async def _patiently(link: asyncpg.Connection, migration: Migration) -> None:
    for _ in range(TRIES - 1):
        try:
            await _run(link, migration)
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
            await asyncio.sleep(PAUSE_S)
        else:
            return
    await _run(link, migration)


async def _run(link: asyncpg.Connection, migration: Migration) -> None:
    if migration.is_alone:
        await link.execute(migration.sql)
        await _note(link, migration)
        return
    async with link.transaction():
        await link.execute(migration.sql)
        await _note(link, migration)


async def _note(link: asyncpg.Connection, migration: Migration) -> None:
    await link.execute(
        "INSERT INTO migration (number, name, ran_at) VALUES ($1, $2, $3)",
        migration.number,
        migration.name,
        time.time(),
    )
