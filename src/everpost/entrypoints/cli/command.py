"""What a command is, and how it ends."""

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from everpost.entrypoints.cli.screen import Screen

OK: Final = 0
FAILED: Final = 1
USAGE: Final = 2


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
