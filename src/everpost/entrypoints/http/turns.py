"""Work that has come, begun a little at a time, so that no turn of the event loop is long.

Whatever the loop has ready it runs before it looks at its sockets again. A hundred requests that came together would
be begun together, and whoever comes next, to be turned away in microseconds, would wait for all of them.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

BEGUN_PER_TURN: Final = 16  # requests; each takes 0.1 to 0.2 ms up to its first wait


class Turns:
    """Of the loop that first uses it."""

    def __init__(self) -> None:
        self._left = BEGUN_PER_TURN
        self._waiting: deque[Callable[[], None]] = deque()

    def begin(self, work: Callable[[], None]) -> None:
        """Runs it now if this turn still has room, else in one of the next, first come first served."""
        if self._left == BEGUN_PER_TURN:
            asyncio.get_running_loop().call_soon(self._next)
        if not self._left:
            self._waiting.append(work)
            return
        self._left -= 1
        work()

    def _next(self) -> None:
        self._left = BEGUN_PER_TURN
        for _ in range(min(len(self._waiting), BEGUN_PER_TURN)):
            self.begin(self._waiting.popleft())
