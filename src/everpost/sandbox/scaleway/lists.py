"""Scaleway's blocklist of the one domain that it has here."""

from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec import Struct

from everpost.dialects.answers import Rendered, render_json
from everpost.dialects.contract import Submission
from everpost.sandbox.suppressed import Entry, Suppressed

PATH: Final = "/transactional-email/v1alpha1/regions/fr-par/blocklists"
DOMAIN_ID: Final = str(UUID(int=1))
BOUNCED: Final = "mailbox_not_found"


class _Added(Struct):
    domain_id: UUID
    emails: list[str]
    type: str = BOUNCED
    reason: str = ""


def answer(request: Submission, suppressed: Suppressed) -> Rendered | None:
    match request.method, request.path:
        case "POST", path if path == PATH:
            added = msgspec.json.decode(request.body, type=_Added)
            for email in added.emails:
                suppressed.add("bounced", email, added.reason)
            return render_json(200, {"blocklists": [*map(_shown, suppressed.of("bounced"))]})
        case "GET", path if path == PATH:
            page, size = int(request.query.get("page", "1")), int(request.query.get("page_size", "20"))
            entries = suppressed.of("bounced") if request.query.get("domain_id") == DOMAIN_ID else []
            shown = [*map(_shown, entries[(page - 1) * size : page * size])]
            return render_json(200, {"total_count": len(entries), "blocklists": shown})
    return None


def _shown(entry: Entry) -> dict[str, Any]:
    created = datetime.fromtimestamp(entry.at, UTC).isoformat()
    about = {"domain_id": DOMAIN_ID, "email": entry.address, "type": BOUNCED, "reason": entry.words}
    return about | {"created_at": created, "custom": entry.by_hand}
