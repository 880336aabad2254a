"""Postmark's: a list of each message stream, given as a whole; what is added is the customer's own wish."""

import re
from datetime import UTC, datetime
from typing import Final

import msgspec
from msgspec import Struct

from everpost.dialects.answers import Rendered, render_json
from everpost.dialects.contract import Submission
from everpost.sandbox.suppressed import Entry, Suppressed

REASONS: Final = {"bounced": "HardBounce", "complained": "SpamComplaint", "unsubscribed": "ManualSuppression"}
_LIST: Final = re.compile(r"/message-streams/[^/]+/suppressions(/dump)?")


class _Row(Struct, rename="pascal"):
    email_address: str


class _Added(Struct, rename="pascal"):
    suppressions: list[_Row]


def answer(request: Submission, suppressed: Suppressed) -> Rendered | None:
    found = _LIST.fullmatch(request.path)
    match request.method, found and (found[1] or ""):
        case "GET", "/dump":
            return render_json(200, {"Suppressions": [_shown(entry) for entry in suppressed.of(*REASONS)]})
        case "POST", "":
            emails = [row.email_address for row in msgspec.json.decode(request.body, type=_Added).suppressions]
            for email in emails:
                suppressed.add("unsubscribed", email)
            told = [{"EmailAddress": email, "Status": "Suppressed", "Message": None} for email in emails]
            return render_json(200, {"Suppressions": told})
    return None


def _shown(entry: Entry) -> dict[str, str]:
    return {
        "EmailAddress": entry.address,
        "SuppressionReason": REASONS[entry.what],
        "Origin": "Customer" if entry.by_hand else "Recipient",
        "CreatedAt": datetime.fromtimestamp(entry.at, UTC).isoformat(),
    }
