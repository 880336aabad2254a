"""Who takes what is due: rows that somebody else is taking are passed over, so that many may do so at once."""

from typing import Final

import asyncpg

from everpost.postgres import Statement
from everpost.store.packing import to_message
from everpost.store.port import Claim, Claimed
from everpost.store.postgres.rows import to_delivery

_CLAIM: Final = Statement("""
WITH due AS MATERIALIZED (
    SELECT message_id, position, due_at AS was_due_at FROM delivery
    WHERE due_at <= :now ORDER BY due_at, message_id, position LIMIT :room
    FOR UPDATE SKIP LOCKED
), leased AS (
    UPDATE delivery d SET version = d.version + 1, due_at = :until FROM due
    WHERE d.message_id = due.message_id AND d.position = due.position
    RETURNING d.*, due.was_due_at
), next_due AS MATERIALIZED (
    SELECT due_at FROM delivery
    WHERE due_at IS NOT NULL AND (message_id, position) NOT IN (SELECT message_id, position FROM due)
    ORDER BY due_at LIMIT 1
)
SELECT l.message_id, l.position, l.project, l.state, l.due_at, l.version, l.account, l.progress, m.head, b.content,
    n.next_due_at
FROM (SELECT (SELECT due_at FROM next_due) AS next_due_at) AS n
LEFT JOIN (leased l JOIN message m ON m.id = l.message_id JOIN body b ON b.message_id = l.message_id) ON true
ORDER BY l.was_due_at, l.message_id, l.position
""")


async def claim_due(link: asyncpg.Connection, now: float, lease_s: float, room: int) -> Claim:
    rows = await _CLAIM.rows(link, {"now": now, "until": now + lease_s, "room": room})
    claimed = tuple(
        Claimed(to_delivery(row), to_message(row["head"], row["content"]))
        for row in rows
        if row["message_id"] is not None
    )
    return Claim(claimed, rows[0]["next_due_at"])
