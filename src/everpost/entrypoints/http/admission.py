"""How much mail is taken in at once. What is beyond is refused before anything is done for it.

A process that takes in all that comes does less and less of it: every request makes all others wait, until those who
have sent them are gone. So few are worked on at a time, enough for the disk to be shared; short bursts may wait, a
standing queue may not. Callers who wait for a hand-over are counted apart, and so are the bytes that all bring.
"""

import logging
import time
from collections.abc import Callable, Sequence
from typing import Final

from everpost.model.limits import (
    ACCEPTING_BURST_MAX,
    ACCEPTING_MAX,
    BODIES_BYTES_MAX,
    BODY_BYTES_MAX,
    WAITING_BYTES_MAX,
    WAITING_CALLERS_MAX,
)

BURST_REGAINED: Final = 50.0  # a second: of the room for bursts
TELL_S: Final = 10.0  # between two log lines while requests are refused
_log = logging.getLogger(__name__)


class Permit:
    """Of one request, to be worked on. It has to leave, and may do so twice."""

    __slots__ = ("_admission", "_is_waiting", "_size", "is_over")

    def __init__(self, admission: "Admission", size: int) -> None:
        self._admission = admission
        self._size = size
        self._is_waiting = False
        self.is_over = False

    def wait(self) -> bool:
        """From now on it is one of those who wait for a hand-over; False: too many do."""
        admission = self._admission
        if self._is_waiting or self.is_over:
            return self._is_waiting
        if admission.waiting >= WAITING_CALLERS_MAX or admission.waiting_bytes + self._size > WAITING_BYTES_MAX:
            return False
        self._is_waiting = True
        admission.accepting -= 1
        admission.waiting += 1
        admission.waiting_bytes += self._size
        return True

    def leave(self) -> None:
        if self.is_over:
            return
        self.is_over = True
        admission = self._admission
        admission.body_bytes -= self._size
        if self._is_waiting:
            admission.waiting -= 1
            admission.waiting_bytes -= self._size
        else:
            admission.accepting -= 1


class Admission:
    """Of one process."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self.accepting = 0  # requests whose mail is being stored
        self.waiting = 0  # requests that wait for a hand-over
        self.body_bytes = 0  # of all of them, as announced
        self.waiting_bytes = 0  # of those that wait
        self._burst = float(ACCEPTING_BURST_MAX)
        self._burst_at = now()
        self._refused = 0  # since it was told
        self._told_at: float | None = None

    def enter(self, size: int) -> Permit | None:
        """None: there is too much to do already. `size`: bytes of the body, as announced."""
        is_full = self.accepting >= ACCEPTING_MAX + ACCEPTING_BURST_MAX
        is_full = is_full or (self.accepting >= ACCEPTING_MAX and not self._burst_left())
        if is_full or self.body_bytes + size > BODIES_BYTES_MAX:
            self._tell()
            return None
        self.accepting += 1
        self.body_bytes += size
        return Permit(self, size)

    def _burst_left(self) -> bool:
        now = self._now()
        self._burst = min(self._burst + (now - self._burst_at) * BURST_REGAINED, ACCEPTING_BURST_MAX)
        self._burst_at = now
        if self._burst < 1.0:
            return False
        self._burst -= 1.0
        return True

    def _tell(self) -> None:
        self._refused += 1
        now = self._now()
        if self._told_at is None or now - self._told_at >= TELL_S:
            _log.warning("overloaded: requests are refused", extra={"count": self._refused})
            self._told_at, self._refused = now, 0


def size_of(headers: Sequence[tuple[bytes, bytes]]) -> int:
    """What a body may hold at most, by its headers; one whose length is not announced may be as large as any."""
    for name, value in headers:
        if name == b"content-length":
            return min(int(value), BODY_BYTES_MAX) if value.isdigit() else BODY_BYTES_MAX
        if name == b"transfer-encoding":
            return BODY_BYTES_MAX
    return 0
