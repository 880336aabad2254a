"""What a command is, and how it ends."""

from argparse import ArgumentParser, Namespace
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
