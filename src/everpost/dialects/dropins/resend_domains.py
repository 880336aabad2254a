"""Domains, as Resend's clients look for them: https://resend.com/docs/api-reference/domains/list-domains

Those that accounts name; the name of each is its id. Everpost sends from each as far as an account may, so all of them
count as verified.
"""

from collections.abc import Sequence
from typing import Any, Final

from everpost.dialects.answers import Rendered, render_json
from everpost.dialects.contract import Submission
from everpost.dialects.dropins.contract import Domains, Row
from everpost.model.key import Scope


def _domain(name: str) -> dict[str, Any]:
    return {"id": name, "name": name, "status": "verified"}


def _listed(_submission: Submission, domains: Sequence[str]) -> Rendered:
    return render_json(200, {"object": "list", "has_more": False, "data": [*map(_domain, domains)]})


def _shown(submission: Submission, domains: Sequence[str]) -> Rendered:
    name = submission.path.rpartition("/")[2]
    if name in domains:
        return render_json(200, {"object": "domain", **_domain(name), "records": []})
    return render_json(404, {"statusCode": 404, "name": "not_found", "message": "Domain not found"})


ROWS: Final = (
    Row(method="GET", path="/domains", scope=Scope.READ, does=Domains(_listed)),
    Row(method="GET", path="/domains/{name}", scope=Scope.READ, does=Domains(_shown)),
)
