"""What is done to the rows. Every function runs inside a transaction that its caller opens and commits."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import apsw

from everpost.model.change import Change, Charge, Usage
from everpost.model.delivery import Delivery
from everpost.model.event import Event
from everpost.model.suppression import Suppression, digest_of
from everpost.store.batches import by_caller, of_different_deliveries
from everpost.store.ledger import Key, charged
from everpost.store.packing import split, to_message
from everpost.store.port import Claim, Claimed, Document, Notice, Written
from everpost.store.sqlite import bulk
from everpost.store.sqlite.rows import (
    DELIVERY_COLUMNS,
    EVENT_COLUMNS,
    PROGRESS_COLUMNS,
    SUPPRESSION_COLUMNS,
    Row,
    delivery_row,
    event_rows,
    suppression_row,
    to_delivery,
)

_INSERT_EVENT: Final = f"INSERT INTO event ({EVENT_COLUMNS}) {{rows}}"
# A conflict that is ignored would still use up a number of the audit trail; a row that is never offered does not.
_INSERT_NEW_EVENT: Final = (
    f"INSERT INTO event ({EVENT_COLUMNS}) SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8"
    " WHERE NOT EXISTS (SELECT 1 FROM event WHERE message_id = ?1 AND id = ?2)"
)
_INSERT_PAPER: Final = "UPDATE event SET paper = ? WHERE message_id = ? AND id = ?"
_FENCED: Final = (
    "SELECT v.column1 FROM ({rows}) v WHERE NOT EXISTS"
    " (SELECT 1 FROM delivery WHERE message_id = v.column2 AND position = v.column3 AND version = v.column4)"
)
_NOWHERE: Final = ("", -1)  # the key of no delivery
_UPDATE_DELIVERY: Final = (
    f"INSERT INTO delivery ({DELIVERY_COLUMNS}) {{rows}} ON CONFLICT (message_id, position) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in PROGRESS_COLUMNS)
)
_USAGE: Final = (
    "SELECT u.account, u.unit, u.window_at, u.used"
    " FROM ({rows}) v CROSS JOIN usage u ON u.account = v.column1 AND u.unit = v.column2"
)
_SAVE_USAGE: Final = (
    "INSERT INTO usage (account, unit, window_at, used) {rows}"
    " ON CONFLICT (account, unit) DO UPDATE SET window_at = excluded.window_at, used = excluded.used"
)
_DUE: Final = (
    f"SELECT {', '.join('d.' + name for name in DELIVERY_COLUMNS.split(', '))}, m.head, m.content"
    " FROM delivery d INDEXED BY delivery_due CROSS JOIN message m ON m.project = d.project AND m.id = d.message_id"
    " WHERE d.due_at <= ? ORDER BY d.due_at, d.message_id, d.position LIMIT ?"
)
_NEXT_DUE: Final = (
    "SELECT due_at FROM delivery INDEXED BY delivery_due WHERE due_at IS NOT NULL ORDER BY due_at LIMIT 1 OFFSET ?"
)
_LEASE: Final = (
    "UPDATE delivery SET version = version + 1, due_at = v.column3 FROM ({rows}) v"
    " WHERE message_id = v.column1 AND position = v.column2"
)

_SUPPRESS: Final = (
    f"INSERT OR REPLACE INTO suppression (digest, project, {SUPPRESSION_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)


def claim_due(connection: apsw.Connection, now: float, lease_s: float, room: int) -> Claim:
    until = now + lease_s
    rows: list[Row] = connection.execute(_DUE, (now, room)).fetchall() if room > 0 else []
    next_due_at = connection.execute(_NEXT_DUE, (len(rows),)).get
    bulk.execute(connection, _LEASE, [(row[0], row[1], until) for row in rows])
    return Claim(tuple(Claimed(_leased(row, until), to_message(row[-2], row[-1])) for row in rows), next_due_at)


def _leased(row: Row, until: float) -> Delivery:
    """The delivery as it stands after its lease was written."""
    return to_delivery((*row[:5], until, row[6] + 1, *row[7:]))


def change(connection: apsw.Connection, asked: Sequence[Sequence[Change]]) -> list[list[Written]]:
    """Each change whole or not at all, in order."""
    every = [one for changes in asked for one in changes]
    results: list[Written] = []
    while len(results) < len(every):
        results += _change_some(connection, of_different_deliveries(every[len(results) :]))
    return by_caller(results, asked)


def _change_some(connection: apsw.Connection, changes: Sequence[Change]) -> list[Written]:
    fenced = _fenced(connection, changes)
    used = read_usage(connection, (charge for one in changes for charge in one.charges))
    spent: dict[Key, Usage] = {}
    results = []
    for index, one in enumerate(changes):
        if index in fenced:
            results.append(Written.FENCED)  # only the holder of the lease is told about quotas
        elif (after := charged(used, one.charges)) is None:
            results.append(Written.OVER_QUOTA)
        else:
            used |= after
            spent |= after
            results.append(Written.DONE)
    done = [one for one, result in zip(changes, results, strict=True) if result is Written.DONE]
    update(connection, [one.delivery for one in done])
    append(connection, [event for one in done for event in one.events])
    save_usage(connection, spent)
    return results


def _fenced(connection: apsw.Connection, changes: Sequence[Change]) -> set[int]:
    """Where in `changes` are those whose delivery is no longer as their writer has seen it."""
    keys = ((index, split(one.delivery.id), one.was) for index, one in enumerate(changes))
    seen = [(index, *(key or _NOWHERE), was) for index, key, was in keys]
    return {row[0] for row in bulk.execute(connection, _FENCED, seen)}


def update(connection: apsw.Connection, deliveries: Sequence[Delivery]) -> None:
    """Overwrites deliveries that are known to be there."""
    bulk.execute(connection, _UPDATE_DELIVERY, [delivery_row(delivery) for delivery in deliveries])


def read_usage(connection: apsw.Connection, charges: Iterable[Charge]) -> dict[Key, Usage]:
    """What is used up of the quotas that these charges go to."""
    rows = bulk.execute(connection, _USAGE, sorted({(charge.account, charge.unit) for charge in charges}))
    return {(account, unit): Usage(window_at, used) for account, unit, window_at, used in rows}


def save_usage(connection: apsw.Connection, used: Mapping[Key, Usage]) -> None:
    bulk.execute(connection, _SAVE_USAGE, [(*key, usage.window_at, usage.used) for key, usage in used.items()])


def append(connection: apsw.Connection, events: Sequence[Event]) -> None:
    bulk.execute(connection, _INSERT_EVENT, event_rows(events))


def record(connection: apsw.Connection, events: Sequence[Event]) -> None:
    connection.executemany(_INSERT_NEW_EVENT, event_rows(events))


def note(connection: apsw.Connection, notices: Sequence[Notice]) -> list[bool]:
    return [_note(connection, notice) for notice in notices]


def _note(connection: apsw.Connection, notice: Notice) -> bool:
    event = notice.event
    record(connection, [event])
    if not connection.changes():
        return False
    if notice.paper:
        connection.execute(_INSERT_PAPER, (notice.paper, event.message_id or "", event.id))
    suppress(connection, notice.suppressions, notice.further)
    return True


def write_config(
    connection: apsw.Connection, name: str, value: bytes | None, was: int | None, events: Sequence[Event]
) -> Document | None:
    version = connection.execute("SELECT version FROM config WHERE name = ?", (name,)).get or 0
    if was is not None and was != version:
        return None
    append(connection, events)
    if value is None:
        connection.execute("DELETE FROM config WHERE name = ?", (name,))
        return Document(b"", 0)
    connection.execute(
        "INSERT INTO config (name, value, version) VALUES (?, ?, ?)"
        " ON CONFLICT DO UPDATE SET value = excluded.value, version = excluded.version",
        (name, value, version + 1),
    )
    return Document(value, version + 1)


def suppress(connection: apsw.Connection, suppressions: Iterable[Suppression], events: Sequence[Event]) -> None:
    connection.executemany(_SUPPRESS, map(suppression_row, suppressions))
    append(connection, events)


def unsuppress(
    connection: apsw.Connection, project: str, addresses: Iterable[str], events: Sequence[Event], stream: str
) -> None:
    digests = [(digest_of(project, address, stream),) for address in addresses]
    connection.executemany("DELETE FROM suppression WHERE digest = ?", digests)
    append(connection, events)
