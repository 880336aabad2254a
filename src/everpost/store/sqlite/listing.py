"""Lists of messages. SQLite is told which index to walk, since it keeps no statistics of what is rare."""

from typing import Final

import apsw

from everpost.store import selection
from everpost.store.port import Filter, Stored
from everpost.store.sqlite.connection import snapshot
from everpost.store.sqlite.reads import read_stored

_HINTS: Final = {index: f" INDEXED BY {index}" for index in ("delivery_rare", "delivery_due")}


def list_messages(connection: apsw.Connection, by: Filter, before: str | None, limit: int) -> list[Stored]:
    sql = selection.statement(by, before, _HINTS)
    with snapshot(connection):
        ids = [row[0] for row in connection.execute(sql, selection.values(by, before, limit))]
        found = (read_stored(connection, by.project, id_) for id_ in ids)
        return [stored for stored in found if stored is not None]
