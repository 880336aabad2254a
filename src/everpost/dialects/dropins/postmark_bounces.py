"""What was refused, as Postmark's clients ask for it: https://postmarkapp.com/developer/api/bounce-api

A bounce's number is its place in the audit trail.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from everpost.dialects.answers import Rendered, render_json
from everpost.dialects.contract import Submission
from everpost.dialects.dropins.contract import EventPage, ListEvents, Row, SoughtEvents
from everpost.dialects.dropins.postmark_messages import recipient_of
from everpost.dialects.dropins.postmark_query import (
    REACH_MAX,
    STREAM,
    instant,
    read_query,
    read_reach,
    read_times,
    spelled,
)
from everpost.dialects.dropins.reading import refused
from everpost.dialects.faults import Faults
from everpost.model.event import Event, EventType
from everpost.model.key import Scope
from everpost.model.problem import Problem
from everpost.model.sighting import Bounce, Reason
from everpost.model.told import Told

NO_BOUNCE: Final = "no_bounce"
NOT_FOUND: Final = (422, 407)  # status and ErrorCode
_ID_DIGITS_MAX: Final = 18


class _Type(Struct, frozen=True):
    name: str
    code: int
    words: str
    is_inactive: bool = False  # nothing more is sent to the address


_HARD: Final = _Type("HardBounce", 1, "Hard bounce", is_inactive=True)
_SOFT: Final = _Type("SoftBounce", 4096, "Soft bounce")
_BAD: Final = _Type("BadEmailAddress", 100_000, "Bad email address")
_OFF: Final = _Type("ManuallyDeactivated", 100_002, "Manually deactivated")
_BLOCKED: Final = _Type("Blocked", 100_006, "ISP block")
_DEFERRED: Final = _Type("Transient", 2, "Message delayed")
_ANSWERED: Final = _Type("AutoResponder", 64, "Auto responder")
_LEFT: Final = _Type("Unsubscribe", 16, "Unsubscribe request", is_inactive=True)
_COMPLAINED: Final = _Type("SpamComplaint", 100_001, "Spam complaint", is_inactive=True)
_API_ERROR: Final = _Type("SMTPApiError", 100_007, "SMTP API error")

_BY_REASON: Final[Mapping[str, _Type]] = {
    Reason.INVALID_RECIPIENT: _BAD,
    Reason.UNREACHABLE: _Type("DnsError", 256, "DNS error"),
    Reason.CONTENT: _Type("SpamNotification", 512, "Spam notification"),
    Reason.VIRUS: _Type("VirusNotification", 8192, "Virus notification"),
    Reason.AUTH: _Type("DMARCPolicy", 100_009, "DMARC policy"),
    Reason.TEMPLATE: _Type("TemplateRenderingFailed", 100_010, "Template rendering failed"),
    Reason.BLOCKED: _BLOCKED,
    Reason.REPUTATION: _BLOCKED,
    Reason.POLICY: _BLOCKED,
    Reason.SUPPRESSED_BOUNCE: _OFF,
    Reason.SUPPRESSED_COMPLAINT: _OFF,
    Reason.SUPPRESSED_UNSUBSCRIBE: _OFF,
    Reason.SUPPRESSED_MANUAL: _OFF,
}
KINDS: Final[Mapping[EventType, _Type]] = {
    EventType.RECIPIENT_DEFERRED: _DEFERRED,
    EventType.RECIPIENT_BOUNCED: _SOFT,
    EventType.RECIPIENT_REJECTED: _API_ERROR,
    EventType.RECIPIENT_FAILED: _API_ERROR,
    EventType.RECIPIENT_AUTORESPONDED: _ANSWERED,
    EventType.RECIPIENT_UNSUBSCRIBED: _LEFT,
    EventType.RECIPIENT_COMPLAINED: _COMPLAINED,
}
OF_MAILS: Final[Mapping[EventType, _Type]] = {EventType.SUPPRESSED: _OFF, EventType.FAILED: _API_ERROR}
"""What has several recipients, and no number. Postmark's webhooks tell of it; its lists have no place for it."""
_SPOKEN: Final = (EventType.RECIPIENT_BOUNCED, EventType.RECIPIENT_REJECTED, EventType.RECIPIENT_FAILED)
"""Whose reason says more than their type."""
_NAMES: Final = frozenset(each.name for each in (*KINDS.values(), *_BY_REASON.values(), _HARD))


def _type_of(event: Event) -> _Type:
    if event.data.get("bounce") == Bounce.HARD:
        return _HARD
    told = _BY_REASON.get(event.data.get("reason", "")) if event.type in _SPOKEN else None
    return told or KINDS.get(event.type) or OF_MAILS[event.type]


# --- requests --------------------------------------------------------------------------------------------------------


def parse(submission: Submission) -> SoughtEvents | Problem:
    faults = Faults()
    query = read_query(submission, faults)
    count, offset = read_reach(query, faults)
    since, until = read_times(query, faults)
    if query.get("type", _HARD.name) not in _NAMES:
        faults.add("type", f"must be one of: {', '.join(sorted(_NAMES))}")
    if query.get("inactive", "true").lower() not in ("true", "false"):
        faults.add("inactive", "must be true or false")
    if faults:
        return refused(faults, 422)
    return SoughtEvents(
        types=KINDS,
        since=since,
        until=until,
        message_id=query.get("messageid"),
        limit=offset + count + 1,
        is_newest_first=True,
        entries=_entries(query),
    )


def _entries(query: Mapping[str, str]) -> Callable[[Told], Sequence[Any]]:
    """All that is asked for holds together."""

    def entries(told: Told) -> Sequence[Any]:
        bounce = bounce_of(told)
        if bounce is None:
            return ()
        is_wanted = (
            query.get("type") in (None, bounce["Type"])
            and query.get("inactive", str(bounce["Inactive"])).lower() == str(bounce["Inactive"]).lower()
            and query.get("tag") in (None, bounce["Tag"])
            and query.get("emailfilter", "").lower() in bounce["Email"].lower()
        )
        return [bounce] if is_wanted else ()

    return entries


def parse_one(submission: Submission) -> SoughtEvents | Problem:
    """The event behind the place before it, which is it or proves that it is none of the caller's."""
    text = submission.path.split("/")[2]
    if not (text.isascii() and text.isdecimal() and len(text) <= _ID_DIGITS_MAX and int(text) > 0):
        return _NONE
    number = int(text)

    def entries(told: Told) -> Sequence[Any]:
        return [bounce_of(told) if told.seq == number and told.event.type in KINDS else None]

    return SoughtEvents(types=None, limit=1, place=number - 1, entries=entries)


def parse_all(_submission: Submission) -> SoughtEvents | Problem:
    return SoughtEvents(types=KINDS, limit=REACH_MAX, is_newest_first=True, entries=_entries({}))


_NONE: Final = Problem(code=NO_BOUNCE, status=404, title="There is no such bounce")

# --- answers ---------------------------------------------------------------------------------------------------------


def bounce_of(told: Told) -> dict[str, Any] | None:
    """None: nobody has told whom it is about."""
    event, message = told.event, told.message
    email, kind = recipient_of(event, message), _type_of(event)
    if email is None:
        return None
    return {
        "RecordType": "Bounce",
        "ID": told.seq,
        "Type": kind.name,
        "TypeCode": kind.code,
        "Name": kind.words,
        "Tag": next(iter(message.tags), None),
        "MessageID": message.id,
        "ServerID": 1,
        "MessageStream": STREAM,
        "Description": event.data.get("reason", ""),
        "Details": event.data.get("text", ""),
        "Email": email,
        "From": message.sender.email,
        "BouncedAt": instant(event.at),
        "DumpAvailable": False,
        "Inactive": kind.is_inactive,
        "CanActivate": False,
        "Subject": message.subject,
    }


def render(submission: Submission, page: EventPage) -> Rendered:
    """Counted as far as they were looked at, and one more if there are any."""
    count, offset = read_reach(read_query(submission, Faults()), Faults())
    shown = page.entries[offset : offset + count]
    return render_json(200, {"TotalCount": len(page.entries), "Bounces": shown})


def render_one(_submission: Submission, page: EventPage) -> Rendered:
    found = next(iter(page.entries), None)
    if found is None:
        status, code = NOT_FOUND
        return render_json(status, {"ErrorCode": code, "Message": _NONE.title})
    return render_json(200, found)


def render_dump(submission: Submission, page: EventPage) -> Rendered:
    """What the recipient's server has sent back is not kept: as at Postmark, when it is too old to be there."""
    told = render_one(submission, page)
    return render_json(200, {"Body": ""}) if told.status == 200 else told


def render_all(_submission: Submission, page: EventPage) -> Rendered:
    counts = Counter((each["Type"], each["Name"], each["TypeCode"]) for each in page.entries)
    told = [("All", "All", 0, len(page.entries)), *((*kind, count) for kind, count in counts.most_common())]
    bounces = [{"Type": type_, "Name": name, "TypeCode": code, "Count": count} for type_, name, code, count in told]
    inactive = {each["Email"].lower() for each in page.entries if each["Inactive"]}
    return render_json(200, {"InactiveMails": len(inactive), "Bounces": bounces})


def _reading(path: str, does: ListEvents, *query: str) -> Row:
    return Row(method="GET", path=path, scope=Scope.READ, does=does, query=query)


ROWS: Final = (
    _reading(
        "/bounces",
        ListEvents(parse, render),
        *("count", "offset", "type", "inactive", "tag"),
        *spelled("emailfilter", "messageid", "fromdate", "todate", "messagestream"),
    ),
    _reading("/bounces/{number}", ListEvents(parse_one, render_one)),
    _reading("/bounces/{number}/dump", ListEvents(parse_one, render_dump)),
    _reading("/deliverystats", ListEvents(parse_all, render_all)),
    _reading("/deliveryStats", ListEvents(parse_all, render_all)),
)
