"""Resend's list of mails: the last that became of each."""

from collections.abc import Iterable
from typing import Final

from everpost.sandbox.events import Told

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
    return [LAST[one.what] for one in told if one.what in LAST][-1]
