"""Taking parts of messages away. Every function runs inside a transaction that its caller opens and commits.

What is taken from a message that is final may not go while somebody makes it one that is not: its deliveries are locked
first, and only then it is read.
"""

from collections.abc import Iterable, Sequence
from typing import Final

import asyncpg
from msgspec.structs import replace

from everpost.model.delivery import FINAL
from everpost.model.event import Event
from everpost.model.message import Message, Removed
from everpost.model.removal import without_address
from everpost.postgres import Statement
from everpost.store.packing import message_content, message_head, to_head
from everpost.store.postgres import parts
from everpost.store.postgres.rows import addresses, columns, stored_text

_FINAL: Final = ", ".join(repr(state.value) for state in sorted(FINAL))
IS_OPEN: Final = f"EXISTS (SELECT 1 FROM delivery d WHERE d.message_id = m.id AND d.state NOT IN ({_FINAL}))"

_LOCK: Final = Statement("""
SELECT 1 FROM delivery WHERE message_id = ANY(:ids::text[]) ORDER BY message_id, position FOR UPDATE
""")
_HEADS: Final = Statement(
    f"SELECT m.head FROM message m WHERE m.id = ANY(:ids::text[]) AND NOT {IS_OPEN} ORDER BY m.id"
)
_NAMED: Final = Statement(f"""
SELECT m.id FROM recipient r JOIN message m ON m.id = r.message_id
WHERE r.project = :project AND r.address = :address AND NOT {IS_OPEN} ORDER BY r.message_id DESC LIMIT :limit
""")
_REWRITE: Final = Statement("""
WITH head AS (
    UPDATE message m SET head = w.head FROM unnest(:ids::text[], :heads::bytea[]) AS w (id, head) WHERE m.id = w.id
), content AS (
    UPDATE body b SET content = w.content FROM unnest(:emptied::text[], :contents::bytea[]) AS w (id, content)
    WHERE b.message_id = w.id
), files AS (
    DELETE FROM attachment WHERE message_id = ANY(:emptied::text[])
), papers AS (
    DELETE FROM paper WHERE message_id = ANY(:ids::text[])
), lost AS (
    DELETE FROM recipient r USING unnest(:lost_project::text[], :lost_address::text[], :lost_id::text[])
        AS w (project, address, message_id)
    WHERE r.project = w.project AND r.address = w.address AND r.message_id = w.message_id
), found AS (
    INSERT INTO recipient (project, address, message_id)
    SELECT * FROM unnest(:found_project::text[], :found_address::text[], :found_id::text[])
)
SELECT 1
""")
_FORGET_ANSWERS: Final = Statement("""
UPDATE idempotency SET answer = NULL WHERE message_id = ANY(:ids::text[]) AND answer IS NOT NULL
""")
_FORGET_SUPPRESSED: Final = Statement("""
UPDATE suppression SET address = '' WHERE project = :project AND address = :address AND address <> '' RETURNING 1
""")
_TELL: Final = Statement(f"WITH {parts.TOLD} SELECT 1")


async def erase(link: asyncpg.Connection, project: str, address: str, token: str, event: Event, limit: int) -> int:
    async with link.transaction():
        named = {"project": project, "address": stored_text(address.lower()), "limit": limit}
        before = await final_heads(link, [row["id"] for row in await _NAMED.rows(link, named)])
        await rewrite(link, [(message, without_address(message, address, token)) for message in before])
        await forget_answers(link, [message.id for message in before])
        forgotten = await _FORGET_SUPPRESSED.rows(link, {"project": project, "address": stored_text(address.lower())})
        if before or forgotten:
            told = replace(event, data={**event.data, "messages": len(before)})
            await _TELL.rows(link, parts.events([told]))
    return len(before)


async def final_heads(link: asyncpg.Connection, ids: Sequence[str]) -> list[Message]:
    """Those of these messages that are final, and stay so to the end of the transaction."""
    await _LOCK.rows(link, {"ids": ids})
    return [to_head(row["head"]) for row in await _HEADS.rows(link, {"ids": ids})]


async def rewrite(link: asyncpg.Connection, messages: Sequence[tuple[Message, Message]]) -> None:
    """Messages of which a part has gone, each as it was and as it is, with what they are found by, and without the
    papers, which may repeat it."""
    emptied = [after for _, after in messages if Removed.CONTENT in after.removed]
    await _REWRITE.rows(
        link,
        {
            "ids": [after.id for _, after in messages],
            "heads": [message_head(after) for _, after in messages],
            "emptied": [after.id for after in emptied],
            "contents": [message_content(after) for after in emptied],
            **_recipients(
                "lost", ((before, set(addresses(before)) - set(addresses(after))) for before, after in messages)
            ),
            **_recipients(
                "found", ((after, set(addresses(after)) - set(addresses(before))) for before, after in messages)
            ),
        },
    )


def _recipients(name: str, of: Iterable[tuple[Message, set[str]]]) -> parts.Values:
    rows = ((message.project, address, message.id) for message, found in of for address in sorted(found))
    return columns((f"{name}_project", f"{name}_address", f"{name}_id"), rows)


async def forget_answers(link: asyncpg.Connection, ids: Sequence[str]) -> None:
    """They repeat the addresses of their mail."""
    await _FORGET_ANSWERS.rows(link, {"ids": ids})
