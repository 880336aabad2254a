"""Brevo's events: one in each request, with a login."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import msgspec

from everpost.sandbox.events import HARD, LATER, SOFT, Post, Told
from everpost.sandbox.logged_in import login, post_with


class BrevoTeller:
    native: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "queued": {"event": "request", "reason": "sent"},
        "deferred": {"event": "deferred", "reason": f"451 {LATER}"},
        "delivered": {"event": "delivered", "reason": "sent"},
        "bounced": {"event": "hard_bounce", "reason": f"550-{HARD}"},
        "refused": {"event": "hard_bounce", "reason": f"550 {SOFT}"},
        "rejected": {"event": "blocked", "reason": "blocked : due to hard bounced user"},
        "barred_bounce": {"event": "blocked", "reason": "blocked : due to hard bounced user"},
        "barred_complaint": {"event": "blocked", "reason": "blocked : due to spam complaint of the user"},
        "barred_unsubscribe": {"event": "blocked", "reason": "blocked : due to unsubscribed user"},
        "complained": {"event": "spam"},
        "unsubscribed": {"event": "unsubscribed"},
        "opened": {"event": "opened", "link": ""},
    }

    def __init__(self) -> None:
        self.secret = login()

    def posts(self, events: Sequence[Told], now: float) -> list[Post]:  # noqa: ARG002  no time is signed
        return [post_with(self.secret, self._event(event)) for event in events]

    def _event(self, told: Told) -> dict[str, Any]:
        return {
            "email": told.recipient,
            "ts_epoch": int(told.at * 1000),
            "message-id": f"<{told.caught.provider_message_id}>",
            "X-Mailin-custom": msgspec.json.encode(told.variables).decode(),
            **self.native[told.what],
        }
