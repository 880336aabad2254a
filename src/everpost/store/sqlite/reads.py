"""What is read. Functions that look more than once do so within one snapshot."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

import apsw

from everpost.model.change import Usage
from everpost.model.delivery import Delivery, DeliveryState
from everpost.model.event import Recorded
from everpost.model.message import Message
from everpost.model.suppression import ALL, Suppression, digest_of
from everpost.store import uses
from everpost.store.packing import split, to_head, to_message
from everpost.store.port import Conflict, Counts, Document, Same, Stored
from everpost.store.sqlite import bulk
from everpost.store.sqlite.connection import snapshot
from everpost.store.sqlite.rows import (
    DELIVERY_COLUMNS,
    EVENT_COLUMNS,
    SUPPRESSION_COLUMNS,
    to_delivery,
    to_recorded,
    to_suppression,
)
from everpost.store.uses import KeyUse

_DELIVERIES: Final = f"SELECT {DELIVERY_COLUMNS} FROM delivery WHERE message_id = ? ORDER BY position"
_EVENTS: Final = f"SELECT seq, {EVENT_COLUMNS} FROM event"
_SUPPRESSED: Final = (
    f"SELECT v.column1, {SUPPRESSION_COLUMNS} FROM ({{rows}}) v CROSS JOIN suppression s ON s.digest = v.column2"
)
_SUPPRESSIONS: Final = (
    f"SELECT {SUPPRESSION_COLUMNS} FROM suppression WHERE project = ? AND address <> ''"
    " AND (address, stream) > (?, ?) AND address >= ? AND address < ? ORDER BY address, stream LIMIT ?"
)
_REFERENCED: Final = "SELECT v.column1 FROM ({rows}) v WHERE EXISTS (SELECT 1 FROM attachment WHERE name = v.column1)"
_LAST: Final = chr(0x10FFFF)  # sorts behind every other character


def find_key(
    connection: apsw.Connection, scope: str, key: str, fingerprint: bytes, since: float | None
) -> Same | Conflict | None:
    sql = f"SELECT {uses.COLUMNS} FROM idempotency WHERE scope = ? AND key = ?"
    row = connection.execute(sql, (scope, key)).fetchone()
    return None if row is None else KeyUse(*row).means(fingerprint, since)


def get_message(connection: apsw.Connection, project: str, message_id: str) -> Stored | None:
    with snapshot(connection):
        return read_stored(connection, project, message_id)


def read_message(connection: apsw.Connection, project: str, message_id: str) -> Message | None:
    row = connection.execute(
        "SELECT head, content FROM message WHERE project = ? AND id = ?", (project, message_id)
    ).fetchone()
    return None if row is None else to_message(*row)


def read_stored(connection: apsw.Connection, project: str, message_id: str) -> Stored | None:
    """To be read within one snapshot."""
    head = connection.execute("SELECT head FROM message WHERE project = ? AND id = ?", (project, message_id)).get
    if head is None:
        return None
    events = connection.execute(f"{_EVENTS} WHERE message_id = ? ORDER BY seq", (message_id,))
    return Stored(
        message=to_head(head),
        deliveries=read_deliveries(connection, message_id),
        events=tuple(map(to_recorded, events)),
    )


def read_deliveries(connection: apsw.Connection, message_id: str) -> tuple[Delivery, ...]:
    return tuple(map(to_delivery, connection.execute(_DELIVERIES, (message_id,))))


def find_delivery(connection: apsw.Connection, delivery_id: str) -> Delivery | None:
    key = split(delivery_id)
    if key is None:
        return None
    row = connection.execute(
        f"SELECT {DELIVERY_COLUMNS} FROM delivery WHERE message_id = ? AND position = ?", key
    ).fetchone()
    return None if row is None else to_delivery(row)


def read_events(
    connection: apsw.Connection, after: int, limit: int, project: str | None, message_id: str | None
) -> list[Recorded]:
    terms = ["seq > :after"]
    if message_id is not None:
        terms.append("message_id = :message_id")
    if project is not None:
        terms.append("project = :project")
    rows = connection.execute(
        f"{_EVENTS} WHERE {' AND '.join(terms)} ORDER BY seq LIMIT :limit",
        {"after": after, "limit": limit, "project": project, "message_id": message_id},
    )
    return list(map(to_recorded, rows))


def paper(connection: apsw.Connection, event_id: str, message_id: str | None) -> bytes | None:
    found: bytes | None = connection.execute(
        "SELECT paper FROM event WHERE message_id = ? AND id = ?", (message_id or "", event_id)
    ).get
    return found


def usage(connection: apsw.Connection) -> Mapping[tuple[str, str], Usage]:
    rows = connection.execute("SELECT account, unit, window_at, used FROM usage")
    return {(account, unit): Usage(window_at, used) for account, unit, window_at, used in rows}


def read_config(connection: apsw.Connection, prefix: str) -> Mapping[str, Document]:
    rows = connection.execute(
        "SELECT name, value, version FROM config WHERE name >= ? AND name < ? ORDER BY name", (prefix, prefix + _LAST)
    )
    return {name: Document(value, version) for name, value, version in rows}


def suppressed(connection: apsw.Connection, project: str, addresses: Sequence[str], stream: str) -> list[Suppression]:
    asked = [
        (address, digest_of(project, address, one))
        for address in sorted({*map(str.lower, addresses)})
        for one in sorted({ALL, stream})
    ]
    found = bulk.execute(connection, _SUPPRESSED, asked)
    return [to_suppression(project, (address, *row)) for address, _, *row in found]


def list_suppressions(
    connection: apsw.Connection, project: str, prefix: str, after: tuple[str, str], limit: int
) -> list[Suppression]:
    rows = connection.execute(_SUPPRESSIONS, (project, *after, prefix, prefix + _LAST, limit))
    return [to_suppression(project, row) for row in rows]


def referenced(connection: apsw.Connection, names: Collection[str]) -> Collection[str]:
    return {row[0] for row in bulk.execute(connection, _REFERENCED, [(name,) for name in names])}


def counts(connection: apsw.Connection) -> Counts:
    with snapshot(connection):
        tally = dict(connection.execute("SELECT state, n FROM tally"))
        oldest = connection.execute("SELECT min(due_at) FROM delivery WHERE due_at IS NOT NULL").get
        return Counts(
            accepted=tally[""],
            by_state={state.value: tally[state.value] for state in DeliveryState},
            oldest_due_at=oldest,
        )
