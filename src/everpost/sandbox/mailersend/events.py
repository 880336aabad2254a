"""MailerSend's events: one in each request, whose body is signed. Our id is among the tags."""

import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import msgspec

from everpost.sandbox.events import HARD, LATER, SOFT, Post, Told, iso


class MailerSendTeller:
    native: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "queued": {"type": "sent"},
        "deferred": {"type": "deferred", "morph": {"reason": f"451 {LATER}"}},
        "delivered": {"type": "delivered"},
        "bounced": {"type": "hard_bounced", "morph": {"reason": f"550 {HARD}"}},
        "refused": {"type": "soft_bounced", "morph": {"reason": f"550 {SOFT}"}},
        "complained": {"type": "spam_complaint"},
        "unsubscribed": {"type": "unsubscribed", "morph": {"reason": "option_3"}},
        "opened": {"type": "opened", "morph": {"object": "open"}},
    }

    def __init__(self) -> None:
        self.secret = secrets.token_hex(16)

    def posts(self, events: Sequence[Told], now: float) -> list[Post]:  # noqa: ARG002  it signs no time
        return [self._post(msgspec.json.encode(self._event(event))) for event in events]

    def _post(self, body: bytes) -> Post:
        return Post(body, {"Signature": hmac.new(self.secret.encode(), body, hashlib.sha256).hexdigest()})

    def _event(self, told: Told) -> dict[str, Any]:
        tags = [*told.caught.draft.tags, *filter(None, [told.caught.delivery_id])]
        email = {
            "message": {"id": told.caught.provider_message_id},
            "recipient": {"email": told.recipient},
            "tags": tags,
        }
        data = {"object": "activity", "id": f"sandbox-{told.id}", "created_at": iso(told.at), "email": email}
        native = self.native[told.what]
        return {"type": f"activity.{native['type']}", "created_at": iso(told.at), "data": {**data, **native}}
