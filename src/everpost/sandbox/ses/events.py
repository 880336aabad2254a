"""Amazon SES's events, by SNS."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from everpost.model.ids import CORRELATION_KEY
from everpost.sandbox.events import BROWSER, HARD, LATER, SOFT, Post, Told, iso
from everpost.sandbox.notifications import Notifications

TOPIC: Final = "arn:aws:sns:eu-central-1:000000000000:everpost"
WHOM: Final = {  # the names of what tells it, and of whom
    "Delivery": ("delivery", "recipients"),
    "DeliveryDelay": ("deliveryDelay", "delayedRecipients"),
    "Bounce": ("bounce", "bouncedRecipients"),
    "Complaint": ("complaint", "complainedRecipients"),
}


class SesTeller(Notifications):
    native: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "queued": {"eventType": "Send"},
        "deferred": {"eventType": "DeliveryDelay", "diagnosticCode": f"smtp; 451 {LATER}", "status": "4.7.1"},
        "delivered": {"eventType": "Delivery", "about": {"smtpResponse": "250 2.0.0 OK"}},
        "bounced": {
            "eventType": "Bounce",
            "about": {"bounceType": "Permanent", "bounceSubType": "General"},
            "diagnosticCode": f"smtp; 550 {HARD}",
            "status": "5.1.1",
        },
        "refused": {
            "eventType": "Bounce",
            "about": {"bounceType": "Permanent", "bounceSubType": "General"},
            "diagnosticCode": f"smtp; 550 {SOFT}",
            "status": "5.7.1",
        },
        "rejected": {"eventType": "Bounce", "about": {"bounceSubType": "OnAccountSuppressionList"}},
        "barred_bounce": {
            "eventType": "Bounce",
            "about": {"bounceType": "Permanent", "bounceSubType": "OnAccountSuppressionList"},
            "diagnosticCode": "Amazon SES did not send the message to this address: it is on the account's list.",
        },
        "barred_complaint": {
            "eventType": "Complaint",
            "about": {"complaintSubType": "OnAccountSuppressionList"},
        },
        "complained": {"eventType": "Complaint", "about": {"complaintFeedbackType": "abuse"}},
        "unsubscribed": {"eventType": "Subscription", "about": {"newTopicPreferences": {"unsubscribeAll": True}}},
        "opened": {"eventType": "Open", "about": {"userAgent": BROWSER}},
    }

    def __init__(self) -> None:
        super().__init__(TOPIC)

    def posts(self, events: Sequence[Told], now: float) -> list[Post]:
        return list(self.wrapped([(event, self._event(event)) for event in events], now))

    def _event(self, told: Told) -> dict[str, Any]:
        native = self.native[told.what]
        kind = native["eventType"]
        place, whom = WHOM.get(kind, (kind.lower(), ""))
        words = {name: native[name] for name in ("diagnosticCode", "status") if name in native}
        one = told.recipient if kind == "Delivery" else {"emailAddress": told.recipient} | words
        about = {"timestamp": iso(told.at), **native.get("about", {})} | ({whom: [one]} if whom else {})
        return {"eventType": kind, "mail": _mail(told), place: about}


def _mail(told: Told) -> dict[str, Any]:
    return {
        "timestamp": iso(told.caught.received_at),
        "messageId": told.caught.provider_message_id,
        "destination": [told.recipient],
        "tags": {CORRELATION_KEY: [(told.caught.delivery_id or "").replace(".", "-")]},
    }
