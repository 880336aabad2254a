"""Lists of messages."""

import asyncpg

from everpost.postgres import Statement
from everpost.store import selection
from everpost.store.port import Filter, Stored
from everpost.store.postgres.reads import read_stored
from everpost.store.postgres.rows import stored_text


async def list_messages(link: asyncpg.Connection, by: Filter, before: str | None, limit: int) -> list[Stored]:
    asked = selection.values(by, before, limit).items()
    values = {name: stored_text(value) if isinstance(value, str) else value for name, value in asked}
    rows = await Statement(selection.statement(by, before)).rows(link, values)
    return await read_stored(link, by.project, [row["id"] for row in rows])
