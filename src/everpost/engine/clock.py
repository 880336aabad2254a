"""Time and chance, so that tests and the simulator can own both."""

import os
import random
import time
from typing import Final, Protocol

_ID_BYTES: Final = 10  # 80 bits
_IDS_AT_ONCE: Final = 256


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
    """The machine's own. Random bits are fetched for many ids at once: a call of the kernel for each would cost more
    than all else that goes into an id."""

    def __init__(self) -> None:
        self._bits = b""
        self._used = 0

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    def chance(self) -> float:
        return random.random()  # noqa: S311  jitter is no secret

    def entropy(self) -> int:
        if self._used == len(self._bits):
            self._bits, self._used = os.urandom(_IDS_AT_ONCE * _ID_BYTES), 0
        self._used += _ID_BYTES
        return int.from_bytes(self._bits[self._used - _ID_BYTES : self._used], "big")
