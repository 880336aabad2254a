"""Values to rows and back."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from everpost.model.delivery import Delivery, DeliveryState
from everpost.model.event import Event, EventType, Recorded
from everpost.model.message import Message
from everpost.model.suppression import Suppression, digest_of, source_of

Row = tuple[Any, ...]

DELIVERY_COLUMNS: Final = (
    "message_id, position, project, created_at, state, due_at, version, attempts, rounds, account, started_at,"
    " deadline_at, asks, tried, refused, left_out, reason, provider_message_id, expires_at, updated_at"
)
PROGRESS_COLUMNS: Final = DELIVERY_COLUMNS.split(", ")[4:]
"""What changes in the life of a delivery."""
SUPPRESSION_COLUMNS: Final = "address, stream, source, reason, created_at, expires_at"
EVENT_COLUMNS: Final = "message_id, id, type, at, project, delivery_id, account, data"

_STATES: Final = {state.value: state for state in DeliveryState}  # twice as fast as the enum's own look-up
_TYPES: Final = {type_.value: type_ for type_ in EventType}
_NAMES = msgspec.json.Decoder(tuple[str, ...])
_PLACES = msgspec.json.Decoder(tuple[int, ...])
_DATA = msgspec.json.Decoder(dict[str, Any])
_JSON = msgspec.json.Encoder()


def addresses(message: Message) -> set[str]:
    """What the message is found by."""
    return {address.email.lower() for address in message.recipients}


def delivery_row(delivery: Delivery) -> Row:
    """In the order of DELIVERY_COLUMNS."""
    message_id, _, position = delivery.id.partition(".")
    return (
        message_id,
        int(position),
        delivery.project,
        delivery.created_at,
        delivery.state.value,
        delivery.due_at,
        delivery.version,
        delivery.attempts,
        delivery.rounds,
        delivery.account,
        delivery.started_at,
        delivery.deadline_at,
        delivery.asks,
        _JSON.encode(delivery.tried) if delivery.tried else None,
        _JSON.encode(delivery.refused) if delivery.refused else None,
        _JSON.encode(delivery.left_out) if delivery.left_out else None,
        delivery.reason,
        delivery.provider_message_id,
        delivery.expires_at,
        delivery.updated_at,
    )


def to_delivery(row: Row) -> Delivery:
    return Delivery(
        id=f"{row[0]}.{row[1]}",
        message_id=row[0],
        project=row[2],
        created_at=row[3],
        state=_STATES[row[4]],
        due_at=row[5],
        version=row[6],
        attempts=row[7],
        rounds=row[8],
        account=row[9],
        started_at=row[10],
        deadline_at=row[11],
        asks=row[12],
        tried=_NAMES.decode(row[13]) if row[13] else (),
        refused=_NAMES.decode(row[14]) if row[14] else (),
        left_out=_PLACES.decode(row[15]) if row[15] else (),
        reason=row[16],
        provider_message_id=row[17],
        expires_at=row[18],
        updated_at=row[19],
    )


def event_rows(events: Sequence[Event]) -> list[Row]:
    """In the order of EVENT_COLUMNS."""
    return [
        (
            event.message_id or "",
            event.id,
            event.type.value,
            event.at,
            event.project,
            event.delivery_id,
            event.account,
            _JSON.encode(event.data) if event.data else None,
        )
        for event in events
    ]


def to_recorded(row: Row) -> Recorded:
    """From `seq` and EVENT_COLUMNS."""
    event = Event(
        message_id=row[1] or None,
        id=row[2],
        type=_TYPES[row[3]],
        at=row[4],
        project=row[5],
        delivery_id=row[6],
        account=row[7],
        data=_DATA.decode(row[8]) if row[8] else {},
    )
    return Recorded(row[0], event)


def suppression_row(one: Suppression) -> Row:
    """Its digest and project, and what follows in the order of SUPPRESSION_COLUMNS."""
    digest = digest_of(one.project, one.address, one.stream)
    kept = (one.address.lower(), one.stream, one.source.value, one.reason, one.created_at, one.expires_at)
    return (digest, one.project, *kept)


def to_suppression(project: str, row: Row) -> Suppression:
    """From SUPPRESSION_COLUMNS."""
    address, stream, source, reason, created_at, expires_at = row
    return Suppression(
        project=project,
        address=address,
        stream=stream,
        source=source_of(source, reason),
        reason=reason,
        created_at=created_at,
        expires_at=expires_at,
    )
