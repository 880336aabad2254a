"""What Amazon SES tells of an account, and its list of those who must not be written to.

Its list knows two reasons. Whoever is on ours for another one (an unsubscription, somebody's word) has let it be known
that mail is not wanted, and is told as a complaint. What stops a stream of mail alone is not on it.
"""

import base64
import binascii
from collections.abc import Sequence
from typing import Any, Final

from everpost.dialects.addresses import address_of
from everpost.dialects.answers import Rendered, render_json
from everpost.dialects.contract import Submission
from everpost.dialects.dropins.contract import (
    FindSuppressed,
    ListSuppressed,
    Row,
    Sought,
    Sum,
    Suppress,
    Unsuppress,
)
from everpost.dialects.dropins.reading import refused, sound
from everpost.dialects.dropins.ses_errors import BAD_TOKEN
from everpost.dialects.dropins.ses_schema import SUPPRESSED
from everpost.dialects.faults import Faults, decode
from everpost.dialects.times import read_instant
from everpost.model.key import Scope
from everpost.model.problem import Problem
from everpost.model.suppression import Source, Suppression, SuppressionDraft

PAGE_MAX: Final = 1000
MAX_SEND_RATE: Final = 1000.0
"""Mails a second that an SDK's user may pace itself by: Everpost takes what comes, and keeps to the rates of the
accounts by itself."""
_BOUNCE: Final = "BOUNCE"
_COMPLAINT: Final = "COMPLAINT"
_SOURCES: Final = {_BOUNCE: Source.BOUNCE, _COMPLAINT: Source.COMPLAINT}
_UNLIMITED: Final = -1.0  # as SES says it
_LIST: Final = "/v2/email/suppression/addresses"


def _reason(row: Suppression) -> str:
    return _BOUNCE if row.source is Source.BOUNCE else _COMPLAINT


def parse_page(submission: Submission) -> Sought | Problem:
    faults, query = Faults(), submission.query
    size = query.get("PageSize", str(PAGE_MAX))
    if not (size.isascii() and size.isdecimal() and 1 <= int(size[:9]) <= PAGE_MAX):
        faults.add("PageSize", f"must be a number from 1 to {PAGE_MAX}")
    reasons = {*filter(None, query.get("Reason", "").split(","))}
    if not reasons <= _SOURCES.keys():
        faults.add("Reason", f"must be one of: {_BOUNCE}, {_COMPLAINT}")
    start, end = (read_instant(query.get(name), name, faults) for name in ("StartDate", "EndDate"))
    after = _place(query.get("NextToken", ""))
    if faults:
        return refused(faults, 400)
    if after is None:
        return Problem(code=BAD_TOKEN, status=400, title="The NextToken is none that was given here")

    def wanted(row: Suppression) -> bool:
        is_in_time = (start is None or row.created_at >= start) and (end is None or row.created_at <= end)
        return is_in_time and (not reasons or _reason(row) in reasons)

    return Sought(limit=int(size), after=after, wanted=wanted)


def _place(token: str) -> str | None:
    """The address in a token; None: it is not one of ours."""
    try:
        return base64.b64decode(token, altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        return None


def parse_suppressed(submission: Submission) -> Sequence[SuppressionDraft] | Problem:
    faults = Faults()
    asked = decode(submission.body, SUPPRESSED, faults)
    if isinstance(asked, Problem):
        return asked
    address = sound(address_of(asked.email_address), "EmailAddress", faults).email
    if asked.reason not in _SOURCES:
        faults.add("Reason", f"must be one of: {_BOUNCE}, {_COMPLAINT}")
    if faults:
        return refused(faults, 400)
    source = _SOURCES[asked.reason]
    return [SuppressionDraft(address=address, reason=f"put on the list as a {source.value}", source=source)]


def _row(row: Suppression) -> dict[str, Any]:
    return {"EmailAddress": row.address, "Reason": _reason(row), "LastUpdateTime": row.created_at}


def _page(_sought: Sought, rows: Sequence[Suppression], following: str | None) -> Rendered:
    token = {} if following is None else {"NextToken": base64.urlsafe_b64encode(following.encode()).decode()}
    return render_json(200, {"SuppressedDestinationSummaries": [*map(_row, rows)], **token})


def _account(sent: int) -> Rendered:
    return render_json(
        200,
        {
            "DedicatedIpAutoWarmupEnabled": False,
            "EnforcementStatus": "HEALTHY",
            "ProductionAccessEnabled": True,
            "SendQuota": {
                "Max24HourSend": _UNLIMITED,
                "MaxSendRate": MAX_SEND_RATE,
                "SentLast24Hours": float(sent),
            },
            "SendingEnabled": True,
            "SuppressionAttributes": {"SuppressedReasons": [_BOUNCE, _COMPLAINT]},
        },
    )


def _shown(row: Suppression) -> Rendered:
    return render_json(200, {"SuppressedDestination": _row(row)})


def _done(_: Any) -> Rendered:
    return render_json(200, {})


ROWS: Final = (
    Row(method="GET", path="/v2/email/account", scope=Scope.READ, does=Sum(_account)),
    Row(
        method="GET",
        path=_LIST,
        scope=Scope.READ,
        does=ListSuppressed(parse_page, _page),
        query=("Reason", "StartDate", "EndDate", "NextToken", "PageSize"),
        repeated=("Reason",),
    ),
    Row(method="PUT", path=_LIST, scope=Scope.ADMIN, does=Suppress(parse_suppressed, _done)),
    Row(method="GET", path=f"{_LIST}/{{address:path}}", scope=Scope.READ, does=FindSuppressed(_shown)),
    Row(method="DELETE", path=f"{_LIST}/{{address:path}}", scope=Scope.ADMIN, does=Unsuppress(_done)),
)
