"""A store that looks as if so many mails had gone through it: copies of the one that it holds, by SQL."""

from pathlib import Path
from typing import BinaryIO

import apsw

CHUNK = 100_000
CACHE_KB = 1_000_000
ID = "printf('em_%026d', value)"
CHANGED = {
    "message": {"id": ID},
    "delivery": {"message_id": ID, "due_at": "due_at + value"},
    "event": {"message_id": ID, "id": f"{ID} || substr(id, 30)", "delivery_id": f"{ID} || substr(delivery_id, 30)"},
    "tag": {"message_id": ID},
    "recipient": {"message_id": ID, "address": "value || address"},
    "idempotency": {"message_id": ID, "key": "lower(hex(randomblob(16)))"},
}
"""By table: the columns in which one mail differs from another; the rest is copied."""
NUMBERED = {"n", "seq"}
NUMBERS = (
    "WITH RECURSIVE numbers (value) AS (SELECT :first UNION ALL SELECT value + 1 FROM numbers WHERE value < :last)"
)
INTERIOR = (2, 5)  # kinds of pages that have children
HEADER_BYTES = 100  # of the file, in its first page


def fill(database: Path, number: int) -> None:
    """Copies the one mail of a database that often. Nobody else may have it open."""
    connection = apsw.Connection(str(database))
    for name, value in (("journal_mode", "off"), ("synchronous", "off"), ("cache_size", -CACHE_KB)):
        connection.pragma(name, value)
    statements = [_copying(connection, table) for table in CHANGED if _exists(connection, table)]
    triggers = list(connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"))
    for name, _ in triggers:  # they count row by row
        connection.execute(f"DROP TRIGGER {name}")
    for first in range(1, number + 1, CHUNK):
        with connection:
            for statement in statements:
                connection.execute(statement, {"first": first, "last": min(number, first + CHUNK - 1)})
    for _, sql in triggers:
        connection.execute(sql)
    if _exists(connection, "tally"):
        [state] = connection.execute("SELECT state FROM delivery LIMIT 1").fetchone()
        connection.execute("UPDATE tally SET n = n + ? WHERE state IN ('', ?)", (number, state))
    connection.pragma("journal_mode", "wal")
    connection.close()


def _exists(connection: apsw.Connection, table: str) -> bool:
    found = connection.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (table,))
    return found.fetchone() is not None


def _copying(connection: apsw.Connection, table: str) -> str:
    """The statement that copies the rows of the first mail. They are found by its id, which is greater than all of
    the copies' ids."""
    changed = CHANGED[table]
    names = [row[1] for row in connection.execute(f"PRAGMA table_info({table})") if row[1] not in NUMBERED]
    column = "message_id" if "message_id" in names else "id"
    [mail] = connection.execute("SELECT max(id) FROM message").fetchone()
    connection.execute(f"CREATE TEMP TABLE first_{table} AS SELECT * FROM {table} WHERE {column} = '{mail}'")
    values = ", ".join(changed.get(name, name) for name in names)
    return f"{NUMBERS} INSERT INTO {table} ({', '.join(names)}) SELECT {values} FROM numbers, first_{table}"


def depths(database: Path) -> dict[str, int]:
    """By table or index: how many pages lie on the way from its root to a row. Nobody may have it open."""
    connection = apsw.Connection(str(database))
    connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    trees = list(connection.execute("SELECT name, rootpage FROM sqlite_master WHERE rootpage > 0 ORDER BY name"))
    size = int(connection.pragma("page_size"))
    connection.close()
    with database.open("rb") as file:
        return {name: _depth(file, size, root) for name, root in trees}


def _depth(file: BinaryIO, size: int, root: int) -> int:
    """Along the first child of each page, as SQLite's file format has it; all ways are equally long."""
    page, levels = root, 1
    while True:
        file.seek((page - 1) * size)
        data = file.read(size)
        head = HEADER_BYTES if page == 1 else 0
        if data[head] not in INTERIOR:
            return levels
        cell = int.from_bytes(data[head + 12 : head + 14], "big")
        page = int.from_bytes(data[cell : cell + 4], "big")
        levels += 1
