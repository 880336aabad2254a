"""What is read, each by one statement, and so of one moment."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

import asyncpg

from everpost.model.change import Usage
from everpost.model.delivery import Delivery, DeliveryState
from everpost.model.event import Recorded
from everpost.model.message import Message
from everpost.model.suppression import ALL, Suppression, digest_of
from everpost.postgres import Statement
from everpost.store import uses
from everpost.store.packing import split, to_head, to_message
from everpost.store.port import Conflict, Counts, Document, Same, Stored
from everpost.store.postgres.rows import (
    DELIVERY_COLUMNS,
    EVENT_COLUMNS,
    original_text,
    stored_text,
    to_delivery,
    to_recorded,
    to_suppression,
)
from everpost.store.uses import KeyUse

_LAST: Final = chr(0x10FFFF)  # sorts behind every other character
_KEY: Final = Statement(f"SELECT {uses.COLUMNS} FROM idempotency WHERE scope = :scope AND key = :key")
_DELIVERY: Final = Statement(
    f"SELECT {DELIVERY_COLUMNS} FROM delivery WHERE message_id = :message_id AND position = :position"
)
_MESSAGE: Final = Statement(
    "SELECT head, content FROM message JOIN body ON message_id = id WHERE id = :id AND project = :project"
)
_STORED: Final = Statement("""
SELECT m.head,
    (SELECT array_agg(d ORDER BY d.position) FROM delivery d WHERE d.message_id = m.id) AS deliveries,
    (SELECT array_agg(e ORDER BY e.seq) FROM event e WHERE e.message_id = m.id) AS events
FROM unnest(:ids::text[]) WITH ORDINALITY AS i (id, n) JOIN message m ON m.id = i.id AND m.project = :project
ORDER BY i.n
""")
_EVENTS: Final = Statement(f"""
SELECT seq, {EVENT_COLUMNS} FROM event
WHERE seq > :after AND (:project::text IS NULL OR project = :project) ORDER BY seq LIMIT :limit
""")
_EVENTS_OF_MESSAGE: Final = Statement(f"""
SELECT seq, {EVENT_COLUMNS} FROM event
WHERE message_id = :message_id AND seq > :after AND (:project::text IS NULL OR project = :project)
    AND EXISTS (SELECT 1 FROM message WHERE id = :message_id)
ORDER BY seq LIMIT :limit
""")  # what a purge has left of a message goes with its week, and is nobody's business until then
_USAGE: Final = Statement("SELECT account, unit, window_at, used FROM usage")
_CONFIG: Final = Statement(
    "SELECT name, value, version FROM config WHERE starts_with(name, :prefix::text) ORDER BY name"
)
_SUPPRESSED: Final = Statement("""
SELECT a.n, s.stream, s.source, s.reason, s.created_at, s.expires_at
FROM unnest(:digests::bytea[]) WITH ORDINALITY AS a (digest, n) JOIN suppression s USING (digest) ORDER BY a.n
""")
_SUPPRESSIONS: Final = Statement("""
SELECT address, stream, source, reason, created_at, expires_at FROM suppression
WHERE project = :project AND address <> '' AND address >= :after AND (address, stream) > (:after, :after_stream)
    AND address >= :first AND address < :end
ORDER BY address, stream LIMIT :limit
""")
_REFERENCED: Final = Statement("SELECT DISTINCT name FROM attachment WHERE name = ANY(:names::text[])")
_COUNTS: Final = Statement("""
SELECT (SELECT min(due_at) FROM delivery WHERE due_at IS NOT NULL) AS oldest_due_at,
    (SELECT array_agg(ROW(state, n)) FROM tally) AS tally
""")


async def find_key(
    link: asyncpg.Connection, scope: str, key: str, fingerprint: bytes, since: float | None
) -> Same | Conflict | None:
    row = await _KEY.row(link, {"scope": stored_text(scope), "key": stored_text(key)})
    return None if row is None else KeyUse(*row).means(fingerprint, since)


async def get_message(link: asyncpg.Connection, project: str, message_id: str) -> Stored | None:
    found = await read_stored(link, project, [message_id])
    return found[0] if found else None


async def read_message(link: asyncpg.Connection, project: str, message_id: str) -> Message | None:
    row = await _MESSAGE.row(link, {"id": stored_text(message_id), "project": project})
    return None if row is None else to_message(row["head"], row["content"])


async def read_stored(link: asyncpg.Connection, project: str, ids: Sequence[str]) -> list[Stored]:
    """In the order of `ids`; those that are not of this project are left out."""
    rows = await _STORED.rows(link, {"ids": [stored_text(id_) for id_ in ids], "project": project})
    return [
        Stored(
            message=to_head(row["head"]),
            deliveries=tuple(map(to_delivery, row["deliveries"] or ())),
            events=tuple(map(to_recorded, row["events"] or ())),
        )
        for row in rows
    ]


async def find_delivery(link: asyncpg.Connection, delivery_id: str) -> Delivery | None:
    key = split(delivery_id)
    if key is None:
        return None
    row = await _DELIVERY.row(link, {"message_id": stored_text(key[0]), "position": key[1]})
    return None if row is None else to_delivery(row)


async def read_events(
    link: asyncpg.Connection, after: int, limit: int, project: str | None, message_id: str | None
) -> list[Recorded]:
    wanted = {"after": after, "limit": limit, "project": project}
    if message_id is None:
        rows = await _EVENTS.rows(link, wanted)
    else:
        rows = await _EVENTS_OF_MESSAGE.rows(link, wanted | {"message_id": stored_text(message_id)})
    return [to_recorded(row) for row in rows]


async def usage(link: asyncpg.Connection) -> Mapping[tuple[str, str], Usage]:
    rows = await _USAGE.rows(link, {})
    return {(account, unit): Usage(window_at, used) for account, unit, window_at, used in rows}


async def read_config(link: asyncpg.Connection, prefix: str) -> Mapping[str, Document]:
    rows = await _CONFIG.rows(link, {"prefix": stored_text(prefix)})
    return {original_text(name): Document(value, version) for name, value, version in rows}


async def suppressed(
    link: asyncpg.Connection, project: str, addresses: Sequence[str], stream: str
) -> list[Suppression]:
    asked = [(address, one) for address in sorted({*map(str.lower, addresses)}) for one in sorted({ALL, stream})]
    rows = await _SUPPRESSED.rows(link, {"digests": [digest_of(project, *one) for one in asked]})
    return [to_suppression(project, asked[row["n"] - 1][0], row) for row in rows]


async def list_suppressions(
    link: asyncpg.Connection, project: str, prefix: str, after: tuple[str, str], limit: int
) -> list[Suppression]:
    behind = {"after": stored_text(after[0]), "after_stream": stored_text(after[1])}
    asked = {"first": stored_text(prefix), "end": stored_text(prefix + _LAST), **behind}
    rows = await _SUPPRESSIONS.rows(link, {"project": project, "limit": limit, **asked})
    return [to_suppression(project, original_text(row["address"]), row) for row in rows]


async def referenced(link: asyncpg.Connection, names: Collection[str]) -> Collection[str]:
    return {row["name"] for row in await _REFERENCED.rows(link, {"names": list(names)})}


async def counts(link: asyncpg.Connection) -> Counts:
    row = await _COUNTS.row(link, {})
    assert row is not None  # noqa: S101  a SELECT without FROM
    tally = dict(row["tally"] or ())
    return Counts(
        accepted=tally.get("", 0),
        by_state={state.value: tally.get(state.value, 0) for state in DeliveryState},
        oldest_due_at=row["oldest_due_at"],
    )
