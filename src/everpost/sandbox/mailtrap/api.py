"""Mailtrap as its clients see it: send, email logs, domains; all of them at one host."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
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
from everpost.sandbox.desk import Desk
from everpost.sandbox.events import Told, told_of
from everpost.sandbox.faults import FaultPlan, Target
from everpost.sandbox.inbox import Caught, Inbox
from everpost.sandbox.mailtrap import history, lists
from everpost.sandbox.suppressed import Suppressed

SEND_PATH: Final = "/api/send"
LOGS_PATH: Final = "/api/email_logs/"
PAGE: Final = 100  # mails of one page of the logs


class _File(Struct):
    content: bytes
    filename: str
    type: str = "application/octet-stream"
    content_id: str | None = None

    def read(self) -> Attachment:
        return Attachment(
            filename=self.filename, content_type=self.type, content=self.content, content_id=self.content_id
        )


class _Email(Struct):
    from_: Address = field(name="from")
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    bcc: tuple[Address, ...] = ()
    reply_to: Address | None = None
    subject: str = ""
    text: str | None = None
    html: str | None = None
    template_uuid: str | None = None
    attachments: tuple[_File, ...] = ()
    headers: dict[str, str] = {}
    category: str | None = None
    custom_variables: dict[str, str] = {}

    def fault(self) -> str | None:
        if not self.to + self.cc + self.bcc:
            return "'to', 'cc' or 'bcc' must have at least one recipient"
        if self.template_uuid is None and not (self.subject and (self.text or self.html)):
            return "'subject' and one of 'text' and 'html' are required"
        return None

    def read(self) -> Parsed:
        metadata = dict(self.custom_variables)
        delivery_id = metadata.pop(CORRELATION_KEY, None)
        draft = Draft(
            sender=self.from_,
            to=self.to,
            cc=self.cc,
            bcc=self.bcc,
            reply_to=(self.reply_to,) if self.reply_to else (),
            subject=self.subject,
            text=self.text,
            html=self.html,
            attachments=tuple(each.read() for each in self.attachments),
            headers=self.headers,
            tags=(self.category,) if self.category else (),
            metadata=metadata,
        )
        return Parsed(draft=draft, delivery_id=delivery_id)


class Mailtrap:
    name: Final = "mailtrap"

    def __init__(self, inbox: Inbox, conduct: Conduct, clock: Callable[[], float], random: Random) -> None:
        self._inbox = inbox
        self._desk = Desk(self.name, inbox, conduct, clock, random)
        self._suppressed = Suppressed(self.name, inbox, conduct, clock)

    def target(self, method: str, path: str) -> Target:
        return Target.SEND if method == "POST" and path == SEND_PATH else Target.LOOKUP

    def refusal(self, plan: FaultPlan) -> Rendered:
        status = plan.status or 500
        return _error(status, plan.text or f"error {status}")

    def answer(self, request: Submission, *, lose: bool = False) -> Rendered:
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        key = key if scheme.lower() == "bearer" else request.headers.get("api-token", "")
        if not self._desk.lets_in(key):
            return _error(401, "Unauthorized")
        match request.method, request.path:
            case "POST", "/api/send":
                return self._send(request.body, key, lose=lose)
            case "GET", "/api/email_logs":
                return self._logs(request.query)
            case "GET", path if path.startswith(LOGS_PATH):
                return self._log(path.removeprefix(LOGS_PATH))
            case "GET", "/api/domains":
                return render_json(200, {"data": []})
        listed = self._suppressed.answer(request, lists.answer, _error)
        return listed or _error(404, "Not Found")

    def _send(self, body: bytes, key: str, *, lose: bool) -> Rendered:
        try:
            email = msgspec.json.decode(body, type=_Email)
        except (msgspec.DecodeError, UnicodeDecodeError) as refused:
            return _error(400, str(refused))
        if fault := email.fault():
            return _error(400, fault)
        first_id = recipients_id(str(UUID(int=self._desk.random.getrandbits(128))), 0)
        caught = self._desk.take(key, first_id, email.read(), lose=lose)
        ids = [recipients_id(first_id, position) for position, _ in enumerate(caught.draft.recipients)]
        return render_json(200, {"success": True, "message_ids": ids})

    def _logs(self, query: dict[str, str]) -> Rendered:
        """A page of the newest, from behind the mail that `search_after` names; unknown filters are ignored."""
        shown = [entry for caught in self._desk.shown() for entry in self._entries(caught) if _fits(entry, query)]
        after = query.get("search_after")
        start = next((at for at, entry in enumerate(shown, 1) if entry["message_id"] == after), 0)
        page = shown[start : start + PAGE]
        following = page[-1]["message_id"] if start + PAGE < len(shown) else None
        return render_json(200, {"messages": page, "total_count": len(shown), "next_page_cursor": following})

    def _log(self, message_id: str) -> Rendered:
        for caught in self._desk.shown():
            for place, entry in enumerate(self._entries(caught)):
                if entry["message_id"] == message_id:
                    return render_json(200, entry | {"events": history.events_of(self._told(caught, place))})
        return _error(404, "Not Found")

    def _told(self, caught: Caught, place: int) -> list[Told]:
        return [told for told in told_of(caught, self._inbox) if told.place == place]

    def _entries(self, caught: Caught) -> Iterator[dict[str, Any]]:
        ours = {CORRELATION_KEY: caught.delivery_id} if caught.delivery_id else {}
        for place, address in enumerate(caught.draft.recipients):
            yield {
                "message_id": recipients_id(caught.provider_message_id, place),
                "status": history.status_of(self._told(caught, place)),
                "subject": caught.draft.subject,
                "from": caught.draft.sender.email,
                "to": address.email,
                "sent_at": f"{datetime.fromtimestamp(caught.received_at, UTC):%Y-%m-%dT%H:%M:%SZ}",
                "category": next(iter(caught.draft.tags), None),
                "custom_variables": caught.draft.metadata | ours,
            }


def recipients_id(first_id: str, position: int) -> str:
    """Each recipient has one of his own."""
    return f"{first_id[:-2]}{position:02x}"


def _fits(entry: dict[str, Any], query: dict[str, str]) -> bool:
    recipient = query.get("filters[to][value]", entry["to"])
    after, before = query.get("filters[sent_after]", ""), query.get("filters[sent_before]", "9999")
    return bool(recipient.lower() == entry["to"].lower() and after <= entry["sent_at"] <= before)


def _error(status: int, words: str) -> Rendered:
    return render_json(status, {"success": False, "errors": [words]})
