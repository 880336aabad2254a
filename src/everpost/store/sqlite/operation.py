"""What waits its turn at a connection, and what comes of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import apsw


@dataclass(frozen=True, slots=True)
class Deadline:
    """For an operation whose caller will have gone by then."""

    not_after: float  # wall-clock time
    undo: Callable[[apsw.Connection, float], bool]
    """(connection, now): takes the operation back after it was committed; False if it is too late for that."""


@dataclass(frozen=True, slots=True)
class Operation:
    run: Callable[[apsw.Connection], Any]  # inside a transaction
    deadline: Deadline | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """Nothing was changed, as far as can be told; `error` is for the operation's caller."""

    error: Exception


Result = Any
"""What an operation returned, or Failed."""
