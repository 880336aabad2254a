"""SendGrid's email logs: a line for each recipient, and the events of one of them."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from everpost.sandbox.events import Told
from everpost.sandbox.fates import fate
from everpost.sandbox.sendgrid.events import SendGridTeller, event_of

STATUSES: Final[Mapping[str, str]] = {
    "queued": "processed",
    "deferred": "deferred",
    "delivered": "delivered",
    "bounced": "bounced",
    "refused": "blocked",
    "rejected": "dropped",
}


def status_of(told: Sequence[Told]) -> str:
    """`told`: of one recipient, the oldest first."""
    return next(STATUSES[what] for what in map(fate, reversed(told)) if what in STATUSES)


def events_of(told: Sequence[Told]) -> list[dict[str, Any]]:
    return [event_of(one) | {"custom_args": one.variables} for one in told if one.what in SendGridTeller.native]
