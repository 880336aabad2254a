"""Whom not to write to, as SendGrid's lists: https://www.twilio.com/docs/sendgrid/api-reference/bounces-api

Here is one list, and the source of an entry says on which of SendGrid's it stands. Blocks and invalid addresses keep
nobody from being written to again, so those two are empty. Entries of one stream of mail alone are on none.
"""

from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Any, Final

import msgspec
from msgspec import Struct

from everpost.dialects.addresses import address_of
from everpost.dialects.answers import Rendered, render_json
from everpost.dialects.contract import Submission
from everpost.dialects.dropins.contract import (
    ListSuppressed,
    Row,
    Sought,
    Suppress,
    Unsuppress,
    UnsuppressAll,
)
from everpost.dialects.dropins.reading import refused, sound
from everpost.dialects.dropins.standing import BOUNCED, COMPLAINED, LEFT, is_on
from everpost.dialects.faults import Faults, decode
from everpost.dialects.fields import check_count
from everpost.dialects.times import read_instant
from everpost.model.key import Scope
from everpost.model.problem import Problem
from everpost.model.suppression import Source, Suppression, SuppressionDraft

PAGE_MAX: Final = 500
REACH_MAX: Final = 10_000  # of limit and offset together
ROWS_MAX: Final = 1000  # of one request
_GLOBAL: Final = "/v3/asm/suppressions/global"


class _List(Struct, frozen=True):
    name: str
    shows: Collection[Source]
    tells: Callable[[Suppression], dict[str, Any]]  # beside address and time
    is_of_many: bool = False  # of one address, SendGrid's list of global suppressions tells


def _refusal(row: Suppression) -> dict[str, Any]:
    return {"reason": row.reason, "status": ""}


_LISTS: Final = (
    _List("bounces", BOUNCED, _refusal),
    _List("blocks", (), _refusal),
    _List("invalid_emails", (), _refusal),
    _List("spam_reports", COMPLAINED, lambda _: {"ip": ""}),
    _List("unsubscribes", LEFT, lambda _: {}, is_of_many=True),
)


class _Removed(Struct, forbid_unknown_fields=True, kw_only=True):
    emails: list[str] | None = None
    delete_all: bool = False


class _Added(Struct, forbid_unknown_fields=True):
    recipient_emails: list[str]


_REMOVED: Final = msgspec.json.Decoder(_Removed)
_ADDED: Final = msgspec.json.Decoder(_Added)


# --- requests --------------------------------------------------------------------------------------------------------


def _number(submission: Submission, name: str, default: int, faults: Faults) -> int:
    text = submission.query.get(name, str(default))
    if text.isascii() and text.isdecimal():
        return int(text[:12])
    faults.add(name, "must be a number")
    return default


def parse_page(table: _List, submission: Submission) -> Sought | Problem:
    faults = Faults()
    limit, offset = _number(submission, "limit", PAGE_MAX, faults), _number(submission, "offset", 0, faults)
    if not 1 <= limit <= PAGE_MAX:
        faults.add("limit", f"must be a number from 1 to {PAGE_MAX}")
    elif limit + offset > REACH_MAX:
        words = f"and limit must not be more than {REACH_MAX} together: narrow it by time, or read /v1/suppressions"
        faults.add("offset", words)
    since, until = (_time(submission, name, faults) for name in ("start_time", "end_time"))
    if faults:
        return refused(faults, 400)

    def wanted(row: Suppression) -> bool:
        is_in_time = (since is None or row.created_at >= since) and (until is None or row.created_at < until + 1)
        return is_in_time and is_on(table.shows, row)

    return Sought(limit=limit + offset, wanted=wanted, echo=offset)


def _time(submission: Submission, name: str, faults: Faults) -> float | None:
    text = submission.query.get(name)
    if text is None:
        return None
    return read_instant(float(_number(submission, name, 0, faults)), name, faults)


def parse_one(path: str, shows: Collection[Source], submission: Submission) -> Sought | Problem:
    """The list below this path, as far as an address is on it."""
    faults = Faults()
    address = _address(submission.path.removeprefix(f"{path}/"), "email", faults)
    if faults:
        return refused(faults, 400)

    def wanted(row: Suppression) -> bool:
        return row.address == address and is_on(shows, row)

    return Sought(limit=1, prefix=address, wanted=wanted, echo=0)


def _address(text: str, path: str, faults: Faults) -> str:
    return sound(address_of(text), path, faults).email.lower()


def _addresses(given: Sequence[str], name: str, faults: Faults) -> Sequence[str]:
    if not given:
        faults.add(name, "is empty: give at least one address")
    if not check_count(len(given), ROWS_MAX, name, "addresses", faults):
        return ()
    return [_address(each, f"{name}[{place}]", faults) for place, each in enumerate(given)]


def parse_removed(submission: Submission) -> Sequence[str] | Problem:
    faults = Faults()
    asked = decode(submission.body, _REMOVED, faults)
    if isinstance(asked, Problem):
        return asked
    if asked.delete_all:
        faults.add("delete_all", "can't be done here: name the addresses in `emails`")
    addresses = _addresses(asked.emails or (), "emails", faults)
    return refused(faults, 400) if faults else addresses


def parse_added(submission: Submission) -> Sequence[SuppressionDraft] | Problem:
    faults = Faults()
    asked = decode(submission.body, _ADDED, faults)
    if isinstance(asked, Problem):
        return asked
    addresses = _addresses(asked.recipient_emails, "recipient_emails", faults)
    words, source = "put on the list of unsubscribes", Source.UNSUBSCRIBE
    drafts = [SuppressionDraft(address=each, reason=words, source=source) for each in addresses]
    return refused(faults, 400) if faults else drafts


# --- answers ---------------------------------------------------------------------------------------------------------


def render_page(table: _List, sought: Sought, rows: Sequence[Suppression], _following: str | None) -> Rendered:
    shown = rows[sought.echo :]
    told = [{"created": int(each.created_at), "email": each.address} | table.tells(each) for each in shown]
    return render_json(200, told)


def render_global(_sought: Sought, rows: Sequence[Suppression], _following: str | None) -> Rendered:
    """Nobody is an empty object, and no error."""
    return render_json(200, {"recipient_email": rows[0].address} if rows else {})


def render_added(rows: Sequence[Suppression]) -> Rendered:
    return render_json(201, {"recipient_emails": [row.address for row in rows]})


def _removed(_rows: Any) -> Rendered:
    return Rendered(status=204)


def _rows(table: _List) -> Sequence[Row]:
    path, render, wanted = f"/v3/suppression/{table.name}", partial(render_page, table), partial(is_on, table.shows)
    page = ListSuppressed(partial(parse_page, table), render)
    query = ("limit", "offset", "start_time", "end_time")
    listed = Row(method="GET", path=path, scope=Scope.READ, does=page, query=query)
    if table.is_of_many:
        return (listed,)
    one = ListSuppressed(partial(parse_one, path, table.shows), render)
    some = UnsuppressAll(parse_removed, _removed, wanted)
    return (
        listed,
        Row(method="DELETE", path=path, scope=Scope.ADMIN, does=some),
        Row(method="GET", path=f"{path}/{{address:path}}", scope=Scope.READ, does=one),
        Row(method="DELETE", path=f"{path}/{{address:path}}", scope=Scope.ADMIN, does=Unsuppress(_removed, wanted)),
    )


ROWS: Final = (
    *(row for table in _LISTS for row in _rows(table)),
    Row(method="POST", path=_GLOBAL, scope=Scope.ADMIN, does=Suppress(parse_added, render_added)),
    Row(
        method="GET",
        path=f"{_GLOBAL}/{{address:path}}",
        scope=Scope.READ,
        does=ListSuppressed(partial(parse_one, _GLOBAL, LEFT), render_global),
    ),
    Row(
        method="DELETE",
        path=f"{_GLOBAL}/{{address:path}}",
        scope=Scope.ADMIN,
        does=Unsuppress(_removed, partial(is_on, LEFT)),
    ),
)
