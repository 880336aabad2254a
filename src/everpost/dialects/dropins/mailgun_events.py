"""What became of mails, in Mailgun's words:
https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/events

Each event of ours that Mailgun has a word for, once for each recipient. Links of pages name all that was asked for, and
what is asked beside them counts for nothing, as clients repeat it. The last page is an empty one.
"""

import base64
import binascii
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import quote

import msgspec
from msgspec import Struct

from everpost.dialects.answers import Rendered, render_json
from everpost.dialects.contract import Submission
from everpost.dialects.dropins.contract import EventPage, ListEvents, Row, SoughtEvents
from everpost.dialects.dropins.reading import refused
from everpost.dialects.faults import Faults
from everpost.dialects.notices.facts import NOT_WRITTEN_TO, message_id_of
from everpost.model.event import EventType
from everpost.model.key import Scope
from everpost.model.message import Message
from everpost.model.problem import Problem
from everpost.model.sighting import Machine, Reason
from everpost.model.told import Told

PAGE: Final = 100
PAGE_MAX: Final = 300
QUERY: Final = ("begin", "end", "ascending", "limit", "event", "severity", "tags", "recipient", "message-id")
_OPTIONS: Final = ("begin", "end", "ascending", "limit")
_PLACES: Final = 10**18
_NONE: Final = ("rejected", "stored")  # words of Mailgun's for what is never here
_OR: Final = re.compile(r"\s+OR\s+")
_NUMBER: Final = re.compile(r"\d{1,12}(\.\d{1,9})?")


class _Kind(Struct, frozen=True):
    event: str
    severity: str | None = None
    level: str = "info"


_TEMPORARY: Final = _Kind("failed", "temporary", "warn")
_PERMANENT: Final = _Kind("failed", "permanent", "error")
KINDS: Final[Mapping[EventType, _Kind]] = {
    EventType.ACCEPTED: _Kind("accepted"),
    EventType.SUPPRESSED: _PERMANENT,
    EventType.FAILED: _PERMANENT,
    EventType.RECIPIENT_DELIVERED: _Kind("delivered"),
    EventType.RECIPIENT_DEFERRED: _TEMPORARY,
    EventType.RECIPIENT_BOUNCED: _PERMANENT,
    EventType.RECIPIENT_REJECTED: _PERMANENT,
    EventType.RECIPIENT_FAILED: _PERMANENT,
    EventType.RECIPIENT_OPENED: _Kind("opened"),
    EventType.RECIPIENT_CLICKED: _Kind("clicked"),
    EventType.RECIPIENT_UNSUBSCRIBED: _Kind("unsubscribed"),
    EventType.RECIPIENT_COMPLAINED: _Kind("complained", level="warn"),
}
_BOTS: Final = {Machine.APPLE_MPP: "apple", Machine.IMAGE_PROXY: "gmail"}
_SUPPRESSED: Final[Mapping[str, tuple[str, int]]] = {
    Reason.SUPPRESSED_BOUNCE: ("suppress-bounce", 605),
    Reason.SUPPRESSED_UNSUBSCRIBE: ("suppress-unsubscribe", 606),
    Reason.SUPPRESSED_COMPLAINT: ("suppress-complaint", 607),
}
"""By the reason of a refusal: Mailgun's word and code."""


# --- requests --------------------------------------------------------------------------------------------------------


class _Link(Struct, frozen=True):
    """What a link to another page asks for."""

    query: dict[str, str]
    place: int
    is_before: bool


_LINK: Final = msgspec.json.Decoder(_Link)


def parse(submission: Submission) -> SoughtEvents | Problem:
    return _sought(_Link(submission.query, 0, is_before=False), is_first=True)


def parse_linked(submission: Submission) -> SoughtEvents | Problem:
    link = _link_of(submission)
    if link is None:
        return Problem(code="bad_parameter", status=400, title="The page is none that was given here")
    return _sought(link, is_first=False)


def _link_of(submission: Submission) -> _Link | None:
    token = submission.path.rpartition("/")[2]
    try:
        return _LINK.decode(base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, msgspec.DecodeError, RecursionError):
        return None


def _sought(link: _Link, *, is_first: bool) -> SoughtEvents | Problem:
    faults, query = Faults(), link.query
    begin, end = (_instant(query, name, faults) for name in ("begin", "end"))
    ascending = query.get("ascending") or ("no" if begin is None or (end is not None and end < begin) else "yes")
    if ascending not in ("yes", "no"):
        faults.add("ascending", "must be yes or no")
    since, until = (begin, end) if ascending == "yes" else (end, begin)
    if since is not None and until is not None and since > until:
        faults.add("end", "lies before begin; which is so where ascending is no")
    limit = query.get("limit", str(PAGE))
    if not (limit.isascii() and limit.isdecimal() and 1 <= int(limit[:9]) <= PAGE_MAX):
        faults.add("limit", f"must be a number from 1 to {PAGE_MAX}")
    wanted = {name: _alternatives(text) for name, text in query.items() if name not in _OPTIONS}
    types = _types(wanted, faults)
    if not 0 <= link.place < _PLACES:
        faults.add("page", "is none that was given here")
    if faults:
        return refused(faults, 400)
    message_id = next(iter(wanted.pop("message-id", ())), None)
    return SoughtEvents(
        types=types,
        since=since,
        until=until,
        message_id=message_id and message_id.strip("<>").partition("@")[0],
        limit=int(limit),
        is_newest_first=ascending == "no",
        place=None if is_first else link.place,
        is_before=link.is_before,
        entries=_entries(wanted),
    )


def _instant(query: Mapping[str, str], name: str, faults: Faults) -> float | None:
    text = query.get(name)
    if text is None or _NUMBER.fullmatch(text):
        return None if text is None else float(text)
    try:
        at = parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError):
        at = None
    if at is None or at.tzinfo is None:
        faults.add(name, "must be seconds since 1970, or a date as in RFC 2822: Thu, 31 Jan 2030 09:00:00 +0000")
        return None
    return at.timestamp()


def _alternatives(text: str) -> Collection[str]:
    return [each.strip("\"' ") for each in _OR.split(text)]


def _types(wanted: Mapping[str, Collection[str]], faults: Faults) -> Collection[EventType]:
    known = {kind.event for kind in KINDS.values()}
    events = wanted.get("event", known)
    for event in events:
        if event not in known and event not in _NONE:
            faults.add("event", f"must be one of: {', '.join(sorted(known))}; or some of them with OR between")
    severities = wanted.get("severity", ("temporary", "permanent", None))
    return {type_ for type_, kind in KINDS.items() if kind.event in events and kind.severity in severities}


# --- answers ---------------------------------------------------------------------------------------------------------


def _entries(wanted: Mapping[str, Collection[str]]) -> Callable[[Told], Sequence[Any]]:
    """All that is wanted holds together."""
    tags = wanted.get("tags")
    recipients = wanted.get("recipient")
    emails = None if recipients is None else {each.lower() for each in recipients}

    def entries(told: Told) -> Sequence[Any]:
        if tags is not None and not set(tags) & set(told.message.tags):
            return ()
        places = ((place, told.message.recipients[place].email) for place in told.places)
        return [entry_of(told, place) for place, email in places if emails is None or email.lower() in emails]

    return entries


def entry_of(told: Told, place: int) -> dict[str, Any]:
    event, message, kind = told.event, told.message, KINDS[told.event.type]
    recipient = message.recipients[place].email
    return {
        "id": event.id if "place" in event.data else f"{event.id}:{place}",
        "event": kind.event,
        "timestamp": event.at,
        "log-level": kind.level,
        "recipient": recipient,
        "recipient-domain": recipient.rpartition("@")[2],
        "tags": message.tags,
        "user-variables": message.metadata,
        "campaigns": [],
        "flags": {"is-routed": False, "is-authenticated": True, "is-system-test": False, "is-test-mode": False},
        "envelope": {"sender": message.sender.email, "targets": recipient, "transport": "smtp"},
        "message": {"headers": _headers(message), "attachments": []},
        **_diagnosis(told, kind),
    }


def _headers(message: Message) -> dict[str, str]:
    return {
        "message-id": message_id_of(message.id, message.sender.email),
        "from": str(message.sender),
        "to": ", ".join(map(str, message.to)),
        "subject": message.subject,
    }


def _diagnosis(told: Told, kind: _Kind) -> dict[str, Any]:
    data, type_ = told.event.data, told.event.type
    if type_ in (EventType.RECIPIENT_OPENED, EventType.RECIPIENT_CLICKED):
        return {"client-info": {"bot": _BOTS.get(data["machine"], "generic")}} if "machine" in data else {}
    if kind.severity is None:
        return {"delivery-status": {"code": data.get("smtp_code", 250)}} if kind.event == "delivered" else {}
    word, code = _SUPPRESSED.get(data.get("reason", ""), ("generic", 0))
    words = NOT_WRITTEN_TO if type_ is EventType.SUPPRESSED else data.get("text") or data.get("reason") or ""
    status = {"code": data.get("smtp_code", code), "message": words, "description": words}
    enhanced = {"enhanced-code": data["enhanced_status"]} if "enhanced_status" in data else {}
    reason = "bounce" if type_ is EventType.RECIPIENT_BOUNCED else word
    return {"severity": kind.severity, "reason": reason, "delivery-status": status | enhanced}


def render(submission: Submission, page: EventPage) -> Rendered:
    link = None if "/events/" not in submission.path else _link_of(submission)
    query = submission.query if link is None else link.query
    pages = {
        "previous": _Link(query, page.start, is_before=True),
        "next": _Link(query, page.end, is_before=False),
    }
    events = f"{base_of(submission)}/v3/{quote(submission.path.split('/')[2], safe='')}/events"
    links = {name: f"{events}/{_token(link)}" for name, link in pages.items()}
    return render_json(200, {"items": page.entries, "paging": links})


def base_of(submission: Submission) -> str:
    """Where the client has reached us; a proxy that ends TLS says so."""
    scheme = "https" if submission.headers.get("x-forwarded-proto") == "https" else "http"
    return f"{scheme}://{submission.headers.get('host', '')}"


def _token(link: _Link) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(link)).decode().rstrip("=")


ROWS: Final = (
    Row(method="GET", path="/v3/{domain}/events", scope=Scope.READ, does=ListEvents(parse, render), query=QUERY),
    Row(
        method="GET",
        path="/v3/{domain}/events/{page}",
        scope=Scope.READ,
        does=ListEvents(parse_linked, render),
        query=QUERY,
    ),
)
