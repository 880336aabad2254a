"""Deleting what is past its time. Each function runs inside a transaction that its caller opens and commits."""

from collections.abc import Callable, Sequence
from typing import Final

import apsw
from msgspec import Struct

from everpost.model.message import Message, Removed
from everpost.model.removal import without_addresses, without_bodies
from everpost.store.packing import to_head
from everpost.store.sqlite.removal import IS_OPEN, forget_answers, rewrite
from everpost.store.sqlite.rows import addresses

_AFTER: Final = f"SELECT m.n, m.created_at, m.head, {IS_OPEN} FROM message m WHERE m.n > ? ORDER BY m.n"
_PASSED: Final = (
    "SELECT m.n, m.head FROM passed p CROSS JOIN message m ON m.n = p.n"
    f" WHERE p.part = ? AND m.created_at < ? AND NOT {IS_OPEN} ORDER BY p.n"
)
_SAVE_WALK: Final = "INSERT INTO purged (part, n) VALUES (?, ?) ON CONFLICT DO UPDATE SET n = excluded.n"
# Numbers of deleted messages come again if they were the highest.
_STEP_BACK: Final = "UPDATE purged SET n = min(n, (SELECT coalesce(max(n), 0) FROM message))"

_Numbered = tuple[int, Message]


def purge_messages(connection: apsw.Connection, before: float, limit: int) -> int:
    """Messages are numbered in the order in which they came, so the oldest are found without an index."""
    old = _oldest(connection, before, limit)
    for n, message in old:
        _delete(connection, n, message)
    if old:
        connection.execute(_STEP_BACK)
    return len(old)


def purge_keys(connection: apsw.Connection, before: float, limit: int) -> int:
    """Numbered as messages are."""
    connection.execute(
        "DELETE FROM idempotency WHERE created_at < ? AND n IN (SELECT n FROM idempotency ORDER BY n LIMIT ?)",
        (before, limit),
    )
    return connection.changes()


def purge_suppressions(connection: apsw.Connection, before: float, limit: int) -> int:
    """Those that have expired."""
    connection.execute(
        "DELETE FROM suppression WHERE digest IN"
        " (SELECT digest FROM suppression WHERE expires_at <= ? ORDER BY expires_at, digest LIMIT ?)",
        (before, limit),
    )
    return connection.changes()


def purge_system_events(connection: apsw.Connection, before: float, limit: int) -> None:
    """Those that belong to no message."""
    connection.execute(
        "DELETE FROM event WHERE seq IN (SELECT seq FROM event WHERE message_id = '' AND at < ? ORDER BY seq LIMIT ?)",
        (before, limit),
    )


def purge_papers(connection: apsw.Connection, before: float, limit: int) -> None:
    """What came with events that belong to no message."""
    connection.execute(
        "UPDATE event SET paper = NULL WHERE seq IN (SELECT seq FROM event INDEXED BY event_other_paper"
        " WHERE message_id = '' AND paper IS NOT NULL AND at < ? ORDER BY at, seq LIMIT ?)",
        (before, limit),
    )


class Part(Struct, frozen=True):
    """Of a message, with a time of its own."""

    name: str
    is_kept: Callable[[apsw.Connection, Message], bool]
    remove: Callable[[apsw.Connection, int, Message, bytes], None]


def _has_bodies(_: apsw.Connection, message: Message) -> bool:
    return Removed.CONTENT not in message.removed


def _remove_bodies(connection: apsw.Connection, n: int, message: Message, _: bytes) -> None:
    rewrite(connection, n, message, without_bodies(message))


def _has_addresses(_: apsw.Connection, message: Message) -> bool:
    return Removed.RECIPIENTS not in message.removed


def _remove_addresses(connection: apsw.Connection, n: int, message: Message, salt: bytes) -> None:
    rewrite(connection, n, message, without_addresses(message, salt))
    forget_answers(connection, [message.id])


def _has_events(connection: apsw.Connection, message: Message) -> bool:
    return connection.execute("SELECT 1 FROM event WHERE message_id = ? LIMIT 1", (message.id,)).get is not None


def _remove_events(connection: apsw.Connection, _n: int, message: Message, _: bytes) -> None:
    connection.execute("DELETE FROM event WHERE message_id = ?", (message.id,))


BODIES: Final = Part("bodies", _has_bodies, _remove_bodies)
ADDRESSES: Final = Part("addresses", _has_addresses, _remove_addresses)
EVENTS: Final = Part("events", _has_events, _remove_events)


def purge_part(connection: apsw.Connection, part: Part, before: float, salt: bytes, limit: int) -> int:
    found = _passed(connection, part, before, limit)
    found += _walked(connection, part, before, limit - len(found))
    for n, message in found:
        part.remove(connection, n, message, salt)
    return len(found)


def _passed(connection: apsw.Connection, part: Part, before: float, limit: int) -> list[_Numbered]:
    """Messages that have become final since the walk went by."""
    found: list[_Numbered] = []
    seen = []
    for n, head in connection.execute(_PASSED, (part.name, before)):
        if len(found) == limit:
            break
        seen.append((n, part.name))
        message = to_head(head)
        if part.is_kept(connection, message):
            found.append((n, message))
    connection.executemany("DELETE FROM passed WHERE n = ? AND part = ?", seen)
    return found


def _walked(connection: apsw.Connection, part: Part, before: float, limit: int) -> list[_Numbered]:
    """Messages that nobody has looked at since they are past their time."""
    start = last = connection.execute("SELECT n FROM purged WHERE part = ?", (part.name,)).get or 0
    found: list[_Numbered] = []
    passed = []
    for n, created_at, head, is_open in connection.execute(_AFTER, (start,)):
        if created_at >= before or len(found) == limit:
            break
        last = n
        if is_open:
            passed.append((n, part.name))
        elif part.is_kept(connection, message := to_head(head)):
            found.append((n, message))
    connection.executemany("INSERT INTO passed (n, part) VALUES (?, ?)", passed)
    if last > start:
        connection.execute(_SAVE_WALK, (part.name, last))
    return found


def _oldest(connection: apsw.Connection, before: float, limit: int) -> Sequence[_Numbered]:
    old: list[_Numbered] = []
    for n, created_at, head, is_open in connection.execute(_AFTER, (0,)):
        if created_at >= before or len(old) == limit:
            break
        if not is_open:
            old.append((n, to_head(head)))
    return old


def _delete(connection: apsw.Connection, n: int, message: Message) -> None:
    project, id_ = message.project, message.id
    connection.executemany(
        "DELETE FROM recipient WHERE project = ? AND address = ? AND message_id = ?",
        [(project, address, id_) for address in addresses(message)],
    )
    connection.executemany(
        "DELETE FROM tag WHERE project = ? AND tag = ? AND message_id = ?",
        [(project, tag, id_) for tag in set(message.tags)],
    )
    for table in _OF_MESSAGE:
        connection.execute(f"DELETE FROM {table} WHERE message_id = ?", (id_,))
    forget_answers(connection, [id_])
    connection.execute("DELETE FROM passed WHERE n = ?", (n,))
    connection.execute("DELETE FROM message WHERE n = ?", (n,))


_OF_MESSAGE: Final = ("delivery", "event", "attachment")
