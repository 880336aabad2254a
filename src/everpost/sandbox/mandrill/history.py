"""What Mandrill's search shows of one recipient's mail. Deferrals are not in it."""

from collections.abc import Sequence
from typing import Any, Final

from everpost.sandbox.events import BROWSER, Told
from everpost.sandbox.fates import fate
from everpost.sandbox.mandrill.events import MandrillTeller

STATES: Final = {
    "bounced": "bounced",
    "refused": "soft-bounced",
    "rejected": "rejected",
    "complained": "spam",
    "unsubscribed": "unsub",
}
TRIES: Final = {"delivered": "delivered", "bounced": "bounced", "refused": "bounced"}


def fate_of(told: Sequence[Told]) -> dict[str, Any]:
    """`told`: the oldest first."""
    last = fate(told[-1])
    failed = MandrillTeller.native[last] if last in ("bounced", "refused") else {}
    tries = [(one, TRIES[one.what]) for one in told if one.what in TRIES]
    return {
        "state": STATES.get(last, "sent"),
        "smtp_events": [{"ts": int(one.at), "type": kind, "diag": _diag(one)} for one, kind in tries],
        "opens_detail": [{"ts": int(one.at), "ua": BROWSER} for one in told if one.what == "opened"],
        "clicks_detail": [],
        "diag": failed.get("diag"),
        "bounce_description": failed.get("bounce_description"),
        "reject": {"reason": "hard-bounce"} if last == "rejected" else None,
    }


def _diag(told: Told) -> str:
    return str(MandrillTeller.native[told.what].get("diag", ""))
