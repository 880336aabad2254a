"""Values to rows and back.

PostgreSQL's texts hold no NUL and no half of a surrogate pair. The former is written as an escape; whoever hands in the
latter gets the error of the encoder, before anybody else's rows have been touched.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

import asyncpg
import msgspec
from msgspec import Struct

from everpost.model.delivery import Delivery, DeliveryState
from everpost.model.event import Event, EventType, Recorded
from everpost.model.message import Message
from everpost.model.suppression import Suppression, digest_of, source_of

Row = tuple[Any, ...]

DELIVERY_COLUMNS: Final = "message_id, position, project, state, due_at, version, account, progress"
SUPPRESSION_COLUMNS: Final = "digest, project, address, stream, source, reason, created_at, expires_at"
NEWER_SUPPRESSION: Final = ", ".join(
    f"{name} = excluded.{name}" for name in SUPPRESSION_COLUMNS.split(", ") if name not in {"digest", "project"}
)
EVENT_COLUMNS: Final = "message_id, id, type, at, project, delivery_id, account, data"

_STATES: Final = {state.value: state for state in DeliveryState}  # twice as fast as the enum's own look-up
_TYPES: Final = {type_.value: type_ for type_ in EventType}
_ESCAPE: Final = "\x1b"  # stands before what it escapes: itself, or a NUL, written as 0
_ESCAPED: Final = re.compile(f"{_ESCAPE}(.)", re.DOTALL)


class _Progress(Struct, array_like=True, frozen=True):
    """Of a delivery, what nobody looks for. New fields come at the end and have a default, so that the version before
    can read what this one has written, and the other way round."""

    created_at: float
    updated_at: float
    expires_at: float
    attempts: int
    rounds: int
    started_at: float | None
    deadline_at: float | None
    asks: int
    tried: tuple[str, ...]
    refused: tuple[str, ...]
    left_out: tuple[int, ...]
    reason: str
    provider_message_id: str | None


_PACK = msgspec.msgpack.Encoder()
_JSON = msgspec.json.Encoder()
_PROGRESS = msgspec.msgpack.Decoder(_Progress)
_DATA = msgspec.json.Decoder(dict[str, Any])


def stored_text(text: str) -> str:
    """As it can lie in a column."""
    if _ESCAPE not in text and "\0" not in text:
        return text
    return text.replace(_ESCAPE, 2 * _ESCAPE).replace("\0", _ESCAPE + "0")


def original_text(text: str) -> str:
    if _ESCAPE not in text:
        return text
    return _ESCAPED.sub(lambda match: "\0" if match[1] == "0" else match[1], text)


def addresses(message: Message) -> list[str]:
    """What the message is found by."""
    return sorted({stored_text(address.email.lower()) for address in message.recipients})


def tags(message: Message) -> list[str]:
    return sorted({stored_text(tag) for tag in message.tags})


def delivery_row(delivery: Delivery) -> Row:
    """In the order of DELIVERY_COLUMNS."""
    message_id, _, position = delivery.id.partition(".")
    progress = _Progress(
        delivery.created_at,
        delivery.updated_at,
        delivery.expires_at,
        delivery.attempts,
        delivery.rounds,
        delivery.started_at,
        delivery.deadline_at,
        delivery.asks,
        delivery.tried,
        delivery.refused,
        delivery.left_out,
        delivery.reason,
        delivery.provider_message_id,
    )
    return (
        message_id,
        int(position),
        delivery.project,
        delivery.state.value,
        delivery.due_at,
        delivery.version,
        delivery.account,
        _PACK.encode(progress),
    )


def to_delivery(row: asyncpg.Record) -> Delivery:
    progress = _PROGRESS.decode(row["progress"])
    return Delivery(
        id=f"{row['message_id']}.{row['position']}",
        message_id=row["message_id"],
        project=row["project"],
        state=_STATES[row["state"]],
        due_at=row["due_at"],
        version=row["version"],
        account=row["account"],
        created_at=progress.created_at,
        updated_at=progress.updated_at,
        expires_at=progress.expires_at,
        attempts=progress.attempts,
        rounds=progress.rounds,
        started_at=progress.started_at,
        deadline_at=progress.deadline_at,
        asks=progress.asks,
        tried=progress.tried,
        refused=progress.refused,
        left_out=progress.left_out,
        reason=progress.reason,
        provider_message_id=progress.provider_message_id,
    )


def event_row(event: Event) -> Row:
    """In the order of EVENT_COLUMNS."""
    return (
        event.message_id or "",
        stored_text(event.id),
        event.type.value,
        event.at,
        event.project,
        event.delivery_id,
        event.account,
        _JSON.encode(event.data).decode() if event.data else None,
    )


def to_recorded(row: asyncpg.Record) -> Recorded:
    event = Event(
        message_id=row["message_id"] or None,
        id=original_text(row["id"]),
        type=_TYPES[row["type"]],
        at=row["at"],
        project=row["project"],
        delivery_id=row["delivery_id"],
        account=row["account"],
        data=_DATA.decode(row["data"]) if row["data"] else {},
    )
    return Recorded(row["seq"], event)


def suppression_row(suppression: Suppression) -> Row:
    """In the order of SUPPRESSION_COLUMNS."""
    return (
        digest_of(suppression.project, suppression.address, suppression.stream),
        suppression.project,
        stored_text(suppression.address.lower()),
        stored_text(suppression.stream),
        suppression.source.value,
        stored_text(suppression.reason),
        suppression.created_at,
        suppression.expires_at,
    )


def to_suppression(project: str, address: str, row: asyncpg.Record) -> Suppression:
    """Who asks by the address knows it, whether it is kept or not."""
    reason = original_text(row["reason"])
    return Suppression(
        project=project,
        address=address,
        stream=original_text(row["stream"]),
        source=source_of(row["source"], reason),
        reason=reason,
        created_at=row["created_at"],
        expires_at=row["expires_at"],
    )


def columns(names: Sequence[str], rows: Iterable[Row]) -> dict[str, list[Any]]:
    """Rows as one list a column, as statements over many rows want them; also when there is no row."""
    turned: list[list[Any]] = [list(column) for column in zip(*rows, strict=True)]
    return dict(zip(names, turned or [[] for _ in names], strict=True))
