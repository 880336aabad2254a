"""What is done to the rows. Every function runs inside a transaction that its caller opens and commits."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import apsw

from everpost.model.change import Change, Usage
from everpost.model.delivery import Delivery, DeliveryState
from everpost.model.event import Event
from everpost.model.message import Message
from everpost.store.ledger import Key, charged
from everpost.store.port import (
    Accepted,
    Claim,
    Claimed,
    Conflict,
    Document,
    IdempotencyClaim,
    New,
    Same,
    StoreUnavailable,
    Suppression,
    Written,
)
from everpost.store.sqlite.reads import find_delivery, find_key, read_deliveries
from everpost.store.sqlite.rows import (
    DELIVERY_COLUMNS,
    EVENT_COLUMNS,
    Row,
    addresses,
    delivery_progress,
    delivery_row,
    event_rows,
    message_content,
    message_head,
    split,
    to_delivery,
    to_message,
)
from everpost.store.undo import undone

_INSERT_DELIVERY: Final = f"INSERT INTO delivery ({DELIVERY_COLUMNS}) VALUES ({', '.join('?' * 20)})"
_INSERT_EVENT: Final = f"INSERT INTO event ({EVENT_COLUMNS}) VALUES ({', '.join('?' * 8)})"
# A conflict that is ignored would still use up a number of the audit trail; a row that is never offered does not.
_INSERT_NEW_EVENT: Final = (
    f"INSERT INTO event ({EVENT_COLUMNS}) SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8"
    " WHERE NOT EXISTS (SELECT 1 FROM event WHERE message_id = ?1 AND id = ?2)"
)
_UPDATE_DELIVERY: Final = (
    "UPDATE delivery SET (state, due_at, version, attempts, rounds, account, started_at, deadline_at, asks, tried,"
    " refused, left_out, reason, provider_message_id, expires_at, updated_at)"
    f" = ({', '.join('?' * 16)}) WHERE message_id = ? AND position = ? AND version = ?"
)
_DUE: Final = (
    f"SELECT {', '.join('d.' + name for name in DELIVERY_COLUMNS.split(', '))}, m.head, m.content"
    " FROM delivery d INDEXED BY delivery_due CROSS JOIN message m ON m.project = d.project AND m.id = d.message_id"
    " WHERE d.due_at <= ? ORDER BY d.due_at, d.message_id, d.position LIMIT ?"
)
_NEXT_DUE: Final = (
    "SELECT due_at FROM delivery INDEXED BY delivery_due WHERE due_at IS NOT NULL ORDER BY due_at LIMIT 1 OFFSET ?"
)
_LEASE: Final = "UPDATE delivery SET version = version + 1, due_at = ? WHERE message_id = ? AND position = ?"


def accept(
    connection: apsw.Connection,
    message: Message,
    deliveries: Sequence[Delivery],
    events: Sequence[Event],
    claim: IdempotencyClaim | None,
) -> Accepted:
    if claim is not None:
        taken = _take_key(connection, claim, message)
        if taken is not None:
            return taken
    try:
        connection.execute(
            "INSERT INTO message (project, id, created_at, head, content) VALUES (?, ?, ?, ?, ?)",
            (message.project, message.id, message.created_at, message_head(message), message_content(message)),
        )
        connection.executemany(_INSERT_DELIVERY, map(delivery_row, deliveries))
    except apsw.ConstraintError as error:
        raise StoreUnavailable(f"the message id {message.id} is taken: a new one is needed") from error
    _append(connection, events)
    connection.executemany(
        "INSERT INTO recipient (project, address, message_id) VALUES (?, ?, ?)",
        [(message.project, address, message.id) for address in addresses(message)],
    )
    if message.tags:
        connection.executemany(
            "INSERT INTO tag (project, tag, message_id) VALUES (?, ?, ?)",
            [(message.project, tag, message.id) for tag in set(message.tags)],
        )
    return New()


def _take_key(connection: apsw.Connection, claim: IdempotencyClaim, message: Message) -> Same | Conflict | None:
    """None: the key was free and now stands for this message."""
    connection.execute(
        "INSERT INTO idempotency (scope, key, fingerprint, message_id, running_until, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (scope, key) DO NOTHING",
        (claim.scope, claim.key, claim.fingerprint, message.id, claim.running_until, message.created_at),
    )
    if connection.changes():
        return None
    return find_key(connection, claim.scope, claim.key, claim.fingerprint)


def undo(connection: apsw.Connection, message_id: str, claim: IdempotencyClaim | None, now: float) -> bool:
    """Cancels a message and frees its key; False, having changed nothing, if a delivery is already on its way."""
    deliveries = read_deliveries(connection, message_id)
    if any(delivery.state is not DeliveryState.QUEUED for delivery in deliveries):
        return False
    for delivery in deliveries:
        cancelled, event = undone(delivery, now)
        _update(connection, cancelled, delivery.version)
        _append(connection, [event])
    if claim is not None:
        connection.execute(
            "DELETE FROM idempotency WHERE scope = ? AND key = ? AND message_id = ?",
            (claim.scope, claim.key, message_id),
        )
    return True


def answer(connection: apsw.Connection, scope: str, key: str, answer: bytes) -> None:
    connection.execute("UPDATE idempotency SET answer = ? WHERE scope = ? AND key = ?", (answer, scope, key))


def claim_due(connection: apsw.Connection, now: float, lease_s: float, room: int) -> Claim:
    until = now + lease_s
    rows: list[Row] = connection.execute(_DUE, (now, room)).fetchall() if room > 0 else []
    next_due_at = connection.execute(_NEXT_DUE, (len(rows),)).get
    connection.executemany(_LEASE, [(until, row[0], row[1]) for row in rows])
    return Claim(tuple(Claimed(_leased(row, until), to_message(row[-2], row[-1])) for row in rows), next_due_at)


def _leased(row: Row, until: float) -> Delivery:
    """The delivery as it stands after its lease was written."""
    return to_delivery((*row[:5], until, row[6] + 1, *row[7:]))


def change(connection: apsw.Connection, changes: Sequence[Change]) -> list[Written]:
    """Each change whole or not at all, in order."""
    used: dict[Key, Usage] = {}
    spent: dict[Key, Usage] = {}
    events: list[Event] = []
    results = []
    for one in changes:
        for charge in one.charges:
            _load_usage(connection, used, (charge.account, charge.unit))
        after = charged(used, one.charges)
        if after is None:
            # Only the holder of the lease is told about quotas.
            results.append(Written.OVER_QUOTA if _stands(connection, one) else Written.FENCED)
        elif not _update(connection, one.delivery, one.was):
            results.append(Written.FENCED)
        else:
            used |= after
            spent |= after
            events += one.events
            results.append(Written.DONE)
    _append(connection, events)
    _save_usage(connection, spent)
    return results


def _update(connection: apsw.Connection, delivery: Delivery, was: int) -> bool:
    key = split(delivery.id)
    if key is None:
        return False
    connection.execute(_UPDATE_DELIVERY, (*delivery_progress(delivery), *key, was))
    return connection.changes() == 1


def _stands(connection: apsw.Connection, change: Change) -> bool:
    stored = find_delivery(connection, change.delivery.id)
    return stored is not None and stored.version == change.was


def _load_usage(connection: apsw.Connection, used: dict[Key, Usage], key: Key) -> None:
    if key in used:
        return
    row = connection.execute("SELECT window_at, used FROM usage WHERE account = ? AND unit = ?", key).fetchone()
    if row is not None:
        used[key] = Usage(*row)


def _save_usage(connection: apsw.Connection, used: Mapping[Key, Usage]) -> None:
    if used:
        connection.executemany(
            "INSERT INTO usage (account, unit, window_at, used) VALUES (?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET window_at = excluded.window_at, used = excluded.used",
            [(*key, usage.window_at, usage.used) for key, usage in used.items()],
        )


def _append(connection: apsw.Connection, events: Sequence[Event]) -> None:
    connection.executemany(_INSERT_EVENT, event_rows(events))


def record(connection: apsw.Connection, events: Sequence[Event]) -> None:
    connection.executemany(_INSERT_NEW_EVENT, event_rows(events))


def write_config(
    connection: apsw.Connection, name: str, value: bytes | None, was: int | None, events: Sequence[Event]
) -> Document | None:
    version = connection.execute("SELECT version FROM config WHERE name = ?", (name,)).get or 0
    if was is not None and was != version:
        return None
    _append(connection, events)
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
    connection.executemany(
        "INSERT OR REPLACE INTO suppression (project, address, reason, created_at) VALUES (?, ?, ?, ?)",
        [(one.project, one.address.lower(), one.reason, one.created_at) for one in suppressions],
    )
    _append(connection, events)


def unsuppress(connection: apsw.Connection, project: str, addresses: Iterable[str], events: Sequence[Event]) -> None:
    connection.executemany(
        "DELETE FROM suppression WHERE project = ? AND address = ?",
        [(project, address.lower()) for address in addresses],
    )
    _append(connection, events)
