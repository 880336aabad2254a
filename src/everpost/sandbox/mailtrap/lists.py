"""Mailtrap's: one list, whose next page begins after an id."""

from datetime import UTC, datetime
from typing import Any, Final

from everpost.dialects.answers import Rendered, render_json
from everpost.dialects.contract import Submission
from everpost.sandbox.suppressed import Entry, Suppressed

PATH: Final = "/api/suppressions"
TYPES: Final = {"bounced": "hard bounce", "complained": "spam complaint", "unsubscribed": "unsubscription"}
PAGE_MAX: Final = 1000


def answer(request: Submission, suppressed: Suppressed) -> Rendered | None:
    if (request.method, request.path) != ("GET", PATH):
        return None
    start = int(request.query.get("last_id", "-1")) + 1
    shown = [_shown(id_, entry) for id_, entry in enumerate(suppressed.of(*TYPES))]
    return render_json(200, shown[start : start + PAGE_MAX])


def _shown(id_: int, entry: Entry) -> dict[str, Any]:
    return {
        "id": str(id_),
        "type": TYPES[entry.what],
        "email": entry.address,
        "created_at": datetime.fromtimestamp(entry.at, UTC).isoformat(),
        "sending_stream": "transactional",
        "message_bounce_category": "badmailbox" if entry.what == "bounced" else None,
    }
