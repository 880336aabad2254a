"""Deleting what is past its time.

Events go by the week: what a purge leaves of a message in the audit trail (which holds neither addresses nor content)
is dropped with its partition. One process purges at a time; the others have nothing to do meanwhile.
"""

from collections.abc import Callable, Sequence
from typing import Final

import asyncpg
from msgspec import Struct

from everpost.model.message import Message, Removed
from everpost.model.removal import without_addresses, without_bodies
from everpost.postgres import Statement
from everpost.store.order import first_id
from everpost.store.packing import to_head
from everpost.store.port import Bounds
from everpost.store.postgres.removal import IS_OPEN, final_heads, forget_answers, rewrite
from everpost.store.postgres.rows import addresses, columns, tags

WEEKS_AHEAD: Final = 4  # partitions that are there before they are needed
LOCK_WAIT: Final = "200ms"  # nobody who writes has to wait for longer, since it can be tried again
LOCK: Final = 0x7075726765  # of the advisory lock: "purge"
_MILLISECOND_S: Final = 0.001
_NOT_HERE: Final = (
    asyncpg.LockNotAvailableError,
    asyncpg.DeadlockDetectedError,
    asyncpg.CheckViolationError,  # the week has begun meanwhile
    asyncpg.InsufficientPrivilegeError,  # another role owns the tables, and turns the weeks
)

_ALONE: Final = Statement("SELECT pg_try_advisory_xact_lock(:lock::int8) AS is_alone")
_OLD: Final = Statement(f"""
SELECT m.id FROM message m
WHERE m.id < :end AND m.created_at < :before AND NOT {IS_OPEN} ORDER BY m.id LIMIT :limit
""")
_DELETE: Final = Statement("""
WITH heads AS (
    DELETE FROM message WHERE id = ANY(:ids::text[])
), bodies AS (
    DELETE FROM body WHERE message_id = ANY(:ids::text[])
), files AS (
    DELETE FROM attachment WHERE message_id = ANY(:ids::text[])
), papers AS (
    DELETE FROM paper WHERE message_id = ANY(:ids::text[])
), walked AS (
    DELETE FROM passed WHERE message_id = ANY(:ids::text[])
), found_by AS (
    DELETE FROM recipient r USING unnest(:r_project::text[], :r_address::text[], :r_message_id::text[])
        AS k (project, address, message_id)
    WHERE r.project = k.project AND r.address = k.address AND r.message_id = k.message_id
), tagged AS (
    DELETE FROM tag t USING unnest(:t_project::text[], :t_tag::text[], :t_message_id::text[])
        AS k (project, tag, message_id)
    WHERE t.project = k.project AND t.tag = k.tag AND t.message_id = k.message_id
), late AS (
    DELETE FROM event_default WHERE message_id = ANY(:ids::text[])
), places AS (
    DELETE FROM delivery WHERE message_id = ANY(:ids::text[])
)
SELECT 1
""")
# Ids come again in tests alone; a walk that is behind its last message costs nothing.
_STEP_BACK: Final = Statement("""
UPDATE purged SET message_id = least(message_id, (SELECT coalesce(max(id), '') FROM message))
""")
_KEYS: Final = Statement("""
DELETE FROM idempotency i USING (
    SELECT scope, key FROM idempotency WHERE created_at < :before ORDER BY created_at LIMIT :limit
) AS k WHERE i.scope = k.scope AND i.key = k.key RETURNING 1
""")
_SUPPRESSIONS: Final = Statement("""
DELETE FROM suppression WHERE digest IN (
    SELECT digest FROM suppression WHERE expires_at <= :before ORDER BY expires_at, digest LIMIT :limit
) RETURNING 1
""")
_SYSTEM_EVENTS: Final = Statement("""
WITH gone AS (
    DELETE FROM event WHERE message_id = '' AND seq IN (
        SELECT seq FROM event WHERE message_id = '' AND at < :before ORDER BY seq LIMIT :limit
    ) RETURNING id
)
DELETE FROM paper p USING gone WHERE p.message_id = '' AND p.event_id = gone.id
""")
_EVENTS: Final = Statement("""
WITH papers AS (DELETE FROM paper WHERE message_id = ANY(:ids::text[]))
DELETE FROM event WHERE message_id = ANY(:ids::text[])
""")
_PAPERS: Final = Statement("""
DELETE FROM paper WHERE message_id = '' AND event_id IN (
    SELECT event_id FROM paper WHERE message_id = '' AND at < :before ORDER BY at LIMIT :limit
)
""")
_IS_TOLD: Final = "EXISTS (SELECT 1 FROM event e WHERE e.message_id = m.id) AS is_told"
_PASSED: Final = Statement(f"""
SELECT m.id, m.head, {_IS_TOLD} FROM passed p JOIN message m ON m.id = p.message_id
WHERE p.part = :part AND m.created_at < :before AND NOT {IS_OPEN} ORDER BY p.message_id LIMIT :limit
""")
_FORGET_PASSED: Final = Statement("DELETE FROM passed WHERE part = :part AND message_id = ANY(:ids::text[])")
_WALK: Final = Statement(f"""
SELECT m.id, m.created_at, m.head, {IS_OPEN} AS is_open, {_IS_TOLD} FROM message m
WHERE m.id > coalesce((SELECT message_id FROM purged WHERE part = :part), '') AND m.id < :end ORDER BY m.id LIMIT :limit
""")
_KEEP_PASSED: Final = Statement("""
INSERT INTO passed (part, message_id) SELECT :part, unnest(:ids::text[]) ON CONFLICT DO NOTHING
""")
_SAVE_WALK: Final = Statement("""
INSERT INTO purged (part, message_id) VALUES (:part, :last)
ON CONFLICT (part) DO UPDATE SET message_id = excluded.message_id
""")
_MAKE_WEEKS: Final = Statement("SELECT make_event_weeks(:now, :weeks)")
_DROP_WEEKS: Final = Statement("SELECT drop_event_weeks(:before)")


async def _is_alone(link: asyncpg.Connection) -> bool:
    row = await _ALONE.row(link, {"lock": LOCK})
    return row is not None and row["is_alone"]


def _end(before: float) -> str:
    """The ids of all messages from before then are below it."""
    return first_id(before + _MILLISECOND_S)


async def purge_messages(link: asyncpg.Connection, before: float, limit: int) -> int:
    async with link.transaction():
        if not await _is_alone(link):
            return 0
        rows = await _OLD.rows(link, {"end": _end(before), "before": before, "limit": limit})
        heads = await final_heads(link, [row["id"] for row in rows])
        ids = [head.id for head in heads]
        await forget_answers(link, ids)
        found_by = ((head.project, address, head.id) for head in heads for address in addresses(head))
        tagged = ((head.project, tag, head.id) for head in heads for tag in tags(head))
        if heads:
            await _DELETE.rows(
                link,
                {
                    "ids": ids,
                    **columns(("r_project", "r_address", "r_message_id"), found_by),
                    **columns(("t_project", "t_tag", "t_message_id"), tagged),
                },
            )
            await _STEP_BACK.rows(link, {})
    return len(heads)


async def purge_keys(link: asyncpg.Connection, before: float, limit: int) -> int:
    return len(await _KEYS.rows(link, {"before": before, "limit": limit}))


async def purge_suppressions(link: asyncpg.Connection, before: float, limit: int) -> int:
    """Those that have expired."""
    return len(await _SUPPRESSIONS.rows(link, {"before": before, "limit": limit}))


async def purge_system_events(link: asyncpg.Connection, before: float, limit: int) -> None:
    """Those that belong to no message."""
    await _SYSTEM_EVENTS.rows(link, {"before": before, "limit": limit})


async def purge_papers(link: asyncpg.Connection, before: float, limit: int) -> None:
    """Those that belong to no message."""
    await _PAPERS.rows(link, {"before": before, "limit": limit})


class Part(Struct, frozen=True):
    """Of a message, with a time of its own."""

    name: str
    is_kept: Callable[[asyncpg.Record], bool]
    """From the head, and whether there are events."""
    without: Callable[[Message, bytes], Message] | None = None  # None: it is its events


def _keeps(removed: Removed) -> Callable[[asyncpg.Record], bool]:
    return lambda row: removed not in to_head(row["head"]).removed


BODIES: Final = Part("bodies", _keeps(Removed.CONTENT), lambda message, _: without_bodies(message))
ADDRESSES: Final = Part("addresses", _keeps(Removed.RECIPIENTS), without_addresses)
EVENTS: Final = Part("events", lambda row: bool(row["is_told"]))


async def purge_part(link: asyncpg.Connection, part: Part, before: float, salt: bytes, limit: int) -> int:
    async with link.transaction():
        if not await _is_alone(link):
            return 0
        found = await _passed(link, part, before, limit)
        found += await _walked(link, part, before, limit - len(found))
        messages = await final_heads(link, found)
        again = {*found} - {message.id for message in messages}  # somebody has taken them up since they were found
        await _KEEP_PASSED.rows(link, {"part": part.name, "ids": sorted(again)})
        await _remove(link, part, messages, salt)
    return len(messages)


async def _remove(link: asyncpg.Connection, part: Part, messages: Sequence[Message], salt: bytes) -> None:
    ids = [message.id for message in messages]
    if part.without is None:
        await _EVENTS.rows(link, {"ids": ids})
        return
    await rewrite(link, [(message, part.without(message, salt)) for message in messages])
    if part is ADDRESSES:
        await forget_answers(link, ids)


async def _passed(link: asyncpg.Connection, part: Part, before: float, limit: int) -> list[str]:
    """Messages that have become final since the walk went by."""
    found: list[str] = []
    while len(found) < limit:
        wanted = {"part": part.name, "before": before, "limit": limit - len(found)}
        rows = await _PASSED.rows(link, wanted)
        if not rows:
            break
        await _FORGET_PASSED.rows(link, {"part": part.name, "ids": [row["id"] for row in rows]})
        found += [row["id"] for row in rows if part.is_kept(row)]
    return found


async def _walked(link: asyncpg.Connection, part: Part, before: float, limit: int) -> list[str]:
    """Messages that nobody has looked at since they are past their time."""
    found: list[str] = []
    while len(found) < limit:
        rows = await _WALK.rows(link, {"part": part.name, "end": _end(before), "limit": limit - len(found)})
        old = [row for row in rows if row["created_at"] < before]
        if not old:
            break
        open_ids = [row["id"] for row in old if row["is_open"]]
        await _KEEP_PASSED.rows(link, {"part": part.name, "ids": open_ids})
        await _SAVE_WALK.rows(link, {"part": part.name, "last": old[-1]["id"]})
        found += [row["id"] for row in old if not row["is_open"] and part.is_kept(row)]
    return found


async def turn_weeks(link: asyncpg.Connection, now: float, bounds: Bounds) -> None:
    """Makes the partitions of the weeks to come, and drops those of which nothing is kept. Gives way to whoever holds
    the tables: there is time until the next purge."""
    for statement, values in (
        (_MAKE_WEEKS, {"now": now, "weeks": WEEKS_AHEAD}),
        (_DROP_WEEKS, {"before": bounds.messages}),
    ):
        try:
            async with link.transaction():
                await link.execute(f"SET LOCAL lock_timeout = '{LOCK_WAIT}'")
                await statement.rows(link, values)
        except _NOT_HERE:
            return
