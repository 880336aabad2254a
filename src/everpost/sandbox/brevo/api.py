"""Brevo as its clients see it: one email, statistics of events, the account."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from operator import itemgetter
from random import Random
from typing import Any, Final

import msgspec
from msgspec import Struct

from everpost.dialects.answers import Rendered, render_json
from everpost.dialects.contract import Parsed, Submission
from everpost.model.ids import CORRELATION_KEY
from everpost.model.message import Address, Attachment, Draft
from everpost.sandbox.api import Conduct
from everpost.sandbox.brevo import lists
from everpost.sandbox.brevo.events import BrevoTeller
from everpost.sandbox.desk import Desk, number
from everpost.sandbox.events import Told, told_of
from everpost.sandbox.faults import FaultPlan, Target
from everpost.sandbox.inbox import Caught, Inbox
from everpost.sandbox.suppressed import Suppressed

BASE: Final = "/v3"
SEND_PATH: Final = "/smtp/email"
CUSTOM: Final = "X-Mailin-custom"
IDEMPOTENCY: Final = "idempotencyKey"
KEY_KEPT_S: Final = 1800.0
EVENTS_MAX: Final = 5000
_NAMES: Final = {"request": "requests", "hard_bounce": "hardBounces"}  # of events, in the list: else as they are told
_CODES: Final = {
    400: "invalid_parameter",
    401: "unauthorized",
    402: "not_enough_credits",
    403: "permission_denied",
    404: "document_not_found",
    429: "too_many_requests",
}


class _Address(Struct):
    email: str
    name: str = ""

    def read(self) -> Address:
        return Address(self.email, self.name)


class _File(Struct):
    name: str
    content: bytes = b""


class _Email(Struct, rename="camel"):
    sender: _Address
    to: list[_Address]
    cc: list[_Address] = []
    bcc: list[_Address] = []
    reply_to: _Address | None = None
    subject: str = ""
    text_content: str | None = None
    html_content: str | None = None
    template_id: int | None = None
    attachment: list[_File] = []
    headers: dict[str, str] = {}
    tags: list[str] = []

    def read(self) -> Parsed:
        metadata = _metadata(self.headers.get(CUSTOM, ""))
        delivery_id = metadata.pop(CORRELATION_KEY, None)
        to, cc, bcc = (tuple(each.read() for each in group) for group in (self.to, self.cc, self.bcc))
        draft = Draft(
            sender=self.sender.read(),
            to=to,
            cc=cc,
            bcc=bcc,
            reply_to=(self.reply_to.read(),) if self.reply_to else (),
            subject=self.subject,
            text=self.text_content,
            html=self.html_content,
            attachments=tuple(
                Attachment(filename=file.name, content_type="application/octet-stream", content=file.content)
                for file in self.attachment
            ),
            headers={name: text for name, text in self.headers.items() if name not in (CUSTOM, IDEMPOTENCY)},
            tags=tuple(tag for tag in self.tags if tag != delivery_id),
            metadata=metadata,
        )
        return Parsed(draft=draft, delivery_id=delivery_id)


class Brevo:
    name: Final = "brevo"

    def __init__(self, inbox: Inbox, conduct: Conduct, clock: Callable[[], float], random: Random) -> None:
        self._desk = Desk(self.name, inbox, conduct, clock, random)
        self._suppressed = Suppressed(self.name, inbox, conduct, clock)
        self._inbox = inbox
        self._clock = clock
        self._known: dict[tuple[str, str], float] = {}  # when which idempotency key of which API key was used

    def target(self, method: str, path: str) -> Target:
        return Target.SEND if method == "POST" and path.removeprefix(BASE) == SEND_PATH else Target.LOOKUP

    def refusal(self, plan: FaultPlan) -> Rendered:
        status = plan.status or 500
        return _error(status, plan.text or f"error {status}")

    def answer(self, request: Submission, *, lose: bool = False) -> Rendered:
        key = request.headers.get("api-key", "")
        if not self._desk.lets_in(key):
            return _error(401, "Key not found")
        match request.method, request.path.removeprefix(BASE):
            case "POST", path if path == SEND_PATH:
                return self._send(request.body, key, lose=lose)
            case "GET", "/smtp/statistics/events":
                return self._events(request.query)
            case "GET", "/account":
                return render_json(200, {"email": "sandbox@example.com", "plan": []})
        listed = self._suppressed.answer(request, lists.answer, _error)
        return listed or _error(404, "not found")

    def _send(self, body: bytes, key: str, *, lose: bool) -> Rendered:
        try:
            email = msgspec.json.decode(body, type=_Email)
        except (msgspec.DecodeError, UnicodeDecodeError) as refused:
            return _error(400, str(refused))
        if not (email.text_content or email.html_content or email.template_id):
            return _error(400, "either of htmlContent or textContent is required", "missing_parameter")
        used = (key, email.headers.get(IDEMPOTENCY, ""))
        if used[1] and self._clock() - self._known.get(used, float("-inf")) < KEY_KEPT_S:
            return _error(400, "The idempotency key was used before", "duplicate_request")
        self._known[used] = self._clock()
        message_id = f"{self._desk.random.getrandbits(48)}.{self._desk.random.getrandbits(32)}@smtp-relay.mailin.fr"
        self._desk.take(key, message_id, email.read(), lose=lose)
        return render_json(201, {"messageId": f"<{message_id}>"})

    def _events(self, query: dict[str, str]) -> Rendered:
        wanted = {tag.strip() for tag in query.get("tags", "").split(",") if tag.strip()}
        email, limit = query.get("email"), query.get("limit", "2500")
        if not limit.isdecimal() or int(limit) > EVENTS_MAX:
            return _error(400, f"limit must be a number of at most {EVENTS_MAX}", "out_of_range")
        events = [
            event
            for caught in self._desk.shown(email)
            if wanted <= set(_tags(caught)) and query.get("messageId", _bracketed(caught)) == _bracketed(caught)
            for told in told_of(caught, self._inbox)
            if email in (None, told.recipient) and _is_between(told, query.get("startDate"), query.get("endDate"))
            for event in [_listed(told)]
        ]
        events.sort(key=itemgetter("date"), reverse=query.get("sort") != "asc")
        offset = int(number(query, "offset", 0))
        page = events[offset : offset + int(limit)]
        return render_json(200, {"events": page} if page else {})


def _metadata(text: str) -> dict[str, str]:
    try:
        return msgspec.json.decode(text, type=dict[str, str])
    except msgspec.DecodeError:  # somebody else's
        return {}


def _tags(caught: Caught) -> list[str]:
    return [*caught.draft.tags, *([caught.delivery_id] if caught.delivery_id else [])]


def _bracketed(caught: Caught) -> str:
    return f"<{caught.provider_message_id}>"


def _is_between(told: Told, first: str | None, last: str | None) -> bool:
    """Whether it happened on one of these days, both included."""
    day = f"{datetime.fromtimestamp(told.at, UTC):%Y-%m-%d}"
    return (first or day) <= day <= (last or day)


def _listed(told: Told) -> dict[str, Any]:
    """Each recipient has events of its own. Several tags are shown as the text of a JSON list."""
    caught, tags = told.caught, _tags(told.caught)
    shown = {"tag": tags[0] if len(tags) == 1 else json.dumps(tags)} if tags else {}
    event = dict(BrevoTeller.native[told.what])
    about: dict[str, Any] = {
        "email": told.recipient,
        "date": datetime.fromtimestamp(told.at, UTC).isoformat(),
        "messageId": _bracketed(caught),
        "subject": caught.draft.subject,
        "from": caught.draft.sender.email,
    }
    return about | event | {"event": _NAMES.get(event["event"], event["event"])} | shown


def _error(status: int, words: str, code: str | None = None) -> Rendered:
    return render_json(status, {"code": code or _CODES.get(status, "internal_error"), "message": words})
