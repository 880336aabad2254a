"""Small writes with their events: documents, suppressions, answers, and facts of no delivery."""

from collections.abc import Sequence
from typing import Final

import asyncpg

from everpost.model.event import Event
from everpost.postgres import Statement
from everpost.store.port import Document, Suppression
from everpost.store.postgres import parts
from everpost.store.postgres.rows import columns, stored_text

_ANSWER: Final = Statement("UPDATE idempotency SET answer = :answer WHERE scope = :scope AND key = :key")
_TELL: Final = Statement(f"WITH {parts.TOLD} SELECT 1")
_LOCK: Final = Statement("SELECT seq FROM journal FOR UPDATE")
_KNOWN: Final = Statement("""
SELECT e.message_id, e.id FROM event e
JOIN unnest(:e_message_id::text[], :e_id::text[]) AS k (message_id, id) USING (message_id, id)
""")
_CREATE: Final = Statement(f"""
WITH written AS (
    INSERT INTO config (name, value, version) VALUES (:name, :value, 1) ON CONFLICT (name) DO NOTHING RETURNING version
), {parts.TOLD}
SELECT held(EXISTS (SELECT 1 FROM written)), 1::int8 AS version
""")
_REPLACE: Final = Statement(f"""
WITH written AS (
    UPDATE config SET value = :value, version = version + 1 WHERE name = :name AND version = :was RETURNING version
), {parts.TOLD}
SELECT held(EXISTS (SELECT 1 FROM written)), (SELECT version FROM written) AS version
""")
_PUT: Final = Statement(f"""
WITH written AS (
    INSERT INTO config AS c (name, value, version) VALUES (:name, :value, 1)
    ON CONFLICT (name) DO UPDATE SET value = excluded.value, version = c.version + 1 RETURNING version
), {parts.TOLD}
SELECT version FROM written
""")
_DELETE: Final = Statement(f"""
WITH written AS (
    DELETE FROM config WHERE name = :name AND (:was::int8 IS NULL OR version = :was::int8) RETURNING 1
), {parts.TOLD}
SELECT held(
    :was::int8 IS NULL OR EXISTS (SELECT 1 FROM written)
    OR (:was::int8 = 0 AND NOT EXISTS (SELECT 1 FROM config WHERE name = :name))
), 0::int8 AS version
""")
_SUPPRESS: Final = Statement(f"""
WITH written AS (
    INSERT INTO suppression (project, address, reason, created_at)
    SELECT * FROM unnest(:project::text[], :address::text[], :reason::text[], :created_at::float8[])
    ON CONFLICT (project, address) DO UPDATE SET reason = excluded.reason, created_at = excluded.created_at
), {parts.TOLD}
SELECT 1
""")
_UNSUPPRESS: Final = Statement(f"""
WITH written AS (
    DELETE FROM suppression WHERE project = :project AND address = ANY(:addresses::text[])
), {parts.TOLD}
SELECT 1
""")


async def answer(link: asyncpg.Connection, scope: str, key: str, told: bytes) -> None:
    await _ANSWER.rows(link, {"scope": stored_text(scope), "key": stored_text(key), "answer": told})


async def record(link: asyncpg.Connection, events: Sequence[Event]) -> None:
    """In two steps under the journal's lock, since nobody may tell a fact between the look and the writing."""
    fresh: dict[tuple[str, str], Event] = {}
    for event in events:
        fresh.setdefault((event.message_id or "", stored_text(event.id)), event)
    async with link.transaction():
        await _LOCK.rows(link, {})
        known = await _KNOWN.rows(link, parts.events(events))
        for message_id, id_ in known:
            fresh.pop((message_id, id_), None)
        await _TELL.rows(link, parts.events(fresh.values()))


async def write_config(
    link: asyncpg.Connection, name: str, value: bytes | None, was: int | None, events: Sequence[Event]
) -> Document | None:
    statement = _DELETE if value is None else {None: _PUT, 0: _CREATE}.get(was, _REPLACE)
    values = {"name": stored_text(name), "value": value, "was": was, **parts.events(events)}
    try:
        row = await statement.row(link, values)
    except asyncpg.SerializationError:
        return None
    assert row is not None  # noqa: S101  each of them tells a version
    return Document(value or b"", row["version"])


async def suppress(link: asyncpg.Connection, suppressions: Sequence[Suppression], events: Sequence[Event]) -> None:
    rows = {(one.project, stored_text(one.address.lower())): one for one in suppressions}
    written = ((*key, stored_text(one.reason), one.created_at) for key, one in sorted(rows.items()))
    named = columns(("project", "address", "reason", "created_at"), written)
    await _SUPPRESS.rows(link, {**named, **parts.events(events)})


async def unsuppress(link: asyncpg.Connection, project: str, addresses: Sequence[str], events: Sequence[Event]) -> None:
    lowered = [stored_text(address.lower()) for address in addresses]
    await _UNSUPPRESS.rows(link, {"project": project, "addresses": lowered, **parts.events(events)})
