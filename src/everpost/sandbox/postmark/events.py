"""Postmark's events: one in each request, with a login. None of them says that a mail was taken."""

import zlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

from everpost.sandbox.events import BROWSER, HARD, LATER, SOFT, Post, Told
from everpost.sandbox.logged_in import login, post_with


class PostmarkTeller:
    native: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "deferred": {"RecordType": "Bounce", "Type": "Transient", "Details": f"smtp;451 {LATER}"},
        "delivered": {"RecordType": "Delivery", "Details": "smtp;250 2.0.0 OK"},
        "bounced": {"RecordType": "Bounce", "Type": "HardBounce", "Details": f"smtp;550 {HARD}"},
        "refused": {"RecordType": "Bounce", "Type": "Blocked", "Details": f"smtp;550 {SOFT}"},
        "rejected": {"RecordType": "Bounce", "Type": "BadEmailAddress", "Details": "no address"},
        "complained": {"RecordType": "SpamComplaint", "Type": "SpamComplaint"},
        "unsubscribed": {
            "RecordType": "SubscriptionChange",
            "Origin": "Recipient",
            "SuppressSending": True,
            "SuppressionReason": "ManualSuppression",
        },
        "opened": {"RecordType": "Open", "UserAgent": BROWSER},
    }

    def __init__(self) -> None:
        self.secret = login()

    def posts(self, events: Sequence[Told], now: float) -> list[Post]:  # noqa: ARG002  no time is signed
        return [post_with(self.secret, self._event(event)) for event in events]

    def _event(self, told: Told) -> dict[str, Any]:
        time = "DeliveredAt" if told.what == "delivered" else "ReceivedAt"
        return {
            "MessageID": told.caught.provider_message_id,
            "MessageStream": "outbound",
            "Metadata": told.variables,
            **(bounce_of(told) if is_bounce(told) else {"Recipient": told.recipient, time: _iso(told)}),
            **self.native[told.what],
        }


def is_bounce(told: Told) -> bool:
    """Whether it has a number, and a place in the list of bounces."""
    return "Type" in PostmarkTeller.native.get(told.what, {})


def bounce_of(told: Told) -> dict[str, Any]:
    native = PostmarkTeller.native[told.what]
    return {
        "ID": zlib.crc32(told.id.encode()),
        "Type": native["Type"],
        "Details": native.get("Details", ""),
        "MessageID": told.caught.provider_message_id,
        "Email": told.recipient,
        "BouncedAt": _iso(told),
    }


def _iso(told: Told) -> str:
    return datetime.fromtimestamp(told.at, UTC).isoformat()
