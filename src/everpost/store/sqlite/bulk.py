"""Statements over many rows at once.

Each step into SQLite gives Python's lock away and has to win it back from an event loop that may be busy, so a batch
takes as few steps as it can: one statement for up to ROWS_MAX rows, not one for each.
"""

from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from typing import Final

import apsw

from everpost.store.sqlite.rows import Row

ROWS_MAX: Final = 64  # of one statement; a power of two
ROWS: Final = "{rows}"
_STATEMENTS_MAX: Final = 256


def execute(connection: apsw.Connection, sql: str, rows: Sequence[Row]) -> list[Row]:
    """Runs `sql` with a SELECT of `rows` in the place of ROWS; returns what it finds for them all. Their columns are
    column1, column2, …; the first one of a row is never NULL."""
    found: list[Row] = []
    for start in range(0, len(rows), ROWS_MAX):
        some = rows[start : start + ROWS_MAX]
        width, count = len(some[0]), 1 << (len(some) - 1).bit_length()
        nothing = (None,) * width * (count - len(some))
        found += connection.execute(_statement(sql, width, count), (*chain.from_iterable(some), *nothing))
    return found


@lru_cache(_STATEMENTS_MAX)
def _statement(sql: str, width: int, count: int) -> str:
    """Counts are powers of two, filled up with rows of NULL, so that few statements have to be prepared and kept."""
    row = f"({', '.join('?' * width)})"
    return sql.replace(ROWS, f"SELECT * FROM (VALUES {', '.join([row] * count)}) WHERE column1 IS NOT NULL")
