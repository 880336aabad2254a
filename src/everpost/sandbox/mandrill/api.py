"""Mandrill as its clients see it: messages/send, messages/search, users/ping2, in any version of its API."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from random import Random
from typing import Any, Final

import msgspec
from msgspec import Struct

from everpost.dialects.addresses import parse_address_list
from everpost.dialects.answers import Rendered, render_json
from everpost.dialects.contract import Parsed, Submission
from everpost.model.ids import CORRELATION_KEY
from everpost.model.message import Address, Attachment, Draft
from everpost.sandbox.api import Conduct
from everpost.sandbox.desk import Desk
from everpost.sandbox.events import told_of
from everpost.sandbox.faults import FaultPlan, Target
from everpost.sandbox.inbox import Caught, Inbox
from everpost.sandbox.mandrill import history, lists
from everpost.sandbox.suppressed import Suppressed

_METHOD: Final = re.compile(r"/api/1\.[0-9]/([a-z0-9/-]+?)(?:\.json)?")
_RECIPIENT: Final = re.compile(r"full_email:(\S+)")
_NAMES: Final = {400: "ValidationError", 401: "Invalid_Key", 402: "PaymentRequired", 503: "ServiceUnavailable"}


class _Recipient(Struct):
    email: str
    name: str | None = None
    type: str = "to"


class _File(Struct):
    type: str
    name: str
    content: bytes


class _Message(Struct):
    from_email: str
    to: tuple[_Recipient, ...]
    from_name: str | None = None
    subject: str | None = None
    text: str | None = None
    html: str | None = None
    headers: dict[str, str] = {}
    attachments: tuple[_File, ...] = ()
    images: tuple[_File, ...] = ()
    tags: tuple[str, ...] = ()
    metadata: dict[str, str] = {}

    def read(self) -> Parsed:
        metadata = dict(self.metadata)
        delivery_id = metadata.pop(CORRELATION_KEY, None)
        answers = self.headers.get("Reply-To", "")
        draft = Draft(
            sender=Address(self.from_email, self.from_name or ""),
            to=self._group("to"),
            cc=self._group("cc"),
            bcc=self._group("bcc"),
            reply_to=tuple(each for each in parse_address_list(answers) if isinstance(each, Address)),
            subject=self.subject or "",
            text=self.text,
            html=self.html,
            attachments=(
                *(Attachment(filename=x.name, content_type=x.type, content=x.content) for x in self.attachments),
                *(
                    Attachment(filename=x.name, content_type=x.type, content=x.content, content_id=x.name)
                    for x in self.images
                ),
            ),
            headers={name: value for name, value in self.headers.items() if name != "Reply-To"},
            tags=self.tags,
            metadata=metadata,
        )
        return Parsed(draft=draft, delivery_id=delivery_id)

    def _group(self, kind: str) -> tuple[Address, ...]:
        return tuple(Address(each.email, each.name or "") for each in self.to if each.type == kind)


class _Call(Struct):
    key: str = ""
    message: _Message | None = None
    query: str = ""
    date_from: str = ""
    date_to: str = "9999"
    limit: int = 100


class Mandrill:
    name: Final = "mandrill"

    def __init__(self, inbox: Inbox, conduct: Conduct, clock: Callable[[], float], random: Random) -> None:
        self._inbox = inbox
        self._desk = Desk(self.name, inbox, conduct, clock, random)
        self._suppressed = Suppressed(self.name, inbox, conduct, clock, tuple(lists.REASONS))

    def target(self, method: str, path: str) -> Target:  # noqa: ARG002 - every call is a POST
        found = _METHOD.fullmatch(path)
        return Target.SEND if found and found[1] == "messages/send" else Target.LOOKUP

    def refusal(self, plan: FaultPlan) -> Rendered:
        status = plan.status or 500
        return _error(status, plan.text or f"error {status}")

    def answer(self, request: Submission, *, lose: bool = False) -> Rendered:
        try:
            call = msgspec.json.decode(request.body, type=_Call)
        except (msgspec.DecodeError, UnicodeDecodeError) as refused:
            return _error(400, f"Validation error: {refused}")
        if not self._desk.lets_in(call.key):
            return _error(401, "Invalid API key")
        found = _METHOD.fullmatch(request.path)
        match found[1] if found else "":
            case "messages/send":
                return self._send(call, lose=lose)
            case "messages/search":
                return render_json(200, list(self._found(call))[: call.limit])
            case "users/ping2":
                return render_json(200, {"PING": "PONG!"})
        listed = self._suppressed.answer(request, lists.answer, _error)
        return listed or _error(404, f'No such method "{request.path}"', "Unknown_Method")

    def _send(self, call: _Call, *, lose: bool) -> Rendered:
        """Whom its own list holds is refused; the others get the mail."""
        message = call.message
        if message is None or not message.to:
            return _error(400, "Validation error: {'message': {'to': 'Please enter an array'}}")
        first_id = f"{self._desk.random.getrandbits(120):030x}00"
        listed = {each.email: why for each in message.to if (why := self._suppressed.why(each.email))}
        if len(listed) < len(message.to):
            self._desk.take(call.key, first_id, message.read(), lose=lose)
        return render_json(200, [_result(each.email, _id(first_id, at), listed) for at, each in enumerate(message.to)])

    def _found(self, call: _Call) -> Iterator[dict[str, Any]]:
        recipient = _RECIPIENT.fullmatch(call.query)
        for caught in self._desk.shown(recipient[1] if recipient else None):
            day = f"{datetime.fromtimestamp(caught.received_at, UTC):%Y-%m-%d}"
            for position, address in enumerate(caught.draft.recipients):
                if call.date_from <= day <= call.date_to and (recipient is None or recipient[1] == address.email):
                    told = [one for one in told_of(caught, self._inbox) if one.place == position]
                    yield _shown(caught, position) | history.fate_of(told)


def _result(email: str, message_id: str, listed: Mapping[str, str]) -> dict[str, Any]:
    result = {"email": email, "_id": message_id, "queued_reason": None}
    if email not in listed:
        return result | {"status": "sent"}
    return result | {"status": "rejected", "reject_reason": lists.REASONS[listed[email]]}


def _id(first_id: str, position: int) -> str:
    """Each recipient has one of his own."""
    return f"{first_id[:-2]}{position:02x}"


def _shown(caught: Caught, position: int) -> dict[str, Any]:
    ours = {CORRELATION_KEY: caught.delivery_id} if caught.delivery_id else {}
    return {
        "ts": int(caught.received_at),
        "_id": _id(caught.provider_message_id, position),
        "sender": caught.draft.sender.email,
        "email": caught.draft.recipients[position].email,
        "subject": caught.draft.subject,
        "tags": caught.draft.tags,
        "metadata": caught.draft.metadata | ours,
    }


def _error(status: int, words: str, name: str = "") -> Rendered:
    told = {"status": "error", "code": status, "name": name or _NAMES.get(status, "GeneralError"), "message": words}
    return render_json(status, told)
