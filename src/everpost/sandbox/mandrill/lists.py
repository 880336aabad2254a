"""Mandrill's denylist: a call to read it, and one that adds one address."""

import re
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from msgspec import Struct

from everpost.dialects.answers import Rendered, render_json
from everpost.dialects.contract import Submission
from everpost.sandbox.suppressed import Entry, Suppressed

_CALL: Final = re.compile(r"/api/1\.[0-9]/rejects/([a-z]+)(?:\.json)?")
REASONS: Final = {"bounced": "hard-bounce", "complained": "spam", "unsubscribed": "unsub", "added": "custom"}


class _Added(Struct):
    email: str
    comment: str = ""


def answer(request: Submission, suppressed: Suppressed) -> Rendered | None:
    found = _CALL.fullmatch(request.path)
    match found[1] if found else "":
        case "list":
            return render_json(200, [*map(_shown, suppressed.of(*REASONS))])
        case "add":
            added = msgspec.json.decode(request.body, type=_Added)
            suppressed.add("added", added.email, added.comment)
            return render_json(200, {"email": added.email, "added": True})
    return None


def _shown(entry: Entry) -> dict[str, Any]:
    created = f"{datetime.fromtimestamp(entry.at, UTC):%Y-%m-%d %H:%M:%S}"
    about = {"email": entry.address, "reason": REASONS[entry.what], "detail": entry.words, "created_at": created}
    return about | {"expires_at": None, "expired": False}
