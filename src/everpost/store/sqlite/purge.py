"""Deleting what is past its time. Runs inside a transaction that its caller opens and commits."""

from collections.abc import Sequence
from typing import Final

import apsw

from everpost.model.delivery import FINAL
from everpost.store.sqlite.rows import addresses, to_head

_OLDEST: Final = "SELECT n, project, id, created_at FROM message ORDER BY n"
_OPEN: Final = (
    f"SELECT 1 FROM delivery WHERE message_id = ? AND state NOT IN ({', '.join(repr(s.value) for s in sorted(FINAL))})"
)


def purge(connection: apsw.Connection, before: float, keys_before: float, limit: int) -> int:
    """Messages and keys are numbered in the order in which they came, so the oldest are found without an index."""
    old = _old_messages(connection, before, limit)
    for n, project, message_id in old:
        _delete_message(connection, n, project, message_id)
    connection.execute(
        "DELETE FROM idempotency WHERE created_at < ? AND n IN (SELECT n FROM idempotency ORDER BY n LIMIT ?)",
        (keys_before, limit),
    )
    return len(old) + connection.changes()


def _old_messages(connection: apsw.Connection, before: float, limit: int) -> Sequence[tuple[int, str, str]]:
    old: list[tuple[int, str, str]] = []
    for n, project, message_id, created_at in connection.execute(_OLDEST):
        if created_at >= before or len(old) == limit:
            break
        if connection.execute(_OPEN, (message_id,)).fetchone() is None:
            old.append((n, project, message_id))
    return old


def _delete_message(connection: apsw.Connection, n: int, project: str, message_id: str) -> None:
    message = to_head(connection.execute("SELECT head FROM message WHERE n = ?", (n,)).get)
    connection.executemany(
        "DELETE FROM recipient WHERE project = ? AND address = ? AND message_id = ?",
        [(project, address, message_id) for address in addresses(message)],
    )
    connection.executemany(
        "DELETE FROM tag WHERE project = ? AND tag = ? AND message_id = ?",
        [(project, tag, message_id) for tag in set(message.tags)],
    )
    connection.execute("DELETE FROM delivery WHERE message_id = ?", (message_id,))
    connection.execute("DELETE FROM event WHERE message_id = ?", (message_id,))
    connection.execute("DELETE FROM message WHERE n = ?", (n,))
