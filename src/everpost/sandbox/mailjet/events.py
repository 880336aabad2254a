"""Mailjet's events: all of a mail in one request, which logs in instead of being signed."""

import secrets
from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import msgspec

from everpost.sandbox.events import BROWSER, HARD, LATER, SOFT, Post, Told


class MailjetTeller:
    native: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "deferred": {"event": "bounce", "hard_bounce": False, "error": "greylisted", "comment": f"451 {LATER}"},
        "delivered": {"event": "sent", "smtp_reply": "250 2.0.0 OK"},
        "bounced": {"event": "bounce", "hard_bounce": True, "error": "user unknown", "comment": f"550 {HARD}"},
        "refused": {"event": "bounce", "hard_bounce": False, "error": "policy issue", "comment": f"550 {SOFT}"},
        "rejected": {"event": "blocked", "error_related_to": "mailjet", "error": "preblocked"},
        "barred_bounce": {"event": "blocked", "error_related_to": "mailjet", "error": "preblocked"},
        "barred_complaint": {"event": "blocked", "error_related_to": "recipient", "error": "spam reporter"},
        "complained": {"event": "spam", "source": "JMRPP"},
        "unsubscribed": {"event": "unsub", "mj_list_id": 1},
        "opened": {"event": "open", "agent": BROWSER},
    }

    def __init__(self) -> None:
        self.secret = f"everpost:{secrets.token_hex(16)}"

    def posts(self, events: Sequence[Told], now: float) -> list[Post]:  # noqa: ARG002  nothing is dated
        login = b64encode(self.secret.encode()).decode()
        body = msgspec.json.encode([self._event(event) for event in events])
        return [Post(body, {"Authorization": f"Basic {login}"})]

    def _event(self, told: Told) -> dict[str, Any]:
        return {
            "time": int(told.at),
            "MessageID": told.caught.provider_message_id,
            "Message_GUID": f"sandbox-{told.caught.id}-{told.place}",
            "email": told.recipient,
            "CustomID": told.caught.delivery_id or "",
            **self.native[told.what],
        }
