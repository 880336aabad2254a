"""Deleting what is past its time. Events go by the week: what a purge leaves of a message in the audit trail (which
holds neither addresses nor content) is dropped with its partition."""

from typing import Final

import asyncpg

from everpost.model.delivery import FINAL
from everpost.postgres import Statement
from everpost.store.order import first_id
from everpost.store.postgres.rows import addresses, columns, tags, to_head

WEEKS_AHEAD: Final = 4  # partitions that are there before they are needed
LOCK_WAIT: Final = "200ms"  # nobody who writes has to wait for longer, since it can be tried again
_MILLISECOND_S: Final = 0.001

_OPEN: Final = (
    "EXISTS (SELECT 1 FROM delivery d WHERE d.message_id = m.id"
    f" AND d.state NOT IN ({', '.join(repr(state.value) for state in sorted(FINAL))}))"
)
_OLD: Final = Statement(f"""
SELECT m.id, m.head FROM message m
WHERE m.id < :end AND m.created_at < :before AND NOT {_OPEN} ORDER BY m.id LIMIT :limit
""")
_PURGE: Final = Statement(f"""
WITH old AS MATERIALIZED (
    SELECT m.id FROM message m WHERE m.id = ANY(:ids::text[]) AND NOT {_OPEN} ORDER BY m.id FOR UPDATE
), heads AS (
    DELETE FROM message m USING old WHERE m.id = old.id RETURNING 1
), bodies AS (
    DELETE FROM body b USING old WHERE b.message_id = old.id
), places AS (
    DELETE FROM delivery d USING old WHERE d.message_id = old.id
), found_by AS (
    DELETE FROM recipient r
    USING old, unnest(:r_project::text[], :r_address::text[], :r_message_id::text[]) AS k (project, address, message_id)
    WHERE k.message_id = old.id
        AND r.project = k.project AND r.address = k.address AND r.message_id = k.message_id
), tagged AS (
    DELETE FROM tag t
    USING old, unnest(:t_project::text[], :t_tag::text[], :t_message_id::text[]) AS k (project, tag, message_id)
    WHERE k.message_id = old.id AND t.project = k.project AND t.tag = k.tag AND t.message_id = k.message_id
), late AS (
    DELETE FROM event_default e USING old WHERE e.message_id = old.id
), keys AS (
    DELETE FROM idempotency i USING (
        SELECT scope, key FROM idempotency WHERE created_at < :keys_before ORDER BY created_at LIMIT :limit
        FOR UPDATE SKIP LOCKED
    ) AS k WHERE i.scope = k.scope AND i.key = k.key RETURNING 1
)
SELECT (SELECT count(*) FROM heads) + (SELECT count(*) FROM keys) AS gone
""")
_MAKE_WEEKS: Final = Statement("SELECT make_event_weeks(:now, :weeks)")
_DROP_WEEKS: Final = Statement("SELECT drop_event_weeks(:before)")


async def purge(link: asyncpg.Connection, before: float, keys_before: float, limit: int) -> int:
    end = first_id(before + _MILLISECOND_S)
    heads = [to_head(row["head"]) for row in await _OLD.rows(link, {"end": end, "before": before, "limit": limit})]
    found_by = ((head.project, address, head.id) for head in heads for address in addresses(head))
    tagged = ((head.project, tag, head.id) for head in heads for tag in tags(head))
    row = await _PURGE.row(
        link,
        {
            "ids": [head.id for head in heads],
            "keys_before": keys_before,
            "limit": limit,
            **columns(("r_project", "r_address", "r_message_id"), found_by),
            **columns(("t_project", "t_tag", "t_message_id"), tagged),
        },
    )
    return row["gone"] if row is not None else 0


async def turn_weeks(link: asyncpg.Connection, now: float, before: float) -> None:
    """Makes the partitions of the weeks to come, and drops those that were over before `before`. Gives way to whoever
    holds the tables: there is time until the next purge."""
    for statement, values in (
        (_MAKE_WEEKS, {"now": now, "weeks": WEEKS_AHEAD}),
        (_DROP_WEEKS, {"before": before}),
    ):
        try:
            async with link.transaction():
                await link.execute(f"SET LOCAL lock_timeout = '{LOCK_WAIT}'")
                await statement.rows(link, values)
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError, asyncpg.CheckViolationError):
            return
