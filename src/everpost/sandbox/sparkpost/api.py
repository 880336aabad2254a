"""SparkPost as its clients see it: transmissions, message events, the account."""

from collections.abc import Callable
from datetime import UTC, datetime
from random import Random
from typing import Any, Final
from urllib.parse import urlencode

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from everpost.dialects import mime
from everpost.dialects.addresses import parse_address, parse_address_list
from everpost.dialects.answers import Rendered, render_json
from everpost.dialects.contract import Parsed, Submission
from everpost.model.ids import CORRELATION_KEY
from everpost.model.message import Address, Attachment, Draft
from everpost.model.problem import Problem
from everpost.sandbox.api import Conduct
from everpost.sandbox.desk import Desk
from everpost.sandbox.events import Told, told_of
from everpost.sandbox.faults import FaultPlan, Target
from everpost.sandbox.inbox import Inbox
from everpost.sandbox.sparkpost import lists
from everpost.sandbox.sparkpost.events import event_of
from everpost.sandbox.suppressed import Suppressed

BASE: Final = "/api/v1"
SEND_PATH: Final = "/transmissions"
EVENTS_PATH: Final = "/events/message"
_CODES: Final = {400: "1400", 401: "1100", 403: "1601", 404: "1600", 422: "1300", 429: "1600", 500: "1500", 503: "1900"}
_WORDS: Final = {401: "Unauthorized.", 403: "Forbidden.", 420: "Exceed Sending Limit", 429: "Too many requests"}


class _Address(Struct):
    email: str
    name: str = ""
    header_to: str = ""


class _Recipient(Struct):
    address: str | _Address
    metadata: dict[str, Any] = {}


class _File(Struct):
    name: str
    type: str
    data: bytes


class _Content(Struct):
    from_: str | _Address | None = msgspec.field(default=None, name="from")
    subject: str = ""
    text: str | None = None
    html: str | None = None
    reply_to: str = ""
    headers: dict[str, str] = {}
    attachments: list[_File] = []
    inline_images: list[_File] = []
    template_id: str | None = None
    email_rfc822: str | None = None


class _Transmission(Struct):
    recipients: list[_Recipient]
    content: _Content
    metadata: dict[str, str] = {}
    campaign_id: str = ""


class SparkPost:
    name: Final = "sparkpost"

    def __init__(self, inbox: Inbox, conduct: Conduct, clock: Callable[[], float], random: Random) -> None:
        self._inbox = inbox
        self._desk = Desk(self.name, inbox, conduct, clock, random)
        self._suppressed = Suppressed(self.name, inbox, conduct, clock, lists.STOPPING)

    def target(self, method: str, path: str) -> Target:
        return Target.SEND if method == "POST" and path.removeprefix(BASE) == SEND_PATH else Target.LOOKUP

    def refusal(self, plan: FaultPlan) -> Rendered:
        status = plan.status or 500
        return _error(status, plan.text or f"error {status}")

    def answer(self, request: Submission, *, lose: bool = False) -> Rendered:
        key = request.headers.get("authorization", "")
        if not self._desk.lets_in(key):
            return _error(401, "Unauthorized.")
        match request.method, request.path.removeprefix(BASE).rstrip("/"):
            case "POST", path if path == SEND_PATH:
                return self._send(request.body, key, lose=lose)
            case "GET", path if path == EVENTS_PATH:
                try:
                    return self._events(request.query)
                except ValueError as refused:
                    return _error(400, str(refused))
            case "GET", "/account":
                return render_json(200, {"results": {"company_name": "Sandbox", "status": "active"}})
        listed = self._suppressed.answer(request, lists.answer, _error)
        return listed or _error(404, "Resource could not be found")

    def _send(self, body: bytes, key: str, *, lose: bool) -> Rendered:
        try:
            sent = msgspec.json.decode(body, type=_Transmission)
        except (msgspec.DecodeError, UnicodeDecodeError) as refused:
            return _error(400, str(refused))
        parsed = _parsed(sent)
        if isinstance(parsed, str):
            return _error(422, parsed)
        everybody = parsed.draft.recipients
        refused_ones = [each for each in everybody if self._suppressed.why(each.email)]
        transmission = str(self._desk.random.getrandbits(56))
        if len(refused_ones) < len(everybody):
            self._desk.take(key, transmission, parsed, lose=lose)
        counts = {
            "total_accepted_recipients": len(everybody) - len(refused_ones),
            "total_rejected_recipients": len(refused_ones),
        }
        return render_json(200, {"results": {"id": transmission} | counts})

    def _events(self, query: dict[str, str]) -> Rendered:
        """Pages are told apart by a cursor, and the next one's address is a path."""
        begin, end = (_instant(query[name]) if name in query else None for name in ("from", "to"))
        wanted = {email for email in query.get("recipients", "").split(",") if email}
        types = {name for name in query.get("events", "").split(",") if name}
        listed = (
            _listed(told)
            for caught in self._desk.shown()
            for told in told_of(caught, self._inbox)
            if (begin is None or told.at >= begin) and (end is None or told.at < end)
        )
        found = [
            event
            for event in listed
            if (not wanted or event["rcpt_to"] in wanted) and (not types or event["type"] in types)
        ]
        cursor, size = query.get("cursor", "initial"), int(query.get("per_page", "1000"))
        start = 0 if cursor == "initial" else int(cursor)
        following = f"{BASE}{EVENTS_PATH}?" + urlencode(query | {"cursor": str(start + size)})
        links = {"next": following} if len(found) > start + size else {}
        return render_json(200, {"results": found[start : start + size], "total_count": len(found), "links": links})


def _parsed(sent: _Transmission) -> Parsed | str:
    """The mail, or what is wrong with it. Who is named by no header is a hidden recipient."""
    content = sent.content
    if content.email_rfc822 is not None:
        return _parsed_whole(sent, content.email_rfc822)
    if not content.template_id and not (content.from_ and content.subject and (content.text or content.html)):
        return "required field is missing"
    envelope = [_bare(each.address) for each in sent.recipients]
    sender = _address(content.from_ or "sandbox@example.com")
    lines = [each.address.header_to for each in sent.recipients if isinstance(each.address, _Address)]
    cc = _named(content.headers.get("CC", ""), envelope)
    others = [address for each in sent.recipients if (address := _read(each.address)) not in cc]
    to = _named(next(filter(None, lines), ""), envelope) or tuple(others)
    named = {each.email for each in (*to, *cc)}
    if isinstance(sender, str) or not envelope:
        return "invalid data format/type"
    metadata = dict(sent.metadata)
    delivery_id = metadata.pop(CORRELATION_KEY, None)
    draft = Draft(
        sender=sender,
        to=to,
        cc=cc,
        bcc=tuple(Address(email) for email in envelope if email not in named),
        reply_to=tuple(each for each in parse_address_list(content.reply_to) if isinstance(each, Address)),
        subject=content.subject,
        text=content.text,
        html=content.html,
        attachments=(
            *(Attachment(filename=x.name, content_type=x.type, content=x.data) for x in content.attachments),
            *(
                Attachment(filename=x.name, content_type=x.type, content=x.data, content_id=x.name)
                for x in content.inline_images
            ),
        ),
        headers={name: value for name, value in content.headers.items() if name != "CC"},
        tags=(sent.campaign_id,) if sent.campaign_id else (),
        metadata=metadata,
    )
    return Parsed(draft=draft, delivery_id=delivery_id)


def _parsed_whole(sent: _Transmission, whole: str) -> Parsed | str:
    """Of a mail that goes out as it stands."""
    read = mime.parse(whole.encode(), [_bare(each.address) for each in sent.recipients])
    if isinstance(read, Problem):
        return "template mime parsing error"
    metadata = dict(sent.metadata)
    delivery_id = metadata.pop(CORRELATION_KEY, None)
    tags = (sent.campaign_id,) if sent.campaign_id else ()
    return replace(read, draft=replace(read.draft, tags=tags, metadata=metadata), delivery_id=delivery_id)


def _named(line: str, envelope: list[str]) -> tuple[Address, ...]:
    return tuple(each for each in parse_address_list(line) if isinstance(each, Address) and each.email in envelope)


def _bare(given: str | _Address) -> str:
    return given if isinstance(given, str) else given.email


def _read(given: str | _Address) -> Address:
    return Address(given) if isinstance(given, str) else Address(given.email, given.name)


def _address(given: str | _Address) -> Address | str:
    return parse_address(given) if isinstance(given, str) else Address(given.email, given.name)


def _instant(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _listed(told: Told) -> dict[str, Any]:
    """As it is told, but for the form of its time."""
    return event_of(told) | {"timestamp": datetime.fromtimestamp(told.at, UTC).isoformat()}


def _error(status: int, words: str) -> Rendered:
    error = {"message": _WORDS.get(status, words), "description": words, "code": _CODES.get(status, "1400")}
    return render_json(status, {"errors": [error]})
