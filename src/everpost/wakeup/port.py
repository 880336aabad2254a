"""What the engine needs of wake-ups."""

from typing import Protocol


class Wakeup(Protocol):
    def nudge(self) -> None:
        """Something may be due. Never blocks, never fails."""
        ...

    async def wait(self, timeout_s: float) -> None:
        """Returns at the next nudge (or at once, if one came since the last wait), else after `timeout_s`."""
        ...
