"""How the commits of a store go, for whoever counts them."""

from collections.abc import Callable
from typing import Final, Protocol


class Commits(Protocol):
    """Told by whatever thread commits: it never waits and never raises."""

    def committed(self, took_s: float, operations: int) -> None:
        """So many operations are durable by one commit, which took so long from its beginning."""
        ...

    def watch_waiting(self, count: Callable[[], int]) -> None:
        """How many operations wait for a commit is asked by `count`, from any thread."""
        ...


class Uncounted:
    """Nobody counts."""

    def committed(self, took_s: float, operations: int) -> None: ...

    def watch_waiting(self, count: Callable[[], int]) -> None: ...


UNCOUNTED: Final = Uncounted()
