"""Amazon SES's: one list, of bounces and complaints; whoever is added is named with one of these reasons."""

from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from everpost.dialects.answers import Rendered, render_json
from everpost.dialects.contract import Submission
from everpost.sandbox.suppressed import Suppressed

PATH: Final = "/v2/email/suppression/addresses"
REASONS: Final = {"bounced": "BOUNCE", "complained": "COMPLAINT"}
WHATS: Final = {reason: what for what, reason in REASONS.items()}


class _Added(Struct, rename="pascal"):
    email_address: str
    reason: Literal["BOUNCE", "COMPLAINT"]


def answer(request: Submission, suppressed: Suppressed) -> Rendered | None:
    match request.method, request.path:
        case "PUT", path if path == PATH:
            added = msgspec.json.decode(request.body, type=_Added)
            suppressed.add(WHATS[added.reason], added.email_address)
            return render_json(200, {})
        case "GET", path if path == PATH:
            return render_json(200, _page(suppressed, request.query))
    return None


def _page(suppressed: Suppressed, query: dict[str, str]) -> dict[str, Any]:
    start, size = int(query.get("NextToken", "0")), int(query.get("PageSize", "100"))
    entries = suppressed.of(*REASONS)
    shown = [
        {"EmailAddress": entry.address, "Reason": REASONS[entry.what], "LastUpdateTime": entry.at}
        for entry in entries[start : start + size]
    ]
    following = {"NextToken": str(start + size)} if len(entries) > start + size else {}
    return {"SuppressedDestinationSummaries": shown} | following
