"""Postmark as its clients see it: email, one or many, and the search of outbound messages."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from random import Random
from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec import Struct, field

from everpost.dialects.addresses import parse_address_list
from everpost.dialects.answers import Rendered, render_json
from everpost.dialects.contract import Parsed, Submission
from everpost.model.ids import CORRELATION_KEY
from everpost.model.message import Address, Attachment, Draft
from everpost.sandbox.api import Conduct
from everpost.sandbox.events import told_of
from everpost.sandbox.faults import FaultPlan, Target
from everpost.sandbox.inbox import Caught, Inbox
from everpost.sandbox.postmark import history, lists
from everpost.sandbox.suppressed import Suppressed

SEND_PATHS: Final = ("/email", "/email/withTemplate", "/email/batch")
INVALID: Final = 300
INACTIVE: Final = 406
_METADATA: Final = "metadata_"
_DETAILS: Final = re.compile(r"/messages/outbound/([0-9a-f-]+)/details")
_CODES: Final = {401: 10, 422: INVALID}  # of errors, by status; 0 is none, and stands for those that name none


class _Pair(Struct, rename="pascal"):
    name: str
    value: str


class _File(Struct, rename="pascal"):
    name: str
    content: bytes
    content_type: str
    content_id: str | None = field(default=None, name="ContentID")


class _Email(Struct, rename="pascal"):
    from_: str = field(name="From")
    to: str = ""
    cc: str | None = None
    bcc: str | None = None
    reply_to: str | None = None
    subject: str | None = None
    text_body: str | None = None
    html_body: str | None = None
    headers: list[_Pair] | None = None
    attachments: list[_File] | None = None
    tag: str | None = None
    metadata: dict[str, str] | None = None
    template_id: int | None = None
    template_alias: str | None = None


class Postmark:
    name: Final = "postmark"

    def __init__(self, inbox: Inbox, conduct: Conduct, clock: Callable[[], float], random: Random) -> None:
        self._inbox = inbox
        self._conduct = conduct
        self._clock = clock
        self._random = random
        self._suppressed = Suppressed(self.name, inbox, conduct, clock)

    def target(self, method: str, path: str) -> Target:
        return Target.SEND if method == "POST" and path in SEND_PATHS else Target.LOOKUP

    def refusal(self, plan: FaultPlan) -> Rendered:
        status = plan.status or 500
        return _error(status, _CODES.get(status, 0), plan.text or f"error {status}")

    def answer(self, request: Submission, *, lose: bool = False) -> Rendered:
        token = request.headers.get("x-postmark-server-token", "")
        if not token or token in self._conduct.rejected_keys:
            return _error(401, 10, "Request does not contain a valid Server token.")
        match request.method, request.path:
            case "POST", "/email" | "/email/withTemplate":
                return self._send(request.body, token, lose=lose)
            case "POST", "/email/batch":
                return self._send_batch(request.body, token, lose=lose)
            case "GET", "/messages/outbound":
                return self._search(request.query)
            case "GET", "/bounces":
                return self._bounces(request.query)
            case "GET", path if found := _DETAILS.fullmatch(path):
                return self._details(found[1])
            case "GET", "/server":
                return render_json(200, {"ID": 1, "Name": "Sandbox", "DeliveryType": "Sandbox"})
        listed = self._suppressed.answer(request, lists.answer, _invalid)
        return listed or _error(404, 0, "not found")

    def _send(self, body: bytes, token: str, *, lose: bool) -> Rendered:
        try:
            email = msgspec.json.decode(body, type=_Email)
        except (msgspec.DecodeError, UnicodeDecodeError) as refused:
            return _error(422, INVALID, f"Invalid JSON or field: {refused}")
        parsed = _parsed(email)
        if isinstance(parsed, str):
            return _error(422, INVALID, parsed)
        inactive = [each for each in parsed.draft.recipients if self._suppressed.why(each.email)]
        if len(inactive) == len(parsed.draft.recipients):
            return _error(422, INACTIVE, "You tried to send to a recipient that has been marked as inactive.")
        message_id = str(UUID(int=self._random.getrandbits(128), version=4))
        caught = self._inbox.add(self.name, token[-4:], message_id, parsed, lose=lose)
        listed = ", ".join(each.email for each in inactive)
        words = f"Message OK, but will not deliver to these inactive addresses: {listed}" if listed else "OK"
        told = {"To": email.to, "SubmittedAt": _instant(caught.received_at), "MessageID": message_id}
        return render_json(200, told | {"ErrorCode": 0, "Message": words})

    def _send_batch(self, body: bytes, token: str, *, lose: bool) -> Rendered:
        """Each mail has an answer of its own; that of the whole is always good."""
        try:
            emails = msgspec.json.decode(body, type=list[msgspec.Raw])
        except (msgspec.DecodeError, UnicodeDecodeError) as refused:
            return _error(422, INVALID, f"Invalid JSON: {refused}")
        answers = [msgspec.Raw(self._send(bytes(email), token, lose=lose).body) for email in emails]
        return render_json(200, answers)

    def _search(self, query: dict[str, str]) -> Rendered:
        if not (query.get("count", "").isdecimal() and query.get("offset", "").isdecimal()):
            return _error(422, 701, "count and offset are required")
        shown = [_shown(caught) for caught in self._known(query.get("recipient")) if _fits(caught, query)]
        start, count = int(query["offset"]), int(query["count"])
        return render_json(200, {"TotalCount": len(shown), "Messages": shown[start : start + count]})

    def _known(self, recipient: str | None = None) -> Iterator[Caught]:
        before = self._clock() - self._conduct.lookup_lag_s
        return (caught for caught in self._inbox.newest(self.name, recipient) if caught.received_at <= before)

    def _bounces(self, query: dict[str, str]) -> Rendered:
        told = [one for caught in self._known() for one in told_of(caught, self._inbox) if history.is_in(one.at, query)]
        bounces = history.bounces_of(told)
        start, count = int(query.get("offset", "0")), int(query.get("count", "500"))
        return render_json(200, {"TotalCount": len(bounces), "Bounces": bounces[start : start + count]})

    def _details(self, message_id: str) -> Rendered:
        found = next((caught for caught in self._known() if caught.provider_message_id == message_id), None)
        if found is None:
            return _error(422, 701, "This message was not found")
        events = history.events_of(told_of(found, self._inbox))
        return render_json(200, _shown(found) | {"MessageStream": "outbound", "MessageEvents": events})


def _parsed(email: _Email) -> Parsed | str:
    """The mail, or what is wrong with it."""
    groups = {
        name: parse_address_list(text or "")
        for name, text in (("from", email.from_), ("to", email.to), ("cc", email.cc), ("bcc", email.bcc))
    } | {"reply_to": parse_address_list(email.reply_to or "")}
    wrong = next((each for group in groups.values() for each in group if isinstance(each, str)), None)
    sound = {name: tuple(each for each in group if isinstance(each, Address)) for name, group in groups.items()}
    if wrong is not None:
        return f"Invalid address: {wrong}"
    if len(sound["from"]) != 1 or not sound["to"]:
        return "Zero recipients specified, or not exactly one sender"
    if not (email.text_body or email.html_body or email.template_id or email.template_alias):
        return "Provide either email TextBody or HtmlBody or both."
    metadata = email.metadata or {}
    draft = Draft(
        sender=sound["from"][0],
        to=sound["to"],
        cc=sound["cc"],
        bcc=sound["bcc"],
        reply_to=sound["reply_to"],
        subject=email.subject or "",
        text=email.text_body,
        html=email.html_body,
        attachments=tuple(map(_attachment, email.attachments or ())),
        headers={each.name: each.value for each in email.headers or ()},
        tags=(email.tag,) if email.tag else (),
        metadata={key: value for key, value in metadata.items() if key != CORRELATION_KEY},
    )
    return Parsed(draft=draft, delivery_id=metadata.get(CORRELATION_KEY))


def _attachment(file: _File) -> Attachment:
    content_id = file.content_id.removeprefix("cid:") if file.content_id else None
    return Attachment(filename=file.name, content_type=file.content_type, content=file.content, content_id=content_id)


def _shown(caught: Caught) -> dict[str, Any]:
    draft = caught.draft
    return {
        "MessageID": caught.provider_message_id,
        "From": str(draft.sender),
        **{
            name: [{"Email": each.email, "Name": each.name or None} for each in group]
            for name, group in (("To", draft.to), ("Cc", draft.cc), ("Bcc", draft.bcc))
        },
        "Recipients": [each.email for each in draft.recipients],
        "ReceivedAt": _instant(caught.received_at),
        "Subject": draft.subject,
        "Tag": next(iter(draft.tags), ""),
        "Status": "Sent",
        "Metadata": _metadata(caught),
    }


def _metadata(caught: Caught) -> dict[str, str]:
    return caught.draft.metadata | ({CORRELATION_KEY: caught.delivery_id} if caught.delivery_id else {})


def _fits(caught: Caught, query: dict[str, str]) -> bool:
    wanted = {key.removeprefix(_METADATA): value for key, value in query.items() if key.startswith(_METADATA)}
    return wanted.items() <= _metadata(caught).items() and history.is_in(caught.received_at, query)


def _instant(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()


def _invalid(_: int, words: str) -> Rendered:
    return _error(422, INVALID, words)


def _error(status: int, code: int, words: str) -> Rendered:
    return render_json(status, {"ErrorCode": code, "Message": words})
