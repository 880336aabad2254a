"""Resend's events: one in each request, signed as Standard Webhooks are. Nobody can unsubscribe by it."""

import hashlib
import hmac
import secrets
from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar, Final

import msgspec

from everpost.sandbox.events import HARD, LATER, SOFT, Post, Told
from everpost.sandbox.resend.api import ID_HEADER

KEY_BYTES: Final = 24


class ResendTeller:
    native: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "queued": {"type": "email.sent"},
        "deferred": {"type": "email.delivery_delayed", "data": {"message": LATER}},
        "delivered": {"type": "email.delivered"},
        "bounced": {
            "type": "email.bounced",
            "data": {
                "bounce": {"type": "Permanent", "subType": "General", "diagnosticCode": [f"smtp; 550 {HARD}"]},
            },
        },
        "refused": {
            "type": "email.bounced",
            "data": {
                "bounce": {"type": "Permanent", "subType": "General", "diagnosticCode": [f"smtp; 550 {SOFT}"]},
            },
        },
        "rejected": {"type": "email.suppressed", "data": {"suppressed": {"reason": "previous_bounce"}}},
        "barred_bounce": {"type": "email.suppressed", "data": {"suppressed": {"reason": "previous_bounce"}}},
        "barred_complaint": {"type": "email.suppressed", "data": {"suppressed": {"reason": "previous_complaint"}}},
        "complained": {"type": "email.complained"},
        "opened": {"type": "email.opened"},
    }

    def __init__(self) -> None:
        self._key = secrets.token_bytes(KEY_BYTES)
        self.secret = f"whsec_{b64encode(self._key).decode()}"

    def posts(self, events: Sequence[Told], now: float) -> list[Post]:
        return [self._post(event, str(int(now))) for event in events]

    def _post(self, event: Told, stamp: str) -> Post:
        id_, body = f"msg_{event.id}", msgspec.json.encode(self._event(event))
        digest = hmac.new(self._key, f"{id_}.{stamp}.".encode() + body, hashlib.sha256).digest()
        signed = {"id": id_, "timestamp": stamp, "signature": f"v1,{b64encode(digest).decode()}"}
        return Post(body, {f"svix-{name}": value for name, value in signed.items()})

    def _event(self, told: Told) -> dict[str, Any]:
        """It names everybody in `to`, as the real one does."""
        at, native = datetime.fromtimestamp(told.at, UTC).isoformat(), self.native[told.what]
        headers = [{"name": ID_HEADER, "value": told.caught.delivery_id}] if told.caught.delivery_id else []
        about = {
            "email_id": told.caught.provider_message_id,
            "to": [each.email for each in told.caught.draft.to],
            "headers": headers,
        }
        return {"type": native["type"], "created_at": at, "data": about | native.get("data", {})}
