"""A mail in RFC 5322 form, as SMTP clients hand it in."""

from collections.abc import Collection, Iterator, Mapping
from email import message_from_bytes
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message as Part
from itertools import chain
from typing import Final

from msgspec.structs import replace

from everpost.dialects.addresses import address_of, parse_encoded_list
from everpost.dialects.answers import invalid, sound_addresses
from everpost.dialects.contract import Parsed
from everpost.model.message import Address, Attachment, Draft
from everpost.model.problem import FieldError, Problem

LOSSES: Final[Mapping[str, str]] = {
    "send_at": "Everpost holds scheduled mail itself",
    "expires_at": "no counterpart",
    "route": "ours",
    "on_unknown": "ours",
    "resolve_within_s": "ours",
    "allow_loss": "ours",
    "provider_options": "SMTP has none",
    "tags": "no counterpart",
    "metadata": "no counterpart",
    "bcc": "only the envelope names them, without their names",
    "text": "line breaks are CRLF, the last one included; no text and no html are an empty text",
    "html": "line breaks are CRLF, the last one included",
    "attachments": "inline ones first, and only where there is html; composite types are octets; names are stripped",
}
"""Fields of a Draft that a mail in this form does not carry, or not in full, and why."""

_STRUCTURE: Final = frozenset(
    {"from", "to", "cc", "bcc", "reply-to", "subject", "date", "message-id", "mime-version", "x-everpost-id"}
    | {"return-path", "received", "dkim-signature"}
)
_UNNAMED: Final = "attachment"
_UNREADABLE: Final = (AttributeError, LookupError, MessageError, TypeError, ValueError)
"""What the standard library raises over mail that is odd enough, most of all where it writes a mail within a mail."""


def parse(data: bytes, envelope: Collection[str] = ()) -> Parsed | Problem:
    """The mail; recipients whom only the envelope names are its bcc."""
    try:
        read = _parse(message_from_bytes(data), envelope)
        return read if isinstance(read, Problem) else replace(read, whole=data)
    except RecursionError:
        return invalid([FieldError("", "its parts are nested too deeply")])
    except _UNREADABLE as refused:
        return invalid([FieldError("", f"it can't be read: {type(refused).__name__}")])


def _parse(whole: Part, envelope: Collection[str]) -> Parsed | Problem:
    errors: list[FieldError] = []
    sender = _addresses(whole, "From", errors)
    if len(sender) != 1:
        errors.append(FieldError("From", "one sender is needed"))
        return invalid(errors)
    delivery_id = _unfolded(whole.get("X-Everpost-Id", "")) or None
    to, cc = _addresses(whole, "To", errors), _addresses(whole, "Cc", errors)
    shown = {address.email.lower() for address in (*to, *cc)}
    hidden = (address_of(email) for email in envelope if email.lower() not in shown)
    draft = Draft(
        sender=sender[0],
        to=to,
        cc=cc,
        bcc=sound_addresses("envelope", hidden, errors),
        reply_to=_addresses(whole, "Reply-To", errors),
        subject=decoded_words(_unfolded(whole.get("Subject", ""))),
        headers=dict(_headers(whole, delivery_id)),
    )
    return invalid(errors) if errors else Parsed(draft=_with_body(draft, whole), delivery_id=delivery_id)


def _headers(whole: Part, delivery_id: str | None) -> Iterator[tuple[str, str]]:
    for name, value in whole.items():
        if name.lower() not in _STRUCTURE and not name.lower().startswith("content-"):
            yield name, decoded_words(_unfolded(value))
    message_id = _unfolded(whole.get("Message-ID", ""))
    if message_id and (delivery_id is None or not message_id.startswith(f"<{delivery_id}@")):
        yield "Message-ID", message_id


def _addresses(whole: Part, name: str, errors: list[FieldError]) -> tuple[Address, ...]:
    found = chain.from_iterable(
        parse_encoded_list(_unfolded(value), decoded_words) for value in whole.get_all(name, [])
    )
    return sound_addresses(name, found, errors)


def _unfolded(value: object) -> str:
    """RFC 5322 2.2.3: a fold is the line break alone."""
    return str(value).replace("\r", "").replace("\n", "")


def decoded_words(value: str) -> str:
    """With encoded-words read (RFC 2047); as it stands if they can't be."""
    if "=?" not in value:
        return value
    try:
        return str(make_header(decode_header(value)))
    except (MessageError, LookupError, ValueError):
        return value


def _with_body(draft: Draft, whole: Part) -> Draft:
    text: str | None = None
    html: str | None = None
    attachments = []
    for part in _leaves(whole):
        kind, disposition = part.get_content_type(), part.get_content_disposition()
        if kind == "text/plain" and text is None and disposition is None:
            text = _text(part)
        elif kind == "text/html" and html is None and disposition is None:
            html = _text(part)
        else:
            attachments.append(_attachment(part))
    return replace(draft, text=text, html=html, attachments=tuple(attachments))


def _leaves(part: Part) -> Iterator[Part]:
    """Everything that is no multipart; a mail within the mail is one leaf."""
    if part.get_content_maintype() == "multipart" and part.is_multipart():
        for child in part.get_payload():
            if isinstance(child, Part):
                yield from _leaves(child)
    else:
        yield part


def _content(part: Part) -> bytes:
    content = part.get_payload(decode=True)
    if isinstance(content, bytes):
        return content
    return b"".join(child.as_bytes() for child in part.get_payload() if isinstance(child, Part))


def _text(part: Part) -> str:
    charset = part.get_content_charset("utf-8")
    try:
        text = _content(part).decode(charset, errors="replace")
    except (LookupError, ValueError):  # a name that can't be one
        text = _content(part).decode("utf-8", errors="replace")
    return text.replace("\r\n", "\n")


def _attachment(part: Part) -> Attachment:
    content_id = _unfolded(part.get("Content-ID", "")).strip(" <>") or None
    return Attachment(
        filename=part.get_filename(_UNNAMED),
        content_type=_unfolded(part.get("Content-Type", "application/octet-stream")),
        content=_content(part),
        content_id=content_id if part.get_content_disposition() == "inline" else None,
    )
