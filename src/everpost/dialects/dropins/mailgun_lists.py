"""Whom not to write to, as Mailgun's three lists of a domain:
https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/bounces

Here is one list for all domains, and the source of an entry says on which of the three it stands. Entries of one stream
of mail alone are on none. The last page is an empty one, as Mailgun's.
"""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import partial
from typing import Any, Final
from urllib.parse import urlencode

import msgspec
from msgspec import Struct

from everpost.dialects.addresses import address_of
from everpost.dialects.answers import Rendered, render_json
from everpost.dialects.contract import Submission
from everpost.dialects.dropins.contract import (
    FindSuppressed,
    ListSuppressed,
    Row,
    Sought,
    Suppress,
    Unsuppress,
)
from everpost.dialects.dropins.mailgun_events import base_of
from everpost.dialects.dropins.mailgun_form import form_of
from everpost.dialects.dropins.reading import pieces, refused, sound
from everpost.dialects.dropins.standing import BOUNCED, COMPLAINED, LEFT, is_on
from everpost.dialects.faults import Faults, decode
from everpost.dialects.fields import check_count, check_line
from everpost.model.key import Scope
from everpost.model.limits import REASON_CHARS_MAX
from everpost.model.problem import Problem
from everpost.model.suppression import Source, Suppression, SuppressionDraft

PAGE: Final = 100
PAGE_MAX: Final = 1000
ROWS_MAX: Final = 1000  # of one request
_ANY: Final = "*"  # the tag that stands for all mail
_FIRST: Final = "first"
_NEXT: Final = "next"
_PREVIOUS: Final = "previous"
_LAST: Final = "last"


class _List(Struct, frozen=True):
    name: str
    source: Source  # of what is put on it
    shows: Collection[Source]
    removed: str  # what is told of an entry that was taken off


_LISTS: Final = (
    _List("bounces", Source.BOUNCE, BOUNCED, "Bounced address has been removed"),
    _List("complaints", Source.COMPLAINT, COMPLAINED, "Spam complaint has been removed"),
    _List("unsubscribes", Source.UNSUBSCRIBE, LEFT, "Unsubscribe event has been removed"),
)


class _Entry(Struct, forbid_unknown_fields=True, kw_only=True):
    address: str
    code: int | str | None = None
    error: str | None = None
    tag: str | None = None
    tags: list[str] | None = None


_ENTRY: Final = msgspec.json.Decoder(_Entry)


# --- requests --------------------------------------------------------------------------------------------------------


def parse_page(table: _List, submission: Submission) -> Sought | Problem:
    faults, query = Faults(), submission.query
    limit = query.get("limit", str(PAGE))
    if not (limit.isascii() and limit.isdecimal() and 1 <= int(limit[:9]) <= PAGE_MAX):
        faults.add("limit", f"must be a number from 1 to {PAGE_MAX}")
    page, address = query.get("page", _NEXT), query.get("address", "").lower()
    if page not in (_FIRST, _NEXT, _PREVIOUS, _LAST):
        faults.add("page", f"must be one of: {_FIRST}, {_NEXT}, {_PREVIOUS}, {_LAST}")
    elif page == _PREVIOUS and not address:
        faults.add("address", "is missing: the previous page ends ahead of it")
    if faults:
        return refused(faults, 400)
    place = {_NEXT: {"after": address}, _PREVIOUS: {"ahead_of": address}, _LAST: {"ahead_of": ""}}.get(page, {})
    return Sought(limit=int(limit), wanted=partial(is_on, table.shows), echo=submission, **place)


def parse_added(table: _List, submission: Submission) -> Sequence[SuppressionDraft] | Problem:
    bodies = _bodies(submission)
    if isinstance(bodies, Problem):
        return bodies
    faults = Faults()
    if not bodies:
        faults.add("", "give at least one entry")
    if not check_count(len(bodies), ROWS_MAX, "", "entries", faults):
        return refused(faults, 400)
    drafts = [_draft(table, body, faults) for body in bodies]
    wrong = next((each for each in drafts if isinstance(each, Problem)), None)
    if wrong is not None:
        return wrong
    return refused(faults, 400) if faults else [each for each in drafts if isinstance(each, SuppressionDraft)]


def _bodies(submission: Submission) -> Sequence[bytes] | Problem:
    """Each entry as JSON: the body is a list of them, or a form that is one."""
    kind = submission.headers.get("content-type", "")
    if kind.partition(";")[0].strip().lower() == "application/json":
        found = pieces(submission.body)
        return found if isinstance(found, Problem) else [bytes(each) for each in found]
    form = form_of(submission)
    if isinstance(form, Problem):
        return form
    return [msgspec.json.encode({name: values[-1] for name, values in form.fields.items()})]


def _draft(table: _List, body: bytes, faults: Faults) -> SuppressionDraft | Problem:
    entry = decode(body, _ENTRY, faults)
    if isinstance(entry, Problem):
        return entry
    for tag in (*(entry.tags or ()), entry.tag or _ANY):
        if tag != _ANY:
            faults.add("tag", f"must be {_ANY}, for all mail: a tag is no stream that somebody could leave")
    words = " ".join(str(each) for each in (entry.code, entry.error) if each)
    check_line(words, REASON_CHARS_MAX, "error", faults)
    address = sound(address_of(entry.address), "address", faults).email
    reason = words or f"put on the list of {table.name}"
    return SuppressionDraft(address=address, reason=reason, source=table.source)


# --- answers ---------------------------------------------------------------------------------------------------------


def render_page(sought: Sought, rows: Sequence[Suppression], following: str | None) -> Rendered:
    asked: Submission = sought.echo
    last = following or (rows[-1].address if rows else sought.after)
    back = {"page": _PREVIOUS, "address": rows[0].address} if rows else {"page": _LAST}
    links = {_FIRST: {}, _NEXT: {"page": _NEXT, "address": last}, _PREVIOUS: back, _LAST: {"page": _LAST}}
    paging = {name: _link(asked, place) for name, place in links.items()}
    return render_json(200, {"items": [*map(_shown, rows)], "paging": paging})


def _link(asked: Submission, more: dict[str, str]) -> str:
    kept = {name: value for name, value in asked.query.items() if name == "limit"}
    return f"{base_of(asked)}{asked.path}?{urlencode(kept | more)}"


def _shown(row: Suppression) -> dict[str, Any]:
    created_at = format_datetime(datetime.fromtimestamp(row.created_at, UTC)).replace("+0000", "UTC")
    told = {"address": row.address, "created_at": created_at}
    if is_on(BOUNCED, row):
        return told | {"code": "550", "error": row.reason}
    return told if row.source is Source.COMPLAINT else told | {"tags": [_ANY]}


def render_one(row: Suppression) -> Rendered:
    return render_json(200, _shown(row))


def render_added(table: _List, rows: Sequence[Suppression]) -> Rendered:
    if len(rows) == 1:
        words = f"Address has been added to the {table.name} table"
        return render_json(200, {"message": words, "address": rows[0].address})
    return render_json(200, {"message": f"{len(rows)} addresses have been added to the {table.name} table"})


def render_removed(table: _List, row: Suppression) -> Rendered:
    return render_json(200, {"message": table.removed, "address": row.address})


def _rows(table: _List) -> Sequence[Row]:
    path = f"/v3/{{domain}}/{table.name}"
    one, wanted = f"{path}/{{address:path}}", partial(is_on, table.shows)
    lists = ListSuppressed(partial(parse_page, table), render_page)
    adds = Suppress(partial(parse_added, table), partial(render_added, table))
    return (
        Row(method="GET", path=path, scope=Scope.READ, does=lists, query=("limit", "page", "address")),
        Row(method="POST", path=path, scope=Scope.ADMIN, does=adds),
        Row(method="GET", path=one, scope=Scope.READ, does=FindSuppressed(render_one, wanted)),
        Row(method="DELETE", path=one, scope=Scope.ADMIN, does=Unsuppress(partial(render_removed, table), wanted)),
    )


ROWS: Final = tuple(row for table in _LISTS for row in _rows(table))
