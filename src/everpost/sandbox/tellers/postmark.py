"""Postmark's events: one in each request, with a login. None of them says that a mail was taken."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

from everpost.sandbox.events import BROWSER, HARD, LATER, SOFT, Post, Told
from everpost.sandbox.tellers.logged_in import login, post_with


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
        at = datetime.fromtimestamp(told.at, UTC).isoformat()
        is_bounce = "Type" in self.native[told.what]
        return {
            "MessageID": told.caught.provider_message_id,
            "MessageStream": "outbound",
            "Metadata": told.variables,
            **({"Email": told.recipient, "BouncedAt": at} if is_bounce else {"Recipient": told.recipient}),
            **({} if is_bounce else {"DeliveredAt" if told.what == "delivered" else "ReceivedAt": at}),
            **self.native[told.what],
        }
