"""Mailgun's events: one in each request, with a token that is signed."""

import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import msgspec

from everpost.sandbox.events import BROWSER, HARD, LATER, SOFT, Post, Told


class MailgunTeller:
    native: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "queued": {"event": "accepted"},
        "deferred": {
            "event": "failed",
            "severity": "temporary",
            "delivery-status": {"code": 451, "enhanced-code": "4.7.1", "message": LATER},
        },
        "delivered": {"event": "delivered", "delivery-status": {"code": 250, "message": "OK"}},
        "bounced": {
            "event": "failed",
            "severity": "permanent",
            "reason": "bounce",
            "delivery-status": {"code": 550, "enhanced-code": "5.1.1", "message": HARD},
        },
        "refused": {
            "event": "failed",
            "severity": "permanent",
            "reason": "bounce",
            "delivery-status": {"code": 550, "enhanced-code": "5.7.1", "message": SOFT},
        },
        "rejected": {"event": "rejected", "reject": {"reason": "on the list of bounced addresses"}},
        "barred_bounce": {
            "event": "failed",
            "severity": "permanent",
            "reason": "suppress-bounce",
            "delivery-status": {"code": 605, "message": "Not delivering to previously bounced address"},
        },
        "barred_complaint": {
            "event": "failed",
            "severity": "permanent",
            "reason": "suppress-complaint",
            "delivery-status": {"code": 607, "message": "Not delivering to a user who marked your messages as spam"},
        },
        "barred_unsubscribe": {
            "event": "failed",
            "severity": "permanent",
            "reason": "suppress-unsubscribe",
            "delivery-status": {"code": 606, "message": "Not delivering to unsubscribed address"},
        },
        "complained": {"event": "complained"},
        "unsubscribed": {"event": "unsubscribed"},
        "opened": {"event": "opened", "client-info": {"user-agent": BROWSER}},
    }

    def __init__(self) -> None:
        self.secret = secrets.token_hex(16)

    def posts(self, events: Sequence[Told], now: float) -> list[Post]:
        return [self._post(event, str(int(now))) for event in events]

    def _post(self, event: Told, stamp: str) -> Post:
        token = hashlib.sha256(event.id.encode()).hexdigest()[:50]
        signature = hmac.new(self.secret.encode(), (stamp + token).encode(), hashlib.sha256).hexdigest()
        signed = {"timestamp": stamp, "token": token, "signature": signature}
        return Post(msgspec.json.encode({"signature": signed, "event-data": event_of(event)}), {})


def event_of(told: Told) -> dict[str, Any]:
    draft = told.caught.draft
    headers = {
        "message-id": told.caught.provider_message_id,
        "from": draft.sender.email,
        "to": told.recipient,
        "subject": draft.subject,
    }
    return {
        "id": f"sandbox-{told.id}",
        "timestamp": told.at,
        "recipient": told.recipient,
        "tags": draft.tags,
        "user-variables": told.variables,
        "message": {"headers": headers},
        **MailgunTeller.native[told.what],
    }
