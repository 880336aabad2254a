"""Whom not to write to, as Postmark's clients ask for it: https://postmarkapp.com/developer/api/suppressions-api

What stops all mail is the list of the stream `outbound`; what stops a stream of ours alone is not on it. A dump is
whole: `count` and `offset`, which a client sends since it sends them with every list, say nothing, as at Postmark.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct

from everpost.dialects.addresses import address_of
from everpost.dialects.answers import Rendered, render_json
from everpost.dialects.contract import Submission
from everpost.dialects.dropins.contract import ListSuppressed, Row, Sought, Suppress, UnsuppressAll
from everpost.dialects.dropins.postmark_query import STREAM, instant, read_query, read_times, spelled
from everpost.dialects.dropins.reading import refused, sound
from everpost.dialects.faults import Faults, decode
from everpost.dialects.fields import check_count
from everpost.model.key import Scope
from everpost.model.problem import Problem
from everpost.model.suppression import Source, Suppression, SuppressionDraft

NO_STREAM: Final = "no_stream"
NOT_FOUND: Final = (422, 1226)  # status and ErrorCode
TOO_MANY: Final = 300
ROWS_MAX: Final = 50  # of one request, as Postmark has it
DUMP_MAX: Final = 10_000
_PATH: Final = "/message-streams/{stream}/suppressions"
_SHOWN: Final[Mapping[Source, tuple[str, str]]] = {  # reason and origin
    Source.BOUNCE: ("HardBounce", "Recipient"),
    Source.COMPLAINT: ("SpamComplaint", "Recipient"),
    Source.UNSUBSCRIBE: ("ManualSuppression", "Recipient"),
    Source.PERSON: ("ManualSuppression", "Customer"),
    Source.IMPORT: ("ManualSuppression", "Customer"),
    Source.ACCOUNT: ("ManualSuppression", "Admin"),
}


class _Entry(Struct, forbid_unknown_fields=True, rename="pascal"):
    email_address: str


class _Entries(Struct, forbid_unknown_fields=True, rename="pascal"):
    suppressions: list[_Entry]


_ENTRIES: Final = msgspec.json.Decoder(_Entries)


# --- requests --------------------------------------------------------------------------------------------------------


def _stream_fault(submission: Submission) -> Problem | None:
    if submission.path.split("/")[2] == STREAM:
        return None
    return Problem(code=NO_STREAM, status=404, title=f"There is no message stream but {STREAM} here")


def parse_dump(submission: Submission) -> Sought | Problem:
    faults = Faults()
    query = read_query(submission, faults)
    since, until = read_times(query, faults)
    wanted = (query.get("suppressionreason"), query.get("origin"))
    for place, name in enumerate(("SuppressionReason", "Origin")):
        known = sorted({shown[place] for shown in _SHOWN.values()})
        if wanted[place] not in (None, *known):
            faults.add(name, f"must be one of: {', '.join(known)}")
    address = query.get("emailaddress", "").lower()
    if faults:
        return _stream_fault(submission) or refused(faults, 422)

    def is_wanted(row: Suppression) -> bool:
        is_in_time = (since is None or row.created_at >= since) and (until is None or row.created_at < until)
        is_said = all(each in (None, told) for each, told in zip(wanted, _SHOWN[row.source], strict=True))
        return is_in_time and is_said and address in ("", row.address)

    return _stream_fault(submission) or Sought(limit=DUMP_MAX, prefix=address, wanted=is_wanted)


def parse_added(submission: Submission) -> Sequence[SuppressionDraft] | Problem:
    addresses = parse_removed(submission)
    if isinstance(addresses, Problem):
        return addresses
    return [SuppressionDraft(address=each, reason="put on the list by hand") for each in addresses]


def parse_removed(submission: Submission) -> Sequence[str] | Problem:
    faults = Faults()
    entries = decode(submission.body, _ENTRIES, faults)
    if isinstance(entries, Problem):
        return entries
    given = entries.suppressions
    if not given:
        faults.add("Suppressions", "is empty: give at least one address")
    if not check_count(len(given), ROWS_MAX, "Suppressions", "addresses", faults):
        return refused(faults, 422)
    paths = (f"Suppressions[{place}].EmailAddress" for place in range(len(given)))
    found = [sound(address_of(each.email_address), path, faults).email for each, path in zip(given, paths, strict=True)]
    return _stream_fault(submission) or (refused(faults, 422) if faults else found)


# --- answers ---------------------------------------------------------------------------------------------------------


def render_dump(_sought: Sought, rows: Sequence[Suppression], following: str | None) -> Rendered:
    """All or nothing: there are no pages, and a part would be taken for the whole."""
    if following is not None:
        words = (
            f"The list has more than {DUMP_MAX} entries: narrow it by EmailAddress, or read it from /v1/suppressions"
        )
        return render_json(422, {"ErrorCode": TOO_MANY, "Message": words})
    return render_json(200, {"Suppressions": [*map(_shown, rows)]})


def _shown(row: Suppression) -> dict[str, Any]:
    reason, origin = _SHOWN[row.source]
    return {
        "EmailAddress": row.address,
        "SuppressionReason": reason,
        "Origin": origin,
        "CreatedAt": instant(row.created_at),
    }


def _statuses(addresses: Sequence[str], status: str) -> Rendered:
    told = [{"EmailAddress": each, "Status": status, "Message": None} for each in addresses]
    return render_json(200, {"Suppressions": told})


def render_added(rows: Sequence[Suppression]) -> Rendered:
    return _statuses([row.address for row in rows], "Suppressed")


def render_removed(addresses: Sequence[str]) -> Rendered:
    return _statuses(addresses, "Deleted")


ROWS: Final = (
    Row(
        method="GET",
        path=f"{_PATH}/dump",
        scope=Scope.READ,
        does=ListSuppressed(parse_dump, render_dump),
        query=("count", "offset", *spelled("suppressionreason", "origin", "emailaddress", "fromdate", "todate")),
    ),
    Row(method="POST", path=_PATH, scope=Scope.ADMIN, does=Suppress(parse_added, render_added)),
    Row(method="POST", path=f"{_PATH}/delete", scope=Scope.ADMIN, does=UnsuppressAll(parse_removed, render_removed)),
)
