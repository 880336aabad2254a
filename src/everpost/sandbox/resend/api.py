"""Resend as its clients see it: emails, one or many, with idempotency keys; domains."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from random import Random
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from msgspec import Meta, Struct, field

from everpost.dialects.addresses import parse_address
from everpost.dialects.answers import Rendered, render_json
from everpost.dialects.contract import Parsed, Submission
from everpost.model.message import Address, Attachment, Draft
from everpost.sandbox.api import Conduct
from everpost.sandbox.desk import Desk, number
from everpost.sandbox.events import told_of
from everpost.sandbox.faults import FaultPlan, Target
from everpost.sandbox.inbox import Caught, Inbox
from everpost.sandbox.resend import history, lists
from everpost.sandbox.suppressed import Suppressed

ID_HEADER: Final = "X-Everpost-Id"
PAGE: Final = 20  # mails of a list, unless more are asked for
KEPT_S: Final = 24 * 3600.0  # a key and what was answered to it
SEND_PATHS: Final = ("/emails", "/emails/batch")
_NAMES: Final = {
    400: "validation_error",
    401: "missing_api_key",
    403: "invalid_api_key",
    404: "not_found",
    409: "invalid_idempotent_request",
    422: "validation_error",
    429: "rate_limit_exceeded",
}


class _File(Struct):
    filename: str
    content: bytes | list[Annotated[int, Meta(ge=0, le=255)]] = b""  # its own client may list the bytes
    content_type: str = "application/octet-stream"
    content_id: str | None = None


class _Email(Struct):
    from_: str = field(name="from")
    to: str | list[str]
    subject: str = ""
    cc: str | list[str] = []
    bcc: str | list[str] = []
    reply_to: str | list[str] = []
    text: str | None = None
    html: str | None = None
    headers: dict[str, str] = {}
    attachments: list[_File] = []
    template: dict[str, Any] | None = None


class _Known(Struct):
    """What was answered to a key."""

    digest: bytes
    at: float
    answer: Rendered


class Resend:
    name: Final = "resend"

    def __init__(self, inbox: Inbox, conduct: Conduct, clock: Callable[[], float], random: Random) -> None:
        self._desk = Desk(self.name, inbox, conduct, clock, random)
        self._inbox = inbox
        self._suppressed = Suppressed(self.name, inbox, conduct, clock, lists.STOPPING)
        self._clock = clock
        self._known: dict[tuple[str, str], _Known] = {}  # by API key and idempotency key

    def target(self, method: str, path: str) -> Target:
        return Target.SEND if method == "POST" and path in SEND_PATHS else Target.LOOKUP

    def refusal(self, plan: FaultPlan) -> Rendered:
        status = plan.status or 500
        return _error(status, plan.text or f"error {status}")

    def answer(self, request: Submission, *, lose: bool = False) -> Rendered:
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not key:
            return _error(401, "Missing API Key")
        if not self._desk.lets_in(key):
            return _error(403, "API key is invalid")
        match request.method, request.path:
            case "POST", path if path in SEND_PATHS:
                return self._once(request, key, lose=lose)
            case "GET", "/emails":
                return self._list(request.query)
            case "GET", path if path.startswith("/emails/"):
                wanted = path.removeprefix("/emails/")
                found = next((each for each in self._desk.shown() if each.provider_message_id == wanted), None)
                return render_json(200, self._shown(found)) if found else _error(404, "Email not found")
            case "GET", "/domains":
                return render_json(200, {"object": "list", "data": []})
        listed = self._suppressed.answer(request, lists.answer, _error)
        return listed or _error(404, "The requested endpoint does not exist.")

    def _once(self, request: Submission, key: str, *, lose: bool) -> Rendered:
        """The same request again gets the first one's answer; another one with its key is refused."""
        given = request.headers.get("idempotency-key", "")
        digest = hashlib.sha256(request.body).digest()
        known = self._known.get((key, given)) if given else None
        if known is not None and self._clock() - known.at < KEPT_S:
            if known.digest == digest:
                return known.answer
            return _error(409, "Same idempotency key used with a different request payload.")
        answer = self._send(request, key, lose=lose)
        if given and answer.status == 200:
            self._known[key, given] = _Known(digest, self._clock(), answer)
        return answer

    def _list(self, query: dict[str, str]) -> Rendered:
        """A page of the newest, from behind the mail that `after` names."""
        shown, after = [*self._desk.shown()], query.get("after")
        start = next((place for place, each in enumerate(shown, 1) if each.provider_message_id == after), 0)
        end = start + int(number(query, "limit", PAGE))
        data = [self._shown(each) for each in shown[start:end]]
        return render_json(200, {"object": "list", "has_more": end < len(shown), "data": data})

    def _shown(self, caught: Caught) -> dict[str, Any]:
        draft = caught.draft
        return {
            "object": "email",
            "id": caught.provider_message_id,
            "from": str(draft.sender),
            "to": [each.email for each in draft.to],
            "cc": [each.email for each in draft.cc],
            "bcc": [each.email for each in draft.bcc],
            "subject": draft.subject,
            "created_at": datetime.fromtimestamp(caught.received_at, UTC).isoformat(),
            "last_event": history.last_of(told_of(caught, self._inbox)),
        }

    def _send(self, request: Submission, key: str, *, lose: bool) -> Rendered:
        is_batch = request.path == "/emails/batch"
        try:
            body = request.body if is_batch else b"[%b]" % request.body
            emails = msgspec.json.decode(body, type=list[_Email])
        except (msgspec.DecodeError, UnicodeDecodeError) as refused:
            return _error(422, str(refused))
        read = [_parsed(email) for email in emails]
        wrong = next((each for each in read if isinstance(each, str)), None)
        if wrong is not None or not read:
            return _error(422, wrong or "no email was given")
        ids = [{"id": self._take(key, each, lose=lose)} for each in read if isinstance(each, Parsed)]
        return render_json(200, {"data": ids} if is_batch else ids[0])

    def _take(self, key: str, parsed: Parsed, *, lose: bool) -> str:
        message_id = str(UUID(int=self._desk.random.getrandbits(128), version=4))
        self._desk.take(key, message_id, parsed, lose=lose)
        return message_id


def _parsed(email: _Email) -> Parsed | str:
    """The mail, or what is wrong with it."""
    fields = {"from": email.from_, "to": email.to, "cc": email.cc, "bcc": email.bcc, "reply_to": email.reply_to}
    groups = {
        name: [parse_address(text) for text in ([given] if isinstance(given, str) else given)]
        for name, given in fields.items()
    }
    wrong = [f"Invalid `{name}`. {each}" for name, group in groups.items() for each in group if isinstance(each, str)]
    if wrong:
        return wrong[0]
    if not groups["to"]:
        return "Missing `to` field."
    if not (email.text or email.html or email.template):
        return "Missing `html` or `text` field."
    sound = {name: tuple(each for each in group if isinstance(each, Address)) for name, group in groups.items()}
    draft = Draft(
        sender=sound["from"][0],
        to=sound["to"],
        cc=sound["cc"],
        bcc=sound["bcc"],
        reply_to=sound["reply_to"],
        subject=email.subject,
        text=email.text,
        html=email.html,
        attachments=tuple(map(_attachment, email.attachments)),
        headers={name: value for name, value in email.headers.items() if name != ID_HEADER},
    )
    return Parsed(draft=draft, delivery_id=email.headers.get(ID_HEADER))


def _attachment(file: _File) -> Attachment:
    return Attachment(
        filename=file.filename, content_type=file.content_type, content=bytes(file.content), content_id=file.content_id
    )


def _error(status: int, words: str) -> Rendered:
    name = _NAMES.get(status, "application_error")
    return render_json(status, {"statusCode": status, "name": name, "message": words})
