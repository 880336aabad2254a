"""Resend's list of mails: the last that became of each."""

from collections.abc import Iterable
from typing import Final

from everpost.sandbox.events import Told
from everpost.sandbox.fates import fate

LAST: Final = {
    "queued": "sent",
    "deferred": "delivery_delayed",
    "delivered": "delivered",
    "bounced": "bounced",
    "refused": "bounced",
    "rejected": "suppressed",
    "complained": "complained",
    "opened": "opened",
}


def last_of(told: Iterable[Told]) -> str:
    """`told`: the oldest first."""
    return [LAST[what] for what in map(fate, told) if what in LAST][-1]
