"""What one mail adds to what is known of how promptly an account's mail is delivered. Mails come in any order.

An account is held against its own past: what receiving servers make of its mail is a matter of what it sends and to
whom, and no figure would be right for all. It has become slow when far fewer of its latest mails are prompt than usual,
by more than chance may bring about.
"""

from math import sqrt
from typing import Final

from msgspec.structs import replace

from everpost.health.port import Report, Sign
from everpost.model.account import Delivering, Heard, Promptness

HEARD: Final = {
    Sign.PROMPT: Promptness.PROMPT,
    Sign.LATE: Promptness.LATE,
    Sign.SILENT: Promptness.SILENT,
}
WINDOW: Final = 20  # the latest mails, by which an account is judged
RECOVERED: Final = 10  # the latest of these, by which it is let go again …
RECOVERED_SHARE: Final = 0.8  # … when so much of what is usual is prompt
PART: Final = 0.5  # of what is usual: less than that is slow …
SIGMAS: Final = 4.0  # … unless chance may bring it about, once in some ten thousand times
LEARNED: Final = 100  # mails over which what is usual is learned
LEARNED_SLOW: Final = 5000  # the same while it is slow: else an outage of an hour would be what is usual


def heard(delivering: Delivering, report: Report) -> Delivering:
    """`delivering` and this mail."""
    what = HEARD[report.sign]
    latest = sorted((*delivering.heard, Heard(report.at, what)), key=lambda one: one.accepted_at)[-WINDOW:]
    asked_at = report.at + report.after_s
    after = replace(
        delivering,
        heard=tuple(latest),
        heard_at=max(asked_at, delivering.heard_at or asked_at),
        usual=_usual(delivering, what),
        mails=delivering.mails + 1,
    )
    return _slower(after) if delivering.slow_since is None else _recovered(after)


def slow_below(usual: float) -> float:
    """The share of prompt mails below which an account is slow; 0 or less: it can't be told from chance."""
    return min(PART * usual, usual - SIGMAS * sqrt(usual * (1.0 - usual) / WINDOW))


def _usual(delivering: Delivering, what: Promptness) -> float:
    learned = min(delivering.mails + 1, LEARNED) if delivering.slow_since is None else LEARNED_SLOW
    return delivering.usual + ((what is Promptness.PROMPT) - delivering.usual) / learned


def _slower(delivering: Delivering) -> Delivering:
    share = delivering.share
    if len(delivering.heard) < WINDOW or share is None or share >= slow_below(delivering.usual):
        return delivering
    first = next(one for one in delivering.heard if one.what is not Promptness.PROMPT)
    return replace(delivering, slow_since=first.accepted_at)


def _recovered(delivering: Delivering) -> Delivering:
    """What it was judged by goes: else the next slow mail would be judged together with these."""
    latest = replace(delivering, heard=delivering.heard[-RECOVERED:])
    share = latest.share
    is_as_usual = share is not None and share >= RECOVERED_SHARE * delivering.usual
    return replace(latest, slow_since=None) if is_as_usual else delivering
