"""Resend's: one list of a team, whose next page begins after an id. It knows no unsubscriptions."""

from typing import Any, Final

import msgspec
from msgspec import Struct

from everpost.dialects.answers import Rendered, render_json
from everpost.dialects.contract import Submission
from everpost.sandbox.suppressed import Entry, Suppressed

PATH: Final = "/suppressions"
ORIGINS: Final = {"bounced": "bounce", "complained": "complaint", "added": "manual"}
STOPPING: Final = tuple(ORIGINS)


class _Added(Struct):
    emails: list[str]


def answer(request: Submission, suppressed: Suppressed) -> Rendered | None:
    match request.method, request.path:
        case "POST", path if path == f"{PATH}/batch/add":
            emails = msgspec.json.decode(request.body, type=_Added).emails
            for email in emails:
                suppressed.add("added", email)
            return render_json(200, {"data": [{"object": "suppression", "email": email} for email in emails]})
        case "GET", path if path == PATH:
            start, limit = int(request.query.get("after", "-1")) + 1, int(request.query.get("limit", "20"))
            shown = [_shown(id_, entry) for id_, entry in enumerate(suppressed.of(*ORIGINS))]
            page = shown[start : start + limit]
            return render_json(200, {"object": "list", "has_more": start + limit < len(shown), "data": page})
    return None


def _shown(id_: int, entry: Entry) -> dict[str, Any]:
    return {"object": "suppression", "id": str(id_), "email": entry.address, "origin": ORIGINS[entry.what]}
