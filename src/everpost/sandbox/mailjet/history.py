"""Mailjet's list of mails, one for each recipient, and the history of one of them."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from everpost.sandbox.events import Told
from everpost.sandbox.fates import fate
from everpost.sandbox.mailjet.events import MailjetTeller

STATUSES: Final[Mapping[str, str]] = {
    "queued": "queued",
    "deferred": "deferred",
    "delivered": "sent",
    "bounced": "hardbounced",
    "refused": "softbounced",
    "rejected": "blocked",
    "complained": "spam",
    "unsubscribed": "unsub",
    "opened": "opened",
}
EVENTS: Final = {"bounce": "bounced", "open": "opened"}  # of webhooks, where the history has other names
STATE_IDS: Final = {"bounced": 1, "refused": 9, "deferred": 13, "rejected": 14}


def state_of(told: Sequence[Told]) -> dict[str, Any]:
    """The last that became of one recipient's; `told` is the oldest first."""
    what = fate(told[-1])
    return {"Status": STATUSES[what], "StateID": STATE_IDS.get(what, 0), "StatePermanent": what == "bounced"}


def history_of(told: Sequence[Told]) -> list[dict[str, Any]]:
    return [_event(one) for one in told if one.what in MailjetTeller.native]


def _event(told: Told) -> dict[str, Any]:
    native = MailjetTeller.native[told.what]
    return {
        "EventType": EVENTS.get(native["event"], native["event"]),
        "EventAt": int(told.at),
        "Comment": native.get("comment", ""),
        "State": native.get("error", ""),
        "Useragent": native.get("agent", ""),
    }
