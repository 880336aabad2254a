"""MailerSend's: four lists; what is added to the blocklist stops all mail of the account."""

from typing import Any, Final

import msgspec
from msgspec import Struct

from everpost.dialects.answers import Rendered, render_json
from everpost.dialects.contract import Submission
from everpost.sandbox.suppressed import Entry, Suppressed

ABOVE: Final = "/v1/suppressions/"
BLOCKLIST: Final = "blocklist"
WHATS: Final = {
    "hard-bounces": "bounced",
    "spam-complaints": "complained",
    "unsubscribes": "unsubscribed",
    BLOCKLIST: "blocked",
}
STOPPING: Final = tuple(WHATS.values())


class _Added(Struct):
    recipients: list[str]


def answer(request: Submission, suppressed: Suppressed) -> Rendered | None:
    name = request.path.removeprefix(ABOVE)
    if (request.method, name) == ("POST", BLOCKLIST):
        for email in msgspec.json.decode(request.body, type=_Added).recipients:
            suppressed.add(WHATS[BLOCKLIST], email)
        return render_json(201, {"data": [*map(_blocked, suppressed.of(WHATS[BLOCKLIST]))]})
    if request.method != "GET" or name not in WHATS:
        return None
    page, limit = int(request.query.get("page", "1")), int(request.query.get("limit", "25"))
    entries = suppressed.of(WHATS[name])
    shown = entries[(page - 1) * limit : page * limit]
    following = f"https://api.mailersend.com{request.path}?page={page + 1}" if page * limit < len(entries) else None
    return render_json(
        200, {"data": [*map(_blocked if name == BLOCKLIST else _shown, shown)], "links": {"next": following}}
    )


def _blocked(entry: Entry) -> dict[str, Any]:
    return {"type": "exact", "pattern": entry.address}


def _shown(entry: Entry) -> dict[str, Any]:
    return {"reason": entry.words, "recipient": {"email": entry.address}}
