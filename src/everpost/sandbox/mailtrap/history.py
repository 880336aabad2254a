"""Mailtrap's email logs: what became of one recipient's mail."""

from collections.abc import Sequence
from typing import Any, Final

from everpost.sandbox.events import HARD, LATER, SOFT, Told, iso
from everpost.sandbox.fates import fate

EVENTS: Final[dict[str, tuple[str, dict[str, str]]]] = {
    "deferred": ("soft_bounce", {"email_service_provider_response": LATER, "bounce_category": "greylisting"}),
    "delivered": ("delivery", {}),
    "bounced": ("bounce", {"email_service_provider_response": HARD, "bounce_category": "badmailbox"}),
    "refused": ("bounce", {"email_service_provider_response": SOFT, "bounce_category": "policy"}),
    "rejected": ("reject", {"reject_reason": "Recipient in suppression list. Reason: hard bounce"}),
    "complained": ("spam", {}),
    "unsubscribed": ("unsubscribe", {}),
    "opened": ("open", {}),
}
LOST: Final = frozenset({"deferred", "bounced", "refused", "rejected"})


def status_of(told: Sequence[Told]) -> str:
    """`told`: of one recipient, the oldest first."""
    what = fate(told[-1])
    return "enqueued" if what == "queued" else "not_delivered" if what in LOST else "delivered"


def events_of(told: Sequence[Told]) -> list[dict[str, Any]]:
    known = [(one, *EVENTS[fate(one)]) for one in told if fate(one) in EVENTS]
    return [{"event_type": name, "created_at": iso(one.at), "details": details} for one, name, details in known]
