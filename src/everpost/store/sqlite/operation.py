"""What waits its turn at a connection, and what comes of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import apsw


@dataclass(frozen=True, slots=True)
class Deadline:
    """For an operation whose caller will have gone by then."""

    not_after: float  # wall-clock time
    undo: Callable[[apsw.Connection, float], bool]
    """(connection, now): takes the operation back after it was committed; False if it is too late for that."""


RunAll = Callable[[apsw.Connection, Sequence[Any]], Sequence[Any]]
"""Inside a transaction; returns one result for each that is asked."""


@dataclass(frozen=True, slots=True)
class Single:
    run: Callable[[apsw.Connection], Any]  # inside a transaction
    deadline: Deadline | None = None
    is_large: bool = False  # as of Shared


@dataclass(frozen=True, slots=True)
class Shared:
    """One that is run together with all others of the same `run_all` in its batch, before or after the rest of it:
    those who wait at the same time can't tell."""

    run_all: RunAll
    asked: Any
    deadline: Deadline | None = None
    is_large: bool = False  # it takes its time, however prompt the disk is

    def run(self, connection: apsw.Connection) -> Any:
        [result] = self.run_all(connection, [self.asked])
        return result


Operation = Single | Shared


class Occupied(Exception):
    """It can't be done at once. Nothing was done."""


@dataclass(frozen=True, slots=True)
class Failed:
    """Nothing was changed, as far as can be told; `error` is for the operation's caller."""

    error: Exception


Result = Any
"""What an operation returned, or Failed."""
