"""SendGrid's v3 Mail Send API, read as its server: https://www.twilio.com/docs/sendgrid/api-reference/mail-send

One personalization a request. What Everpost does not know of (templates, tracking, pools) is left out.
"""

import re
from collections.abc import Mapping
from typing import Final

import msgspec
from msgspec import Struct, field

from everpost.dialects.addresses import address_of
from everpost.dialects.answers import Rendered, invalid, render_json, sound_addresses
from everpost.dialects.contract import Parsed, Submission
from everpost.model.ids import CORRELATION_KEY
from everpost.model.message import Address, Attachment, Draft
from everpost.model.problem import FieldError, Problem

LOSSES: Final[Mapping[str, str]] = {
    "send_at": "Everpost holds scheduled mail itself",
    "expires_at": "no counterpart",
    "route": "ours",
    "on_unknown": "ours",
    "resolve_within_s": "ours",
    "allow_loss": "ours",
    "provider_options": "went into the request",
    "text": "an empty one is none",
    "html": "an empty one is none",
}
"""Fields of a Draft that a request of this form does not carry, or not in full, and why."""

_PLACE: Final = re.compile(r"(?P<what>.*) - at `\$\.?(?P<where>.*)`", re.DOTALL)


class _Address(Struct):
    email: str
    name: str | None = None


class _Personalization(Struct):
    to: list[_Address]
    cc: list[_Address] = []
    bcc: list[_Address] = []
    subject: str | None = None
    headers: dict[str, str] = {}
    custom_args: dict[str, str] = {}


class _Content(Struct):
    type: str
    value: str


class _Attachment(Struct):
    content: bytes
    filename: str
    type: str = "application/octet-stream"
    disposition: str = "attachment"
    content_id: str | None = None


class _Mail(Struct):
    personalizations: list[_Personalization]
    sender: _Address = field(name="from")
    reply_to: _Address | None = None
    reply_to_list: list[_Address] = []
    subject: str = ""
    content: list[_Content] = []
    attachments: list[_Attachment] = []
    headers: dict[str, str] = {}
    categories: list[str] = []
    custom_args: dict[str, str] = {}


_DECODER: Final = msgspec.json.Decoder(_Mail)


def parse(submission: Submission) -> Parsed | Problem:
    """The mail of a POST /v3/mail/send."""
    try:
        mail = _DECODER.decode(submission.body)
    except msgspec.ValidationError as refused:
        return invalid([_field_error(str(refused))])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as refused:
        return invalid([FieldError("", f"the body is no JSON: {refused}")])
    if len(mail.personalizations) != 1:
        return invalid([FieldError("personalizations", "give one personalization; send several mails for several")])
    errors: list[FieldError] = []
    draft, delivery_id = _read(mail, errors)
    return invalid(errors) if errors else Parsed(draft=draft, delivery_id=delivery_id)


def _read(mail: _Mail, errors: list[FieldError]) -> tuple[Draft, str | None]:
    group = mail.personalizations[0]
    texts = {each.type: each.value for each in mail.content}
    metadata = mail.custom_args | group.custom_args
    delivery_id = metadata.pop(CORRELATION_KEY, None)
    sender = _addresses("from", [mail.sender], errors)
    draft = Draft(
        sender=sender[0] if sender else Address(mail.sender.email),
        to=_addresses("personalizations[0].to", group.to, errors),
        cc=_addresses("personalizations[0].cc", group.cc, errors),
        bcc=_addresses("personalizations[0].bcc", group.bcc, errors),
        reply_to=_addresses("reply_to", [mail.reply_to] if mail.reply_to else mail.reply_to_list, errors),
        subject=group.subject if group.subject is not None else mail.subject,
        text=texts.get("text/plain"),
        html=texts.get("text/html"),
        attachments=tuple(_attachment(each) for each in mail.attachments),
        headers=mail.headers | group.headers,
        tags=tuple(mail.categories),
        metadata=metadata,
    )
    return draft, delivery_id


def _addresses(name: str, given: list[_Address], errors: list[FieldError]) -> tuple[Address, ...]:
    return sound_addresses(name, (address_of(each.email, each.name or "") for each in given), errors)


def _attachment(given: _Attachment) -> Attachment:
    content_id = given.content_id if given.disposition == "inline" else None
    return Attachment(filename=given.filename, content_type=given.type, content=given.content, content_id=content_id)


def _field_error(refused: str) -> FieldError:
    found = _PLACE.fullmatch(refused)
    return FieldError(found["where"], found["what"]) if found else FieldError("", refused)


def render_accepted(message_id: str) -> Rendered:
    return Rendered(status=202, headers={"x-message-id": message_id})


def render_error(status: int, message: str, name: str | None = None) -> Rendered:
    return render_json(status, {"errors": [{"message": message, "field": name, "help": None}]})


def render_problem(problem: Problem) -> Rendered:
    errors = [{"message": each.message, "field": each.field or None, "help": None} for each in problem.errors]
    whole = {"message": problem.detail or problem.title, "field": None, "help": None}
    return render_json(problem.status, {"errors": errors or [whole]})
