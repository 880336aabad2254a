"""Connections whose clients are late are ended; and where there are too many, those that have been idle the longest."""

from collections.abc import Collection
from math import inf
from typing import Final, Protocol

ROOM_SHARE: Final = 16  # of all connections that one in so many makes room for, so that looking for them costs little


class Punctual(Protocol):
    """What is asked of a connection here."""

    @property
    def due_at(self) -> float:
        """When, by the loop's clock, its client must have done what is waited for; infinite while it waits for us."""
        ...

    def end_if_late(self, now: float) -> None: ...

    def end(self, why: str) -> None: ...


def sweep(connections: Collection[Punctual], now: float) -> None:
    """Ends the connections whose clients are late. To be called every second or so."""
    for connection in tuple(connections):
        connection.end_if_late(now)


def make_room(connections: Collection[Punctual]) -> None:
    """Ends some of those who have been waited for the longest: whoever has something to say has said it by now."""
    waited_for = [connection for connection in connections if connection.due_at < inf]
    waited_for.sort(key=lambda connection: connection.due_at)
    for connection in waited_for[: max(1, len(waited_for) // ROOM_SHARE)]:
        connection.end("others needed the connection")
