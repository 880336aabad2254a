"""Scaleway's events, by its Topics and Events. It tells of no opens and no complaints."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from everpost.sandbox.events import HARD, LATER, SOFT, Post, Told, iso
from everpost.sandbox.notifications import Notifications

TOPIC: Final = "arn:scw:sns:fr-par:project-sandbox:everpost"


class ScalewayTeller(Notifications):
    native: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "queued": {"type": "email_queued"},
        "deferred": {"type": "email_deferred", "email_response_code": 451, "email_response_message": LATER},
        "delivered": {"type": "email_delivered", "email_response_code": 250, "email_response_message": "2.0.0 OK"},
        "bounced": {"type": "email_mailbox_not_found", "email_response_code": 550, "email_response_message": HARD},
        "refused": {"type": "email_dropped", "email_response_code": 550, "email_response_message": SOFT},
        "rejected": {"type": "email_blocklisted", "blocklist_type": "mailbox_not_found"},
        "barred_bounce": {"type": "email_blocklisted", "blocklist_type": "mailbox_not_found"},
    }

    def __init__(self) -> None:
        super().__init__(TOPIC)

    def posts(self, events: Sequence[Told], now: float) -> list[Post]:
        return list(self.wrapped([(event, self._event(event)) for event in events], now))

    def _event(self, told: Told) -> dict[str, Any]:
        return {
            "id": f"sandbox-{told.id}",
            "created_at": iso(told.at),
            "email_id": told.caught.provider_message_id,
            "email_to": told.recipient,
            "email_headers": [{"key": "X-Everpost-Id", "value": told.caught.delivery_id or ""}],
            **self.native[told.what],
        }
