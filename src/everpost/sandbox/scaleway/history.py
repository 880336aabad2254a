"""Scaleway's list of mails: the state of one recipient's."""

from collections.abc import Sequence
from typing import Any, Final

from everpost.sandbox.events import HARD, LATER, SOFT, Told, iso
from everpost.sandbox.fates import fate

STATES: Final[dict[str, tuple[str, list[str]]]] = {  # status and flags
    "queued": ("new", []),
    "deferred": ("sending", ["greylisted"]),
    "delivered": ("sent", []),
    "bounced": ("failed", ["hard_bounce", "mailbox_not_found"]),
    "refused": ("failed", ["hard_bounce"]),
    "rejected": ("failed", ["blocklisted"]),
}
TRIES: Final = {
    "deferred": (451, LATER),
    "delivered": (250, "2.0.0 OK"),
    "bounced": (550, HARD),
    "refused": (550, SOFT),
}


def state_of(told: Sequence[Told]) -> dict[str, Any]:
    """`told`: the oldest first."""
    known = [one for one in told if fate(one) in STATES]
    status, flags = STATES[fate(known[-1])]
    tries = [
        {"rank": rank, "tried_at": iso(one.at), "code": TRIES[one.what][0], "message": TRIES[one.what][1]}
        for rank, one in enumerate((one for one in known if one.what in TRIES), 1)
    ]
    last = {"updated_at": iso(known[-1].at), "try_count": len(tries), "last_tries": tries}
    return {"status": status, "flags": flags} | last
