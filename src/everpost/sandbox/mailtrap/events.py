"""Mailtrap's events: many in one request, whose body is signed. None of them says that a mail was taken."""

import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import msgspec

from everpost.sandbox.events import BROWSER, HARD, LATER, SOFT, Post, Told
from everpost.sandbox.mailtrap.api import recipients_id


class MailtrapTeller:
    native: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "deferred": {
            "event": "soft bounce",
            "response": LATER,
            "response_code": 451,
            "bounce_category": "greylisting",
        },
        "delivered": {"event": "delivery"},
        "bounced": {"event": "bounce", "response": HARD, "response_code": 550, "bounce_category": "badmailbox"},
        "refused": {"event": "bounce", "response": SOFT, "response_code": 550, "bounce_category": "policy"},
        "rejected": {"event": "reject", "reason": "Recipient in suppression list. Reason: hard bounce"},
        "barred_bounce": {"event": "reject", "reason": "Recipient in suppression list. Reason: hard bounce"},
        "barred_complaint": {"event": "reject", "reason": "Recipient in suppression list. Reason: spam complaint"},
        "barred_unsubscribe": {"event": "reject", "reason": "Recipient in suppression list. Reason: unsubscription"},
        "complained": {"event": "spam"},
        "unsubscribed": {"event": "unsubscribe"},
        "opened": {"event": "open", "user_agent": BROWSER},
    }

    def __init__(self) -> None:
        self.secret = secrets.token_hex(16)

    def posts(self, events: Sequence[Told], now: float) -> list[Post]:  # noqa: ARG002  no time is signed
        body = msgspec.json.encode({"events": [self._event(event) for event in events]})
        return [Post(body, {"Mailtrap-Signature": hmac.new(self.secret.encode(), body, hashlib.sha256).hexdigest()})]

    def _event(self, told: Told) -> dict[str, Any]:
        return {
            "event_id": f"sandbox-{told.id}",
            "email": told.recipient,
            "timestamp": int(told.at),
            "message_id": recipients_id(told.caught.provider_message_id, told.place),
            "custom_variables": told.variables,
            **self.native[told.what],
        }
