"""What a command is, and how it ends."""

import time
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from everpost.entrypoints.cli.screen import Screen

OK: Final = 0
FAILED: Final = 1
USAGE: Final = 2
INSTANT: Final = "2030-01-31T09:00:00Z, or so long ago: 90m, 6h, 2d"
"""What `instant` reads, as help tells it."""
_UNITS_S: Final = {"m": 60.0, "h": 3600.0, "d": 86_400.0}


class Command(NamedTuple):
    arguments: "Callable[[ArgumentParser], None]"
    run: "Callable[[Namespace, Screen], int]"  # returns the exit code


def whole(least: int, most: int) -> "Callable[[str], int]":
    """Reads an argument that is a whole number of that range."""

    def read(text: str) -> int:
        if not text.isdecimal() or not least <= int(text) <= most:
            raise ArgumentTypeError(f"{text!r} is not a whole number from {least} to {most}")
        return int(text)

    return read


def instant(text: str) -> float:
    """Reads an argument that is a time, in seconds since 1970. Without a zone it is UTC."""
    if text[-1:] in _UNITS_S and text[:-1].isascii() and text[:-1].isdecimal():
        return time.time() - int(text[:-1]) * _UNITS_S[text[-1]]
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is neither a time nor a duration such as 90m, 6h or 2d") from None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def unread(error: OSError | UnicodeDecodeError) -> str:
    """Why a file can't be read, without its name and the number of the error."""
    return (isinstance(error, OSError) and error.strerror) or str(error)


class Stop(Exception):
    """The command can't go on: what a person is told instead of its result."""

    def __init__(
        self, message: str, hint: str = "", code: int = FAILED, *, error: str = "", details: Sequence[str] = ()
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code
        self.error = error  # the problem's stable code, where a server said one
        self.details = tuple(details)
