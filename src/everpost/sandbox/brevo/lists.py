"""Brevo's blocked contacts, which nobody can add to."""

from datetime import UTC, datetime
from typing import Any, Final

from everpost.dialects.answers import Rendered, render_json
from everpost.dialects.contract import Submission
from everpost.sandbox.suppressed import Entry, Suppressed

PATH: Final = "/smtp/blockedContacts"
CODES: Final = {
    "bounced": ("hardBounce", "Contact was hard bounced"),
    "complained": ("contactFlaggedAsSpam", "Contact flagged as spam"),
    "unsubscribed": ("unsubscribedViaEmail", "Contact unsubscribed via email"),
}


def answer(request: Submission, suppressed: Suppressed) -> Rendered | None:
    if request.method != "GET" or request.path.removeprefix("/v3") != PATH:
        return None
    start, limit = int(request.query.get("offset", "0")), int(request.query.get("limit", "50"))
    entries = suppressed.of(*CODES)
    return render_json(200, {"count": len(entries), "contacts": [*map(_shown, entries[start : start + limit])]})


def _shown(entry: Entry) -> dict[str, Any]:
    code, message = CODES[entry.what]
    blocked = datetime.fromtimestamp(entry.at, UTC).isoformat()
    return {"email": entry.address, "reason": {"code": code, "message": message}, "blockedAt": blocked}
