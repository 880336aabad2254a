"""Small writes with their events: documents, suppressions, and answers that are kept."""

from collections.abc import Sequence
from typing import Final

import asyncpg

from everpost.model.event import Event
from everpost.model.suppression import Suppression, digest_of
from everpost.postgres import Statement
from everpost.store.port import Document
from everpost.store.postgres import parts
from everpost.store.postgres.rows import NEWER_SUPPRESSION, SUPPRESSION_COLUMNS, columns, stored_text, suppression_row

_VOUCH: Final = Statement("""
UPDATE idempotency SET is_told = true WHERE scope = :scope AND key = :key AND message_id = :message_id RETURNING 1
""")
_ANSWER: Final = Statement("UPDATE idempotency SET answer = :answer WHERE scope = :scope AND key = :key")
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
    INSERT INTO suppression ({SUPPRESSION_COLUMNS})
    SELECT * FROM unnest({parts.SUPPRESSIONS})
    ON CONFLICT (digest) DO UPDATE SET {NEWER_SUPPRESSION}
    RETURNING 1
), {parts.TOLD}
SELECT count(*) FROM written
""")
_UNSUPPRESS: Final = Statement(f"""
WITH written AS (
    DELETE FROM suppression WHERE digest = ANY(:digests::bytea[]) RETURNING 1
), {parts.TOLD}
SELECT count(*) FROM written
""")
_SUPPRESSION: Final = [f"s_{name}" for name in SUPPRESSION_COLUMNS.split(", ")]


async def vouch(link: asyncpg.Connection, scope: str, key: str, message_id: str) -> bool:
    values = {"scope": stored_text(scope), "key": stored_text(key), "message_id": message_id}
    return await _VOUCH.row(link, values) is not None


async def answer(link: asyncpg.Connection, scope: str, key: str, told: bytes) -> None:
    await _ANSWER.rows(link, {"scope": stored_text(scope), "key": stored_text(key), "answer": told})


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
    """In an order that is the same for all, so that two of them never wait for each other."""
    last = {digest_of(one.project, one.address, one.stream): one for one in suppressions}
    rows = (suppression_row(one) for _, one in sorted(last.items()))
    await _SUPPRESS.rows(link, {**columns(_SUPPRESSION, rows), **parts.events(events)})


async def unsuppress(
    link: asyncpg.Connection, project: str, addresses: Sequence[str], events: Sequence[Event], stream: str
) -> None:
    digests = sorted({digest_of(project, address, stream) for address in addresses})
    await _UNSUPPRESS.rows(link, {"digests": digests, **parts.events(events)})
