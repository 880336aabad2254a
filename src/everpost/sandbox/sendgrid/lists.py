"""SendGrid's: four lists with offsets; what is added goes to the global unsubscriptions."""

from typing import Final

import msgspec
from msgspec import Struct

from everpost.dialects.answers import Rendered, render_json
from everpost.dialects.contract import Submission
from everpost.sandbox.suppressed import Suppressed

WHATS: Final = {
    "bounces": "bounced",
    "invalid_emails": "invalid",
    "spam_reports": "complained",
    "unsubscribes": "unsubscribed",
}
ABOVE: Final = "/v3/suppression/"
ADD_PATH: Final = "/v3/asm/suppressions/global"


class _Added(Struct):
    recipient_emails: list[str]


def answer(request: Submission, suppressed: Suppressed) -> Rendered | None:
    name = request.path.removeprefix(ABOVE)
    if (request.method, request.path) == ("POST", ADD_PATH):
        added = msgspec.json.decode(request.body, type=_Added)
        for email in added.recipient_emails:
            suppressed.add("unsubscribed", email)
        return render_json(201, added)
    if request.method != "GET" or name not in WHATS:
        return None
    start, limit = int(request.query.get("offset", "0")), int(request.query.get("limit", "500"))
    entries = suppressed.of(WHATS[name])[start : start + limit]
    return render_json(200, [{"created": int(x.at), "email": x.address, "reason": x.words} for x in entries])
