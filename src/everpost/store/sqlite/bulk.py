"""Statements over many rows at once.

Each step into SQLite gives Python's lock away and has to win it back from an event loop that may be busy, so a batch
takes as few steps as it can: one statement for up to ROWS_MAX rows, not one for each.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import chain
from typing import Final

import apsw

from everpost.store.sqlite.rows import Row

ROWS_MAX: Final = 64  # of one statement; a power of two
ROWS: Final = "{rows}"
_STATEMENTS_MAX: Final = 256


def execute(connection: apsw.Connection, sql: str, rows: Sequence[Row]) -> list[Row]:
    """Runs `sql` with `rows` in the place of ROWS, as a list of VALUES; returns what it finds for them all."""
    found: list[Row] = []
    for some in _pieces(rows):
        statement = _statement(sql, len(some[0]), len(some))
        found += connection.execute(statement, tuple(chain.from_iterable(some)))
    return found


def _pieces(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """Sizes are powers of two, so that few different statements have to be prepared and remembered."""
    start, size = 0, ROWS_MAX
    while start < len(rows):
        while size > len(rows) - start:
            size //= 2
        yield rows[start : start + size]
        start += size


@lru_cache(_STATEMENTS_MAX)
def _statement(sql: str, width: int, count: int) -> str:
    row = f"({', '.join('?' * width)})"
    return sql.replace(ROWS, ", ".join([row] * count))
