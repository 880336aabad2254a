"""When to ask a provider what became of an attempt, and when its "I have it not" is proof.

Absence is believed only when it was seen twice, so far apart that a request which was still on its way at the first
look must have become visible by the second. The distance is measured on one process's monotonic clock, so that no
jump of a wall clock can make an early "not found" count.
"""

from typing import Final

from everpost.model.account import Account
from everpost.model.delivery import Delivery

_PAUSES_S: Final = (0.5, 1.5, 3.0, 5.0, 10.0, 20.0, 30.0)
PAUSE_S_MIN: Final = _PAUSES_S[0]
PAUSE_S_MAX: Final = 60.0
CLOCK_OFF_S_MAX: Final = 25 * 3600.0  # how wrong a clock may have been that dated an attempt: it has jumped by a day
START_S: Final = 5.0  # from the decision to the first byte, beyond the time to connect: the intent must be stored


def budget_s(account: Account) -> float:
    """The longest that an attempt can take, from the decision to the end of its answer."""
    return START_S + account.timeouts.total_s


def open_s(attempt: Delivery, within_s: float) -> float:
    """How long an attempt that nobody can be asked about must be watched before it is given up: not at all once its
    worker has told that it has ended. Else that worker may only seem lost, to a clock that has jumped, and its answer
    still come."""
    return min(within_s, _allowed_s(attempt) or 0.0)


def patience_s(attempt: Delivery, account: Account, lag_s: float) -> float:
    """How far apart the two looks must be: the longest that the attempt can take, plus the provider's own lag."""
    lag = account.lookup_lag_s if account.lookup_lag_s is not None else lag_s
    allowed_s = _allowed_s(attempt)
    return lag + (budget_s(account) if allowed_s is None else allowed_s)


def _allowed_s(attempt: Delivery) -> float | None:
    """The longest that the attempt can take, as the process that has begun it has counted: the one that asks may have
    another configuration, or be of another version. None: its worker has told that it has ended."""
    if attempt.deadline_at is None:
        return None
    return attempt.deadline_at - (attempt.started_at or attempt.created_at)


def is_proof(first_absent_at: float | None, now: float, needed_s: float) -> bool:
    """Both instants are monotonic, of the same process; None: this is the first look that found nothing."""
    return first_absent_at is not None and now - first_absent_at >= needed_s


def is_over(age_s: float, watched_s: float, within_s: float, needed_s: float) -> bool:
    """Whether to stop looking for certainty, `age_s` after the attempt began. The age is by a wall clock that may have
    jumped, so this process must also have watched the attempt for as long as proof takes, or as its sender allows."""
    return age_s >= within_s and watched_s >= min(within_s, needed_s)


def pause_s(asks: int, first_absent_at: float | None, now: float, needed_s: float) -> float:
    """How long until the next question: soon at first, since a mail that arrived shows up early; and exactly when
    its absence would be proof."""
    usual = _PAUSES_S[asks] if asks < len(_PAUSES_S) else PAUSE_S_MAX
    if first_absent_at is None:
        return usual
    left = first_absent_at + needed_s - now
    return min(usual, left) if left > 0 else usual
