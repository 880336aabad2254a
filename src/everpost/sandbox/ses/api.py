"""Amazon SES v2 as its clients see it: SendEmail with simple, raw and template content, and GetAccount.

Signatures are looked at for who has signed, and not recomputed.
"""

import re
from collections.abc import Callable
from random import Random
from typing import Final

import msgspec
from msgspec import Struct, field
from msgspec.structs import replace

from everpost.dialects import mime
from everpost.dialects.addresses import parse_encoded_list
from everpost.dialects.answers import Rendered, render_json
from everpost.dialects.contract import Parsed, Submission
from everpost.model.ids import CORRELATION_KEY
from everpost.model.message import Address, Attachment, Draft
from everpost.model.problem import Problem
from everpost.sandbox.api import Conduct
from everpost.sandbox.desk import Desk
from everpost.sandbox.faults import FaultPlan, Target
from everpost.sandbox.inbox import Inbox
from everpost.sandbox.ses import lists
from everpost.sandbox.suppressed import HARMED, Suppressed

ID_HEADER: Final = "X-Everpost-Id"
SEND_PATH: Final = "/v2/email/outbound-emails"
ACCOUNT_PATH: Final = "/v2/email/account"
_SIGNED: Final = re.compile(r"AWS4-HMAC-SHA256 Credential=([^/ ]+)/[0-9]{8}/([a-z0-9-]+)/ses/aws4_request, ")
_KINDS: Final = {
    400: "BadRequestException",
    403: "AccessDeniedException",
    404: "NotFoundException",
    413: "RequestEntityTooLargeException",
    429: "TooManyRequestsException",
    503: "ServiceUnavailableException",
}


class _Text(Struct, rename="pascal"):
    data: str


class _Body(Struct, rename="pascal"):
    text: _Text | None = None
    html: _Text | None = None


class _Pair(Struct, rename="pascal"):
    name: str
    value: str


class _File(Struct, rename="pascal"):
    raw_content: bytes
    file_name: str
    content_type: str = "application/octet-stream"
    content_id: str | None = None


class _Simple(Struct, rename="pascal"):
    subject: _Text
    body: _Body
    headers: list[_Pair] = []
    attachments: list[_File] = []


class _Raw(Struct, rename="pascal"):
    data: bytes


class _Template(Struct, rename="pascal"):
    template_name: str | None = None


class _Content(Struct, rename="pascal"):
    simple: _Simple | None = None
    raw: _Raw | None = None
    template: _Template | None = None


class _Destination(Struct, rename="pascal"):
    to_addresses: list[str] = []
    cc_addresses: list[str] = []
    bcc_addresses: list[str] = []


class _Email(Struct, rename="pascal"):
    content: _Content
    from_email_address: str | None = None
    destination: _Destination = field(default_factory=_Destination)
    reply_to_addresses: list[str] = []
    email_tags: list[_Pair] = []


class Ses:
    name: Final = "ses"

    def __init__(self, inbox: Inbox, conduct: Conduct, clock: Callable[[], float], random: Random) -> None:
        self._desk = Desk(self.name, inbox, conduct, clock, random)
        self._suppressed = Suppressed(self.name, inbox, conduct, clock, HARMED)

    def target(self, method: str, path: str) -> Target:
        return Target.SEND if method == "POST" and path == SEND_PATH else Target.LOOKUP

    def refusal(self, plan: FaultPlan) -> Rendered:
        status = plan.status or 500
        return _error(status, plan.text or f"error {status}")

    def answer(self, request: Submission, *, lose: bool = False) -> Rendered:
        signed = _SIGNED.match(request.headers.get("authorization", ""))
        if signed is None:
            return _error(403, "Missing Authentication Token", "MissingAuthenticationTokenException")
        if not self._desk.lets_in(signed[1]):
            words = "The security token included in the request is invalid."
            return _error(403, words, "UnrecognizedClientException")
        match request.method, request.path:
            case "POST", path if path == SEND_PATH:
                return self._send(request.body, signed[1], signed[2], lose=lose)
            case "GET", path if path == ACCOUNT_PATH:
                quota = {"Max24HourSend": 200.0, "MaxSendRate": 1.0, "SentLast24Hours": 0.0}
                return render_json(200, {"SendQuota": quota, "SendingEnabled": True, "ProductionAccessEnabled": False})
        listed = self._suppressed.answer(request, lists.answer, _error)
        return listed or _error(404, "not found", "UnknownOperationException")

    def _send(self, body: bytes, key: str, region: str, *, lose: bool) -> Rendered:
        try:
            email = msgspec.json.decode(body, type=_Email)
        except (msgspec.DecodeError, UnicodeDecodeError) as refused:
            return _error(400, str(refused))
        parsed = _parsed(email)
        if isinstance(parsed, str):
            return _error(400, parsed)
        message_id = f"01{self._desk.random.getrandbits(96):024x}-{self._desk.random.getrandbits(32):08x}-000000"
        self._desk.take(key, message_id, parsed, lose=lose)
        return render_json(200, {"MessageId": message_id}, {"x-amzn-requestid": f"{region}-{message_id}"})


def _parsed(email: _Email) -> Parsed | str:
    """The mail, or what is wrong with it."""
    to = email.destination
    groups = [_addresses(group) for group in (to.to_addresses, to.cc_addresses, to.bcc_addresses)]
    senders, replies = _addresses([email.from_email_address or ""]), _addresses(email.reply_to_addresses)
    wrong = next((each for group in (*groups, senders, replies) for each in group if isinstance(each, str)), None)
    if wrong is not None:
        return f"Illegal address: {wrong}"
    if email.content.raw is not None:
        read = mime.parse(email.content.raw.data, [each.email for group in groups for each in _sound(group)])
        return "Could not parse the raw mail" if isinstance(read, Problem) else _told(read, email)
    return _simple(email, next(iter(senders), ""), groups, replies)


def _simple(
    email: _Email, sender: Address | str, groups: list[list[Address | str]], replies: list[Address | str]
) -> Parsed | str:
    content = email.content.simple
    if content is None and email.content.template is None:
        return "Content must be one of Simple, Raw and Template"
    body = content.body if content else _Body()
    headers = {each.name: each.value for each in content.headers} if content else {}
    to, cc, bcc = map(_sound, groups)
    if not isinstance(sender, Address) or not (to or cc or bcc):
        return "Destination or FromEmailAddress is missing"
    draft = Draft(
        sender=sender,
        to=to,
        cc=cc,
        bcc=bcc,
        reply_to=_sound(replies),
        subject=content.subject.data if content else "",
        text=body.text.data if body.text else None,
        html=body.html.data if body.html else None,
        attachments=tuple(map(_attachment, content.attachments if content else ())),
        headers={name: value for name, value in headers.items() if name != ID_HEADER},
    )
    return _told(Parsed(draft=draft, delivery_id=headers.get(ID_HEADER)), email)


def _told(read: Parsed, email: _Email) -> Parsed:
    """The mail with what its tags say."""
    metadata = {each.name: each.value for each in email.email_tags if each.name != CORRELATION_KEY}
    return replace(read, draft=replace(read.draft, metadata=metadata), delivery_id=read.delivery_id or _tagged(email))


def _tagged(email: _Email) -> str | None:
    """Our id as a tag, which takes no dot."""
    found = next((each.value for each in email.email_tags if each.name == CORRELATION_KEY), None)
    return found.replace("-", ".") if found else None


def _addresses(texts: list[str]) -> list[Address | str]:
    return [each for text in texts for each in parse_encoded_list(text, mime.decoded_words)]


def _sound(group: list[Address | str]) -> tuple[Address, ...]:
    return tuple(each for each in group if isinstance(each, Address))


def _attachment(file: _File) -> Attachment:
    return Attachment(
        filename=file.file_name,
        content_type=file.content_type,
        content=file.raw_content,
        content_id=file.content_id,
    )


def _error(status: int, words: str, kind: str | None = None) -> Rendered:
    named = kind or _KINDS.get(status, "InternalFailure")
    return render_json(status, {"message": words}, {"x-amzn-errortype": named})
