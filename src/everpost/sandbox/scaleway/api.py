"""Scaleway Transactional Email as its clients see it: emails, domains."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from random import Random
from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec import Struct, field

from everpost.dialects.addresses import parse_address_list
from everpost.dialects.answers import Rendered, render_json
from everpost.dialects.contract import Parsed, Submission
from everpost.model.message import Address, Attachment, Draft
from everpost.sandbox.api import Conduct
from everpost.sandbox.desk import Desk, number
from everpost.sandbox.events import told_of
from everpost.sandbox.faults import FaultPlan, Target
from everpost.sandbox.inbox import Caught, Inbox
from everpost.sandbox.scaleway import history, lists
from everpost.sandbox.suppressed import Suppressed

TEXT_CHARS_MIN: Final = 10
PAGE: Final = 20  # mails of a list, unless more are asked for
_PATH: Final = re.compile(r"/transactional-email/v1alpha1/regions/fr-par/(emails|domains)")
_TYPES: Final = {400: "invalid_arguments", 401: "denied_authentication", 403: "permissions_denied", 404: "not_found"}
_OURS: Final = {"X-Everpost-Id", "Reply-To"}


class _File(Struct):
    name: str
    type: str
    content: bytes


class _Header(Struct):
    key: str
    value: str


class _Email(Struct):
    from_: Address = field(name="from")
    project_id: str = ""
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    bcc: tuple[Address, ...] = ()
    subject: str = ""
    text: str = ""
    html: str = ""
    attachments: tuple[_File, ...] = ()
    additional_headers: tuple[_Header, ...] = ()

    def fault(self) -> tuple[str, str] | None:
        """The field that is wrong, and why."""
        if not self.project_id:
            return "project_id", "is required"
        if not self.to + self.cc + self.bcc:
            return "to", "is required"
        texts = [text for text in (self.text, self.html) if text]
        if not texts or min(map(len, texts)) < TEXT_CHARS_MIN:
            return "text", f"must have at least {TEXT_CHARS_MIN} characters"
        return None

    def read(self) -> Parsed:
        headers = {each.key: each.value for each in self.additional_headers}
        answers = parse_address_list(headers.get("Reply-To", ""))
        draft = Draft(
            sender=self.from_,
            to=self.to,
            cc=self.cc,
            bcc=self.bcc,
            reply_to=tuple(each for each in answers if isinstance(each, Address)),
            subject=self.subject,
            text=self.text or None,
            html=self.html or None,
            attachments=tuple(
                Attachment(filename=each.name, content_type=each.type, content=each.content)
                for each in self.attachments
            ),
            headers={name: value for name, value in headers.items() if name not in _OURS},
        )
        return Parsed(draft=draft, delivery_id=headers.get("X-Everpost-Id"))


class Scaleway:
    name: Final = "scaleway"

    def __init__(self, inbox: Inbox, conduct: Conduct, clock: Callable[[], float], random: Random) -> None:
        self._inbox = inbox
        self._desk = Desk(self.name, inbox, conduct, clock, random)
        self._suppressed = Suppressed(self.name, inbox, conduct, clock, ("bounced",))

    def target(self, method: str, path: str) -> Target:
        found = _PATH.fullmatch(path)
        return Target.SEND if method == "POST" and found and found[1] == "emails" else Target.LOOKUP

    def refusal(self, plan: FaultPlan) -> Rendered:
        status = plan.status or 500
        return _error(status, plan.text or f"error {status}")

    def answer(self, request: Submission, *, lose: bool = False) -> Rendered:
        key = request.headers.get("x-auth-token", "")
        if not self._desk.lets_in(key):
            return _error(401, "authentication is denied")
        found = _PATH.fullmatch(request.path)
        match request.method, found[1] if found else "":
            case "POST", "emails":
                return self._send(request.body, key, lose=lose)
            case "GET", "emails":
                return self._list(request.query)
            case "GET", "domains":
                return render_json(200, {"total_count": 1, "domains": [{"id": lists.DOMAIN_ID, "status": "checked"}]})
        listed = self._suppressed.answer(request, lists.answer, _error)
        return listed or _error(404, "resource is not found")

    def _send(self, body: bytes, key: str, *, lose: bool) -> Rendered:
        try:
            email = msgspec.json.decode(body, type=_Email)
        except (msgspec.DecodeError, UnicodeDecodeError) as refused:
            return _error(400, str(refused))
        if fault := email.fault():
            return _error(400, "invalid argument(s)", *fault)
        first_id = _id(str(UUID(int=self._desk.random.getrandbits(128))), 0)
        return render_json(200, {"emails": self._emails(self._desk.take(key, first_id, email.read(), lose=lose))})

    def _list(self, query: dict[str, str]) -> Rendered:
        """The newest first, or those of whom there is news; a recipient and a subject tell them apart, and no more."""
        since, until = query.get("since", ""), query.get("until", "9999")
        found = [
            email
            for caught in self._desk.shown(query.get("mail_rcpt"))
            for email in self._emails(caught)
            if query.get("mail_rcpt", email["mail_rcpt"]) == email["mail_rcpt"] and since < email["created_at"] < until
        ]
        if query.get("order_by") == "updated_at_desc":
            found.sort(key=lambda email: str(email["updated_at"]), reverse=True)
        size = int(number(query, "page_size", PAGE))
        start = (int(number(query, "page", 1)) - 1) * size
        return render_json(200, {"total_count": len(found), "emails": found[start : start + size]})

    def _emails(self, caught: Caught) -> list[dict[str, Any]]:
        told = told_of(caught, self._inbox)
        return [
            {
                "id": _id(caught.provider_message_id, place),
                "message_id": f"<{caught.provider_message_id}@tem.scaleway.example>",
                "mail_from": caught.draft.sender.email,
                "mail_rcpt": address.email,
                "subject": caught.draft.subject,
                "created_at": f"{datetime.fromtimestamp(caught.received_at, UTC):%Y-%m-%dT%H:%M:%S.%fZ}",
                **history.state_of([one for one in told if one.place == place]),
            }
            for place, address in enumerate(caught.draft.recipients)
        ]


def _id(first_id: str, position: int) -> str:
    """Each recipient has one of his own."""
    return f"{first_id[:-2]}{position:02x}"


def _error(status: int, words: str, argument: str = "", why: str = "") -> Rendered:
    details = [{"argument_name": argument, "reason": "constraint", "help_message": why}] if argument else []
    told = {"type": _TYPES.get(status, "internal"), "message": words, "details": details}
    return render_json(status, told)
