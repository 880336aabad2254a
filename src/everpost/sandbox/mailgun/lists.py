"""Mailgun's: three lists of a domain; the next page begins after an address."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, Final
from urllib.parse import urlencode

import msgspec
from msgspec import Struct

from everpost.dialects.answers import Rendered, render_json
from everpost.dialects.contract import Submission
from everpost.sandbox.suppressed import Entry, Suppressed

WHATS: Final = {"bounces": "bounced", "complaints": "complained", "unsubscribes": "unsubscribed"}
_LIST: Final = re.compile(rf"/v3/[^/]+/({'|'.join(WHATS)})")


class _Row(Struct):
    address: str
    error: str = ""


def answer(request: Submission, suppressed: Suppressed) -> Rendered | None:
    found = _LIST.fullmatch(request.path)
    if found is None:
        return None
    if request.method == "POST":
        rows = msgspec.json.decode(request.body, type=list[_Row])
        for row in rows:
            suppressed.add(WHATS[found[1]], row.address, row.error)
        return render_json(200, {"message": f"{len(rows)} addresses have been added to the {found[1]} table"})
    entries = sorted(suppressed.of(WHATS[found[1]]), key=lambda entry: entry.address)
    return render_json(200, _page(request, entries))


def _page(request: Submission, entries: Sequence[Entry]) -> dict[str, Any]:
    """The last page is empty, and names itself as the next one."""
    after, limit = request.query.get("address", ""), int(request.query.get("limit", "100"))
    shown = [entry for entry in entries if entry.address > after][:limit]
    last = shown[-1].address if shown else after
    query = urlencode({"page": "next", "address": last, "limit": limit})
    following = f"http://{request.headers.get('host', '')}{request.path}?{query}"
    return {"items": [_shown(entry) for entry in shown], "paging": {"next": following}}


def _shown(entry: Entry) -> dict[str, str]:
    created = format_datetime(datetime.fromtimestamp(entry.at, UTC)).replace("+0000", "UTC")
    code = {"code": "550", "error": entry.words} if entry.what == "bounced" else {}
    return {"address": entry.address, "created_at": created} | code
