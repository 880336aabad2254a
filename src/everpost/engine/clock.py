"""Time and chance, so that tests and the simulator can own both."""

import random
import secrets
import time
from typing import Protocol


class Clock(Protocol):
    def now(self) -> float:
        """Wall clock, seconds since the Unix epoch. May jump; nothing that keeps mail single may rest on it."""
        ...

    def monotonic(self) -> float:
        """Seconds that only ever grow, of this process."""
        ...

    def chance(self) -> float:
        """A number in [0, 1): for jitter and weights, not for secrets."""
        ...

    def entropy(self) -> int:
        """80 random bits for an id."""
        ...


class SystemClock:
    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    def chance(self) -> float:
        return random.random()  # noqa: S311  jitter is no secret

    def entropy(self) -> int:
        return secrets.randbits(80)
