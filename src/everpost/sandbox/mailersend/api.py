"""MailerSend as its clients see it: email, domains, activity."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from math import inf
from mimetypes import guess_type
from operator import attrgetter
from random import Random
from typing import Any, Final

import msgspec
from msgspec import Struct, field

from everpost.dialects.answers import Rendered, render_json
from everpost.dialects.contract import Parsed, Submission
from everpost.model.ids import MESSAGE_PREFIX
from everpost.model.message import Address, Attachment, Draft
from everpost.sandbox.api import Conduct
from everpost.sandbox.desk import Desk, number
from everpost.sandbox.events import Told, told_of
from everpost.sandbox.faults import FaultPlan, Target
from everpost.sandbox.inbox import Caught, Inbox
from everpost.sandbox.mailersend import lists
from everpost.sandbox.mailersend.events import MailerSendTeller
from everpost.sandbox.suppressed import Suppressed

SEND_PATH: Final = "/v1/email"
_ACTIVITY: Final = re.compile(r"/v1/activity/([^/]+)")
_PAGING: Final = (("limit", 25), ("page", 1))
_CODES: Final = {403: "MS40301", 429: "MS42903"}


class _File(Struct):
    content: bytes
    filename: str
    disposition: str = "attachment"
    id: str | None = None


class _Header(Struct):
    name: str
    value: str


class _Email(Struct):
    from_: Address = field(name="from")
    to: tuple[Address, ...]
    cc: tuple[Address, ...] = ()
    bcc: tuple[Address, ...] = ()
    reply_to: Address | None = None
    subject: str = ""
    text: str | None = None
    html: str | None = None
    template_id: str | None = None
    attachments: tuple[_File, ...] = ()
    headers: tuple[_Header, ...] = ()
    in_reply_to: str | None = None
    references: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()

    def read(self) -> Parsed:
        headers = {each.name: each.value for each in self.headers}
        headers |= {"In-Reply-To": self.in_reply_to} if self.in_reply_to else {}
        headers |= {"References": " ".join(self.references)} if self.references else {}
        draft = Draft(
            sender=self.from_,
            to=self.to,
            cc=self.cc,
            bcc=self.bcc,
            reply_to=(self.reply_to,) if self.reply_to else (),
            subject=self.subject,
            text=self.text,
            html=self.html,
            attachments=tuple(
                Attachment(
                    filename=each.filename, content_type=_type_of(each), content=each.content, content_id=each.id
                )
                for each in self.attachments
            ),
            headers=headers,
            tags=tuple(tag for tag in self.tags if not tag.startswith(MESSAGE_PREFIX)),
        )
        ours = next((tag for tag in self.tags if tag.startswith(MESSAGE_PREFIX)), None)
        return Parsed(draft=draft, delivery_id=ours)


class MailerSend:
    name: Final = "mailersend"

    def __init__(self, inbox: Inbox, conduct: Conduct, clock: Callable[[], float], random: Random) -> None:
        self._inbox = inbox
        self._desk = Desk(self.name, inbox, conduct, clock, random)
        self._suppressed = Suppressed(self.name, inbox, conduct, clock, lists.STOPPING)

    def target(self, method: str, path: str) -> Target:
        return Target.SEND if method == "POST" and path == SEND_PATH else Target.LOOKUP

    def refusal(self, plan: FaultPlan) -> Rendered:
        status = plan.status or 500
        return _error(status, plan.text or f"error {status}")

    def answer(self, request: Submission, *, lose: bool = False) -> Rendered:
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not self._desk.lets_in(key):
            return _error(401, "Unauthenticated.")
        match request.method, request.path:
            case "POST", "/v1/email":
                return self._send(request.body, key, lose=lose)
            case "GET", "/v1/domains":
                return render_json(200, _page("/v1/domains", self._domains(), request.query))
            case "GET", "/v1/api-quota":
                return render_json(200, {"quota": 100_000, "remaining": 100_000, "reset": "2099-01-01T00:00:00Z"})
            case "GET", path if found := _ACTIVITY.fullmatch(path):
                return render_json(200, _page(path, self._activity(found[1], request.query), request.query))
        listed = self._suppressed.answer(request, lists.answer, _refused)
        return listed or _error(404, "Resource not found.")

    def _send(self, body: bytes, key: str, *, lose: bool) -> Rendered:
        try:
            email = msgspec.json.decode(body, type=_Email)
        except (msgspec.DecodeError, UnicodeDecodeError) as refused:
            return _invalid({"": [f"{refused} #MS42201"]})
        if not email.to:
            return _invalid({"to": ["The to field is required. #MS42213"]})
        if not (email.text or email.html or email.template_id):
            return _invalid({"text": ["The text field is required when none of html is present. #MS42208"]})
        recipients = [each.email for each in email.to + email.cc + email.bcc]
        suppressed = [each for each in recipients if self._suppressed.why(each)]
        kind = "ALL_SUPPRESSED" if len(suppressed) == len(recipients) else "SOME_SUPPRESSED"
        warning = {"type": kind, "warning": "Recipients are on a suppression list.", "recipients": suppressed}
        told = {"message": "There are some warnings for your request.", "warnings": [warning]} if suppressed else None
        if suppressed and kind == "ALL_SUPPRESSED":
            return render_json(202, told)
        message_id = f"{self._desk.random.getrandbits(96):024x}"
        self._desk.take(key, message_id, email.read(), lose=lose)
        headers = {"x-message-id": message_id}
        return Rendered(status=202, headers=headers) if told is None else render_json(202, told, headers)

    def _domains(self) -> list[dict[str, Any]]:
        """Those that have sent something; the id of one is its name in hexadecimal."""
        names = dict.fromkeys(_domain(caught) for caught in self._desk.shown())
        return [{"id": name.encode().hex(), "name": name, "is_verified": True} for name in names]

    def _activity(self, domain_id: str, query: dict[str, str]) -> list[dict[str, Any]]:
        """Newest first; each recipient's mail is shown by an id of its own."""
        begin, end = number(query, "date_from", 0), number(query, "date_to", inf)
        told = (
            one
            for caught in self._desk.shown()
            if _domain(caught).encode().hex() == domain_id
            for one in told_of(caught, self._inbox)
            if one.what in MailerSendTeller.native and begin <= one.at <= end
        )
        return [_shown(one) for one in sorted(told, key=attrgetter("at"), reverse=True)]


def _domain(caught: Caught) -> str:
    return caught.draft.sender.email.rpartition("@")[2].lower()


def _shown(told: Told) -> dict[str, Any]:
    """Without what a webhook says of the reason."""
    caught, type_ = told.caught, MailerSendTeller.native[told.what]["type"]
    at = f"{datetime.fromtimestamp(told.at, UTC):%Y-%m-%dT%H:%M:%S.000000Z}"
    ours = (caught.delivery_id,) if caught.delivery_id else ()
    email = {
        "id": f"{caught.provider_message_id}{told.place:02x}",
        "from": caught.draft.sender.email,
        "subject": caught.draft.subject,
        "status": type_,
        "tags": [*caught.draft.tags, *ours] or None,
        "recipient": {"email": told.recipient},
        "created_at": at,
    }
    return {"id": f"listed-{told.id}", "created_at": at, "updated_at": at, "type": type_, "email": email}


def _page(path: str, entries: list[dict[str, Any]], query: dict[str, str]) -> dict[str, Any]:
    """One page, in the form of a simple paginator."""
    limit, page = (int(text) if (text := query.get(name, "")).isdecimal() else one for name, one in _PAGING)
    shown = entries[(page - 1) * limit : page * limit]
    base = f"https://api.mailersend.com{path}"
    following = f"{base}?page={page + 1}" if page * limit < len(entries) else None
    links = {"first": f"{base}?page=1", "last": None, "prev": None, "next": following}
    return {"data": shown, "links": links, "meta": {"current_page": page, "path": base, "per_page": limit}}


def _type_of(file: _File) -> str:
    """It goes by the extension, as the provider does."""
    return guess_type(file.filename)[0] or "application/octet-stream"


def _refused(_: int, words: str) -> Rendered:
    return _invalid({"": [words]})


def _invalid(errors: dict[str, list[str]]) -> Rendered:
    return render_json(422, {"message": "The given data was invalid.", "errors": errors})


def _error(status: int, words: str) -> Rendered:
    code = _CODES.get(status)
    return render_json(status, {"message": f"{words} #{code}" if code else words})
