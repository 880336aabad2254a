"""Domains, as Mailgun's clients look for them before they send:
https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/domains

Mail is taken for whatever domain a path names, so each is there and active. Listed are those that accounts name.
"""

from collections.abc import Sequence
from typing import Any, Final

from everpost.dialects.answers import Rendered, render_json
from everpost.dialects.contract import Submission
from everpost.dialects.dropins.contract import Domains, Row
from everpost.model.key import Scope

_ACTIVE: Final = "active"
_BARE: Final = ("h:extended", "h:with_dns")


def _domain(name: str) -> dict[str, Any]:
    return {
        "id": name,
        "name": name,
        "state": _ACTIVE,
        "type": "custom",
        "is_disabled": False,
        "require_tls": False,
        "skip_verification": False,
        "spam_action": "disabled",
        "web_prefix": "email",
        "web_scheme": "https",
        "wildcard": False,
    }


def _listed(submission: Submission, domains: Sequence[str]) -> Rendered:
    search = submission.query.get("search", "")
    found = [name for name in domains if search in name and submission.query.get("state", _ACTIVE) == _ACTIVE]
    return render_json(200, {"items": [*map(_domain, found)], "total_count": len(found)})


def _shown(submission: Submission, _domains: Sequence[str]) -> Rendered:
    records: dict[str, Any] = {"receiving_dns_records": [], "sending_dns_records": []}
    return render_json(200, {"domain": _domain(submission.path.rpartition("/")[2]), **records})


ROWS: Final = tuple(
    row
    for version in ("v3", "v4")
    for row in (
        Row(
            method="GET",
            path=f"/{version}/domains",
            scope=Scope.READ,
            does=Domains(_listed),
            query=("state", "search"),
        ),
        Row(method="GET", path=f"/{version}/domains/{{name}}", scope=Scope.READ, does=Domains(_shown), query=_BARE),
    )
)
