"""SparkPost's: an entry stops mail that is transactional, or mail that is not; pages are told apart by a cursor."""

from datetime import UTC, datetime
from typing import Any, Final, Literal
from urllib.parse import urlencode

import msgspec
from msgspec import Struct

from everpost.dialects.answers import Rendered, render_json
from everpost.dialects.contract import Submission
from everpost.sandbox.suppressed import Entry, Suppressed

PATH: Final = "/api/v1/suppression-list"
SOURCES: Final = {
    "bounced": ("Bounce Rule", "transactional"),
    "complained": ("Spam Complaint", "transactional"),
    "unsubscribed": ("List Unsubscribe", "non_transactional"),
    "transactional": ("Manually Added", "transactional"),
    "non_transactional": ("Manually Added", "non_transactional"),
}
"""What has happened, or was added: where it comes from, and which mail it stops."""
STOPPING: Final = tuple(what for what, (_, kind) in SOURCES.items() if kind == "transactional")


class _Row(Struct):
    recipient: str
    type: Literal["transactional", "non_transactional"]
    description: str = ""


class _Added(Struct):
    recipients: list[_Row]


def answer(request: Submission, suppressed: Suppressed) -> Rendered | None:
    match request.method, request.path.rstrip("/"):
        case "PUT", path if path == PATH:
            for row in msgspec.json.decode(request.body, type=_Added).recipients:
                suppressed.add(row.type, row.recipient, row.description)
            return render_json(200, {"results": {"message": "Suppression List successfully updated"}})
        case "GET", path if path == PATH:
            return render_json(200, _page(suppressed.of(*SOURCES), request.query))
    return None


def _page(entries: list[Entry], query: dict[str, str]) -> dict[str, Any]:
    cursor, size = query.get("cursor", "initial"), int(query.get("per_page", "1000"))
    start = 0 if cursor == "initial" else int(cursor)
    following = f"{PATH}?{urlencode({'cursor': start + size, 'per_page': size})}"
    links = [{"href": following, "rel": "next"}] if len(entries) > start + size else []
    shown = [_shown(entry) for entry in entries[start : start + size]]
    return {"results": shown, "links": links, "total_count": len(entries)}


def _shown(entry: Entry) -> dict[str, str]:
    source, kind = SOURCES[entry.what]
    updated = datetime.fromtimestamp(entry.at, UTC).isoformat()
    return {
        "recipient": entry.address,
        "type": kind,
        "source": source,
        "description": entry.words,
        "created": updated,
        "updated": updated,
    }
