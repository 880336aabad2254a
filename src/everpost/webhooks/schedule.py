"""When an event is tried again, and when a webhook is left alone."""

from typing import Final

PAUSES_S: Final = (5.0, 300.0, 1800.0, 7200.0, 18_000.0, 36_000.0, 50_400.0, 72_000.0, 86_400.0)
"""After the first attempt, the second, …: 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h. Ten attempts over more
than three days."""
JITTER: Final = 0.2  # a pause is longer by up to this part, so that what failed together does not come back together

RESTS_AFTER: Final = 5  # failures in a row: from then on it is tried by one event at a time, after a rest
REST_S_MIN: Final = 5.0
REST_S_MAX: Final = 300.0
_DOUBLINGS_MAX: Final = 10

RETRY_AFTER_S_MAX: Final = 3600.0  # what a receiver asks for is honoured up to an hour


def pause_s(tried: int, chance: float) -> float | None:
    """Until the next attempt, after so many; None: there is none. `chance` is from 0 to 1."""
    if tried > len(PAUSES_S):
        return None
    return PAUSES_S[tried - 1] * (1.0 + JITTER * chance)


def rest_s(failures: int, chance: float) -> float:
    """How long a webhook is left alone after so many failures in a row: doubled each time, and bounded."""
    if failures < RESTS_AFTER:
        return 0.0
    doublings = min(failures - RESTS_AFTER, _DOUBLINGS_MAX)
    return min(REST_S_MIN * (1 << doublings), REST_S_MAX) * (1.0 + JITTER * chance)
