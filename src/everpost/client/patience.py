"""How long a call goes on, and what is tried again: decided here, without clock or chance."""

from typing import Final

from msgspec import Struct

FIRST_PAUSE_S: Final = 0.2
PAUSE_S_MAX: Final = 5.0
AGAIN: Final = frozenset({408, 429, 500, 502, 503, 504})
RUNNING: Final = "idempotency_running"  # the first try is still being worked on, and its answer to be had later


class Patience(Struct, frozen=True):
    """`try_s`: a try is given up when for so long not a byte has come. `deadline_s`: no try begins later. The time that
    the server was asked to wait (`wait_s`) comes on top of both."""

    deadline_s: float = 30.0
    try_s: float = 10.0

    def pause_s(self, failures: int, asked_s: float | None, left_s: float, chance: float) -> float | None:
        """How long to wait before the next try; None: it would come too late. Twice as long each time, and by chance
        (0 to 1) up to a half shorter, so that many clients don't come at once; but as long as the server asks for."""
        if asked_s is None:
            pause_s = min(FIRST_PAUSE_S * 2 ** min(failures - 1, 10), PAUSE_S_MAX) * (1 - chance / 2)
        else:
            pause_s = asked_s
        return pause_s if pause_s < left_s else None
