"""Postmark's list of bounces, and what the details of a mail say became of it. Times are asked for in New York's."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from everpost.sandbox.events import Told, iso
from everpost.sandbox.postmark.events import bounce_of, is_bounce

BEHIND_S: Final = 5 * 3600.0  # UTC, in winter
TYPES: Final = {
    "delivered": "Delivered",
    "deferred": "Transient",
    "bounced": "Bounced",
    "refused": "Bounced",
    "opened": "Opened",
    "unsubscribed": "SubscriptionChanged",
}
DETAILS: Final = {"unsubscribed": {"Origin": "Recipient", "SuppressSending": "True"}}


def bounces_of(told: Iterable[Told]) -> list[dict[str, Any]]:
    return [bounce_of(one) for one in told if is_bounce(one)]


def events_of(told: Iterable[Told]) -> list[dict[str, Any]]:
    return [
        {
            "Recipient": one.recipient,
            "Type": TYPES[one.what],
            "ReceivedAt": iso(one.at),
            "Details": DETAILS.get(one.what, {}),
        }
        for one in told
        if one.what in TYPES
    ]


def is_in(at: float, query: Mapping[str, str]) -> bool:
    begin, end = (_instant(query[name]) if name in query else None for name in ("fromdate", "todate"))
    return (begin is None or at >= begin) and (end is None or at <= end)


def _instant(local: str) -> float:
    return datetime.fromisoformat(local).replace(tzinfo=UTC).timestamp() + BEHIND_S
