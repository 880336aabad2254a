"""SparkPost's events: many in one request, with a login."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from everpost.sandbox.events import BROWSER, HARD, LATER, SOFT, Post, Told
from everpost.sandbox.logged_in import login, post_with

SUPPRESSED: Final = "554 5.7.1 [internal] Recipient address suppressed due to customer policy"
NATIVE: Final[Mapping[str, Mapping[str, Any]]] = {
    "queued": {"type": "injection"},
    "deferred": {"type": "delay", "bounce_class": "20", "error_code": "451", "raw_reason": f"451 {LATER}"},
    "delivered": {"type": "delivery"},
    "bounced": {"type": "bounce", "bounce_class": "10", "error_code": "550", "raw_reason": f"550 {HARD}"},
    "refused": {"type": "bounce", "bounce_class": "51", "error_code": "550", "raw_reason": f"550 {SOFT}"},
    "rejected": {"type": "policy_rejection", "error_code": "550", "raw_reason": "550 on the list of bounces"},
    "barred_bounce": {"type": "policy_rejection", "error_code": "554", "raw_reason": f"{SUPPRESSED}: bounce"},
    "barred_complaint": {"type": "policy_rejection", "error_code": "554", "raw_reason": f"{SUPPRESSED}: complaint"},
    "complained": {"type": "spam_complaint"},
    "unsubscribed": {"type": "list_unsubscribe"},
    "opened": {"type": "open", "user_agent": BROWSER},
}


class SparkPostTeller:
    native: ClassVar[Mapping[str, Mapping[str, Any]]] = NATIVE

    def __init__(self) -> None:
        self.secret = login()

    def posts(self, events: Sequence[Told], now: float) -> list[Post]:  # noqa: ARG002  no time is signed
        return [post_with(self.secret, [{"msys": {"message_event": event_of(event)}} for event in events])]


def event_of(told: Told) -> dict[str, Any]:
    return {
        "event_id": f"sandbox-{told.id}",
        "timestamp": str(int(told.at)),
        "rcpt_to": told.recipient,
        "rcpt_meta": told.variables,
        "transmission_id": told.caught.provider_message_id,
        **NATIVE[told.what],
    }
