"""What can go wrong between Everpost and PostgreSQL, by what may be believed of the statement that met it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import asyncpg


class Fault(Exception):
    """Something is wrong with the server, the way to it, or the moment."""


class Unreachable(Fault):
    """There is no connection. Nothing was done."""


class Lost(Fault):
    """The connection went while the statement ran: it may have been done, and may still be."""


class Refused(Fault):
    """The server can't do it now. Nothing was done."""


class Conflict(Fault):
    """Somebody else was first. Nothing was done; whoever looks again finds out how things stand."""

    def __init__(self, message: str, constraint: str | None) -> None:
        super().__init__(message)
        self.constraint = constraint  # whose uniqueness was in the way, if it was that


_CONFLICTS: Final = ("40001", "40P01", "23505")  # serialisation failure, deadlock, unique violation

# By the beginning of their codes, https://www.postgresql.org/docs/current/errcodes-appendix.html: the server's end may
# be told after the commit, so such an answer says nothing of the statement.
_ENDS: Final = ("08", "57P")
_STATES: Final = {
    "25006": "the server is read-only (a standby?)",
    "53100": "the server's disk is full",
    "53200": "the server is out of memory",
    "53300": "the server has no connection left",
    "55P03": "somebody holds a lock for too long",
    "57014": "the server took too long",
    "28": "the server refuses the login",
    "3D000": "the database does not exist",
    "42501": "the role lacks a right",
    "25": "the transaction was ended by the server",
    "53": "the server lacks resources",
    "54": "a limit of the server is exceeded",
    "58": "the server reports an error of its system",
    "F0": "the server's configuration is broken",
    "XX": "the server reports an error of its own",
}
_GONE: Final = (asyncpg.InternalClientError, OSError, EOFError, TimeoutError)
"""The first one: asyncpg was about to use a connection whose end it had not yet read to the end."""


@contextmanager
def told() -> Iterator[None]:
    """Turns what asyncpg raises into one of the faults above. What is wrong with a statement's values is let through:
    it is for whoever has asked."""
    try:
        yield
    except asyncpg.DataError:
        raise
    except asyncpg.PostgresError as error:
        fault = _fault(error)
        if fault is None:
            raise
        raise fault from error
    except asyncpg.InterfaceError as error:
        if isinstance(error, ValueError):  # a value that does not fit its type
            raise
        raise Lost(f"the connection to PostgreSQL is gone: {error}") from error
    except _GONE as error:
        raise Lost(f"the connection to PostgreSQL is gone: {error or type(error).__name__}") from error


def _fault(error: asyncpg.PostgresError) -> Fault | None:
    code = error.sqlstate or ""
    if code in _CONFLICTS:
        return Conflict(str(error), getattr(error, "constraint_name", None))
    if code.startswith(_ENDS):
        return Lost(f"PostgreSQL has ended the connection: {error}")
    words = next((words for start, words in _STATES.items() if code.startswith(start)), None)
    return Refused(f"{words}: {error}") if words else None


def words_of(error: BaseException) -> str:
    """Why there is no connection."""
    code = getattr(error, "sqlstate", None) or ""
    words = next((words for start, words in _STATES.items() if code.startswith(start)), None)
    text = str(error) or type(error).__name__
    return f"{words}: {text}" if words else text
