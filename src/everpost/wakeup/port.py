"""What the engine needs of wake-ups: within its process, and from one process to the others."""

from collections.abc import Callable
from enum import StrEnum
from typing import Final, Protocol

LOOK_S: Final = 5.0
"""Whoever hands over mail looks for it at least this often by himself: what is due later needs no wake-up."""


class Wakeup(Protocol):
    def nudge(self) -> None:
        """Something may be due. Never blocks, never fails."""
        ...

    async def wait(self, timeout_s: float) -> bool:
        """Returns at the next nudge (or at once, if one came since the last wait), else after `timeout_s`: whether
        there was one."""
        ...


class Topic(StrEnum):
    """What there may be for others."""

    DUE = "due"  # deliveries
    NEWS = "news"  # events, for the sinks


class Peers(Protocol):
    """The other processes over the same store. What they are not told, and what they do not hear, they find by looking:
    that costs seconds, never mail."""

    pause_s: float
    """After telling them: what comes up meanwhile is told at once."""

    async def tell(self, topic: Topic, in_s: float = 0.0) -> None:
        """There is something for them in so many seconds. Returns soon, and never fails."""
        ...

    async def hear(self, heard: Callable[[Topic], None]) -> None:
        """Until cancelled: `heard` is called for what others tell, and for every topic when something may have been
        missed. Not for what this process tells. Never fails."""
        ...

    async def close(self) -> None: ...
