"""Mailjet as its clients see it: Send API v3.1, messages, senders."""

import binascii
import re
from base64 import b64decode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from math import inf
from random import Random
from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec import Struct, field

from everpost.dialects.answers import Rendered, render_json
from everpost.dialects.contract import Parsed, Submission
from everpost.model.ids import CORRELATION_KEY
from everpost.model.message import Address, Attachment, Draft
from everpost.sandbox.api import Conduct
from everpost.sandbox.desk import Desk, number
from everpost.sandbox.events import Told, told_of
from everpost.sandbox.faults import FaultPlan, Target
from everpost.sandbox.inbox import Caught, Inbox
from everpost.sandbox.mailjet import history
from everpost.sandbox.suppressed import HARMED, Suppressed

SEND_PATH: Final = "/v3.1/send"
FIRST_ID: Final = 1 << 60  # its ids are beyond what a double can hold
CODES: Final = {401: "mj-0015", 403: "send-0008", 413: "mj-0011"}  # of errors, by status
_HISTORY: Final = re.compile(r"/v3/REST/messagehistory/([0-9]+)")
UNAUTHORIZED: Final = "API key authentication/authorization failure. You may be unauthorized to access the API."


class _Address(Struct, rename="pascal"):
    email: str
    name: str = ""

    def read(self) -> Address:
        return Address(self.email, self.name)


class _File(Struct, rename="pascal"):
    content_type: str
    filename: str
    base64_content: bytes
    content_id: str | None = field(default=None, name="ContentID")

    def read(self) -> Attachment:
        return Attachment(
            filename=self.filename,
            content_type=self.content_type,
            content=self.base64_content,
            content_id=self.content_id,
        )


class _Message(Struct, rename="pascal"):
    from_: _Address = field(name="From")
    to: list[_Address]
    cc: list[_Address] = []
    bcc: list[_Address] = []
    reply_to: _Address | None = None
    subject: str = ""
    text_part: str | None = None
    html_part: str | None = field(default=None, name="HTMLPart")
    template_id: int | None = field(default=None, name="TemplateID")
    attachments: list[_File] = []
    inlined_attachments: list[_File] = []
    headers: dict[str, str] = {}
    custom_campaign: str | None = None
    custom_id: str = field(default="", name="CustomID")
    event_payload: str = ""

    def read(self) -> Parsed:
        metadata = _metadata(self.event_payload)
        delivery_id = metadata.pop(CORRELATION_KEY, None)
        draft = Draft(
            sender=self.from_.read(),
            to=tuple(each.read() for each in self.to),
            cc=tuple(each.read() for each in self.cc),
            bcc=tuple(each.read() for each in self.bcc),
            reply_to=(self.reply_to.read(),) if self.reply_to else (),
            subject=self.subject,
            text=self.text_part,
            html=self.html_part,
            attachments=tuple(each.read() for each in (*self.attachments, *self.inlined_attachments)),
            headers=self.headers,
            tags=(self.custom_campaign,) if self.custom_campaign else (),
            metadata=metadata,
        )
        return Parsed(draft=draft, delivery_id=delivery_id)


class _Request(Struct, rename="pascal"):
    messages: list[msgspec.Raw]
    sandbox_mode: bool = False


class Mailjet:
    name: Final = "mailjet"

    def __init__(self, inbox: Inbox, conduct: Conduct, clock: Callable[[], float], random: Random) -> None:
        self._inbox = inbox
        self._desk = Desk(self.name, inbox, conduct, clock, random)
        Suppressed(self.name, inbox, conduct, clock, HARMED)  # its own, which nobody can read

    def target(self, method: str, path: str) -> Target:
        return Target.SEND if method == "POST" and path == SEND_PATH else Target.LOOKUP

    def refusal(self, plan: FaultPlan) -> Rendered:
        status = plan.status or 500
        return render_json(status, _error(status, plan.text or f"error {status}"))

    def answer(self, request: Submission, *, lose: bool = False) -> Rendered:
        key, secret = _login(request.headers.get("authorization", ""))
        if not key or not self._desk.lets_in(secret):
            return render_json(401, _error(401, UNAUTHORIZED))
        match request.method, request.path:
            case "POST", "/v3.1/send":
                return self._send(request.body, key, lose=lose)
            case "GET", "/v3/REST/message":
                return self._list(request.query)
            case "GET", path if found := _HISTORY.fullmatch(path):
                return self._history(int(found[1]))
            case "GET", "/v3/REST/sender":
                return _page([{"Email": "*@example.com", "Status": "Active"}])
        return render_json(404, _error(404, "Object not found"))

    def _list(self, query: dict[str, str]) -> Rendered:
        found = [entry for caught in self._desk.shown() for entry in self._entries(caught, query)]
        start = int(number(query, "Offset", 0))
        return _page(found[start : start + int(number(query, "Limit", 10))])

    def _history(self, message_id: int) -> Rendered:
        for caught in self._desk.shown():
            place = message_id - int(caught.provider_message_id)
            if 0 <= place < len(caught.draft.recipients):
                return _page(history.history_of(self._told(caught, place)))
        return render_json(404, _error(404, "Object not found"))

    def _told(self, caught: Caught, place: int) -> list[Told]:
        return [told for told in told_of(caught, self._inbox) if told.place == place]

    def _entries(self, caught: Caught, query: dict[str, str]) -> Iterator[dict[str, Any]]:
        """Each recipient is a message of its own; only our own mails have a CustomID here."""
        begin, end = number(query, "FromTS", 0), number(query, "ToTS", inf)
        if query.get("CustomID", caught.delivery_id) != caught.delivery_id or not begin <= caught.received_at <= end:
            return
        for place, address in enumerate(caught.draft.recipients):
            more = {"CustomID": caught.delivery_id or "", "ContactAlt": address.email}
            yield {
                "ID": int(caught.provider_message_id) + place,
                "ArrivedAt": f"{datetime.fromtimestamp(caught.received_at, UTC):%Y-%m-%dT%H:%M:%SZ}",
                **history.state_of(self._told(caught, place)),
                **{name: value for name, value in more.items() if query.get(f"Show{name}") == "true"},
            }

    def _send(self, body: bytes, key: str, *, lose: bool) -> Rendered:
        try:
            request = msgspec.json.decode(body, type=_Request)
        except (msgspec.DecodeError, UnicodeDecodeError) as refused:
            return render_json(400, _error(400, str(refused)))
        results = [self._result(bytes(each), request, key, lose=lose) for each in request.messages]
        return render_json(200 if all("To" in each for each in results) else 400, {"Messages": results})

    def _result(self, message: bytes, request: _Request, key: str, *, lose: bool) -> dict[str, Any]:
        """What becomes of one of the messages."""
        try:
            read = msgspec.json.decode(message, type=_Message)
        except (msgspec.DecodeError, UnicodeDecodeError) as refused:
            return {"Status": "error", "Errors": [_error(400, str(refused), "mj-0003")]}
        if not (read.text_part or read.html_part or read.template_id):
            words = 'At least "HTMLPart", "TextPart" or "TemplateID" must be provided.'
            return {"Status": "error", "Errors": [_error(400, words, "send-0003")]}
        first_id = FIRST_ID + (self._desk.random.getrandbits(40) << 12)
        if not request.sandbox_mode:
            self._desk.take(key, str(first_id), read.read(), lose=lose)
        ids = iter(range(first_id, first_id + (1 << 12)))
        groups = {"To": read.to, "Cc": read.cc, "Bcc": read.bcc}
        told = {name: [_taken(each.email, next(ids)) for each in group] for name, group in groups.items()}
        return {"Status": "success", "CustomID": read.custom_id, **told}


def _taken(email: str, message_id: int) -> dict[str, Any]:
    href = f"https://api.mailjet.com/v3/REST/message/{message_id}"
    return {"Email": email, "MessageUUID": str(UUID(int=message_id)), "MessageID": message_id, "MessageHref": href}


def _page(data: list[dict[str, Any]]) -> Rendered:
    return render_json(200, {"Count": len(data), "Data": data, "Total": len(data)})


def _error(status: int, words: str, code: str = "") -> dict[str, Any]:
    told = {"ErrorIdentifier": "everpost-sandbox", "ErrorCode": code or CODES.get(status, "mj-0002")}
    return told | {"StatusCode": status, "ErrorMessage": words}


def _metadata(payload: str) -> dict[str, str]:
    try:
        return msgspec.json.decode(payload, type=dict[str, str])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}  # somebody else's, in whatever form


def _login(authorization: str) -> tuple[str, str]:
    scheme, _, login = authorization.partition(" ")
    try:
        user, _, password = b64decode(login, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return (user, password) if scheme.lower() == "basic" else ("", "")
