"""Taking parts of messages away. Every function runs inside a transaction that its caller opens and commits."""

from collections.abc import Iterable
from typing import Final

import apsw
from msgspec.structs import replace

from everpost.model.delivery import FINAL
from everpost.model.event import Event
from everpost.model.message import Message, Removed
from everpost.model.removal import without_address
from everpost.store.packing import message_content, message_head, to_head
from everpost.store.sqlite.rows import Row, addresses
from everpost.store.sqlite.writes import append

IS_OPEN: Final = (
    "EXISTS (SELECT 1 FROM delivery d WHERE d.message_id = m.id"
    f" AND d.state NOT IN ({', '.join(repr(state.value) for state in sorted(FINAL))}))"
)
_NAMED: Final = (
    "SELECT m.n, m.head FROM recipient r CROSS JOIN message m ON m.project = r.project AND m.id = r.message_id"
    f" WHERE r.project = ? AND r.address = ? AND NOT {IS_OPEN} ORDER BY r.message_id DESC LIMIT ?"
)
_FORGET_SUPPRESSED: Final = "UPDATE suppression SET address = '' WHERE project = ? AND address = ? AND address <> ''"
_INSERT_RECIPIENT: Final = "INSERT INTO recipient (project, address, message_id) VALUES (?, ?, ?)"
_DELETE_RECIPIENT: Final = "DELETE FROM recipient WHERE project = ? AND address = ? AND message_id = ?"


def erase(connection: apsw.Connection, project: str, address: str, token: str, event: Event, limit: int) -> int:
    found: list[Row] = connection.execute(_NAMED, (project, address.lower(), limit)).fetchall()
    for n, head in found:
        before = to_head(head)
        rewrite(connection, n, before, without_address(before, address, token))
        forget_answers(connection, [before.id])
    connection.execute(_FORGET_SUPPRESSED, (project, address.lower()))
    if found or connection.changes():
        append(connection, [replace(event, data={**event.data, "messages": len(found)})])
    return len(found)


def rewrite(connection: apsw.Connection, n: int, before: Message, after: Message) -> None:
    """A message of which a part has gone, with what it is found by, and without the papers, which may repeat it."""
    if Removed.CONTENT in after.removed:
        content = message_content(after)
        connection.execute("UPDATE message SET head = ?, content = ? WHERE n = ?", (message_head(after), content, n))
        connection.execute("DELETE FROM attachment WHERE message_id = ?", (after.id,))
    else:
        connection.execute("UPDATE message SET head = ? WHERE n = ?", (message_head(after), n))
    connection.execute("UPDATE event SET paper = NULL WHERE message_id = ? AND paper IS NOT NULL", (after.id,))
    were, are = addresses(before), addresses(after)
    connection.executemany(_DELETE_RECIPIENT, [(before.project, gone, before.id) for gone in sorted(were - are)])
    connection.executemany(_INSERT_RECIPIENT, [(before.project, new, before.id) for new in sorted(are - were)])


def forget_answers(connection: apsw.Connection, message_ids: Iterable[str]) -> None:
    """They repeat the addresses of their mail."""
    connection.executemany(
        "UPDATE idempotency SET answer = NULL WHERE message_id = ? AND answer IS NOT NULL",
        [(message_id,) for message_id in message_ids],
    )
