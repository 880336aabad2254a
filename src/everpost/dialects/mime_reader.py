"""A mail in RFC 5322 form as a client hands it in to be sent: read in full, or refused with the reason.

The envelope says whom the mail is for; the header fields To and Cc say who is shown. What a Draft can't hold is a fault
and never left out: who may still send the mail as it stands (`dialects/raw.py`) needs no such reading.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from everpost.dialects.addresses import parse_encoded_list
from everpost.dialects.faults import Faults
from everpost.dialects.fields import (
    check_content,
    check_count,
    check_direction,
    check_filled,
    check_line,
    read_content_id,
    read_content_type,
    read_headers,
)
from everpost.dialects.mime_parts import Part
from everpost.dialects.mime_words import Unreadable, decode_words
from everpost.model import limits
from everpost.model.message import Address, Attachment, Draft
from everpost.model.problem import Problem

LOSSES: Final[Mapping[str, str]] = {
    "Date": "the instant of acceptance takes its place",
    "Received, Return-Path, DKIM-Signature, ARC-*, Authentication-Results": "they tell of the way before Everpost",
    "Bcc": "the envelope says whom the mail is for",
    "the order of parts": "text, html, what is shown inline, then files",
    "format=flowed": "lines stay as they were sent",
}
"""What is not carried of a mail that is read, and why. Everything else is, or the mail is refused."""

_READ: Final = frozenset({"from", "to", "cc", "reply-to", "subject", "message-id", "mime-version"})
_LEFT_OUT: Final = frozenset({"date", "received", "return-path", "dkim-signature", "authentication-results", "bcc"})
_LEFT_OUT_PREFIXES: Final = ("content-", "arc-")
_ONCE: Final = ("from", "reply-to", "subject", "to", "cc", "message-id")
_SEALED: Final = ("multipart/signed", "multipart/encrypted", "multipart/report")
_NAMES: Final[Mapping[str, str]] = {
    "text/plain": "text.txt",
    "text/html": "page.html",
    "text/calendar": "invite.ics",
    "message/rfc822": "message.eml",
}
_UNNAMED: Final = "attachment"
_NOBODY: Final = Address("")


def read(whole: Part, recipients: Sequence[Address]) -> Draft | Problem:
    """The mail, as far as its own fields tell it. `recipients`: of its envelope, each of them once."""
    faults = Faults()
    try:
        draft = _draft(whole, recipients, faults)
    except Unreadable as unreadable:
        faults.add("content", str(unreadable))
    else:
        if not faults:
            return draft
    return faults.problem("The mail can't be read, or not be carried as it is")


def _draft(whole: Part, recipients: Sequence[Address], faults: Faults) -> Draft:
    for name in _ONCE:
        if len(whole.all(name)) > 1:
            faults.add(name, "is given twice, and readers differ in which they take: give it once")
    sender = _addresses(whole, "from", faults)
    if len(sender) != 1:
        faults.add("from", f"names {len(sender)} senders, and one is needed: From: Ann <ann@example.com>")
    emails = {each.email.lower() for each in recipients}
    to, cc = (_shown(whole, name, emails, faults) for name in ("to", "cc"))
    shown = {each.email.lower() for each in (*to, *cc)}
    reply_to = _addresses(whole, "reply-to", faults)
    check_count(len(reply_to), limits.REPLY_TO_MAX, "reply-to", "addresses", faults)
    subject = decode_words(whole.first("subject"))
    check_line(subject, limits.SUBJECT_CHARS_MAX, "subject", faults)
    text, html, attachments = _Bodies(faults).read(whole)
    draft = Draft(
        sender=sender[0] if sender else _NOBODY,
        to=to,
        cc=cc,
        bcc=tuple(address for address in recipients if address.email.lower() not in shown),
        reply_to=reply_to,
        subject=subject,
        text=text,
        html=html,
        attachments=attachments,
        headers=_headers(whole, faults),
    )
    check_content(draft, faults)
    return draft


# --- the header ------------------------------------------------------------------------------------------------------


def _headers(whole: Part, faults: Faults) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in whole.fields:
        lower = name.lower()
        if lower in _READ or lower in _LEFT_OUT or lower.startswith(_LEFT_OUT_PREFIXES):
            continue
        if name in found:
            faults.add(f"headers.{name}", "is given twice, and can be carried once")
        found[name] = decode_words(value)
    headers = read_headers(found, faults)
    own = whole.first("message-id")
    if own:
        check_line(own, limits.HEADER_VALUE_CHARS_MAX, "message-id", faults)
        headers["Message-ID"] = own
    return headers


def _addresses(whole: Part, name: str, faults: Faults) -> tuple[Address, ...]:
    found: list[Address] = []
    for value in whole.all(name):
        is_nobody = value.endswith(":;") and '"' not in value  # a group of nobody (RFC 5322 3.4)
        for position, each in enumerate(() if is_nobody else parse_encoded_list(value, decode_words)):
            if isinstance(each, str):
                faults.add(f"{name}[{position}]", each)
            else:
                check_direction(each.name, f"{name}[{position}]", faults)
                found.append(each)
    return tuple(found)


def _shown(whole: Part, name: str, emails: Collection[str], faults: Faults) -> tuple[Address, ...]:
    """A field that shows people whom this mail is not for can't be carried: providers send to all whom they show."""
    shown = _addresses(whole, name, faults)
    for position, address in enumerate(shown):
        if address.email.lower() not in emails:
            words = f"{address.email} is shown and is no recipient (RCPT TO) of this mail"
            faults.add(f"{name}[{position}]", f"{words}; providers would send it to all who are shown")
    return shown


# --- the bodies ------------------------------------------------------------------------------------------------------


class _Bodies:
    """Text, html, and files, while the parts are gone through."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._text: str | None = None
        self._html: str | None = None
        self._attachments: list[Attachment] = []

    def read(self, whole: Part) -> tuple[str | None, str | None, tuple[Attachment, ...]]:
        self._take(whole, is_related=False)
        has_words = self._text is not None or self._html is not None
        inline = [part for part in self._attachments if part.content_id is not None]
        others = [part for part in self._attachments if part.content_id is None]
        check_count(len(self._attachments), limits.ATTACHMENTS_MAX, "attachments", "attachments", self._faults)
        return self._text if has_words else "", self._html, (*inline, *others)

    def _take(self, part: Part, *, is_related: bool) -> None:
        if part.kind in _SEALED:
            raise Unreadable(f"a {part.kind} would be broken, since its parts are written anew")
        if part.kind == "multipart/alternative":
            for child in part.children:
                self._take_alternative(child)
        elif part.children:
            for child in part.children:
                self._take(child, is_related=part.kind == "multipart/related")
        elif not self._is_body(part):
            self._attach(part, is_related=is_related)

    def _take_alternative(self, part: Part) -> None:
        if part.children:
            self._take(part, is_related=False)
        elif part.kind == "text/calendar" or part.disposition == "attachment":
            self._attach(part, is_related=False)  # an invitation is shown from a file, too; Ruby puts files here
        elif not self._is_body(part):
            raise Unreadable(f"an alternative of the type {part.kind[:60]!a} can't be carried beside text and html")

    def _is_body(self, part: Part) -> bool:
        """Whether it is the text or the html; then it is kept as that."""
        if part.disposition == "attachment" or part.filename:
            return False
        if part.kind == "text/plain" and self._text is None:
            self._text = part.text()
        elif part.kind == "text/html" and self._html is None:
            self._html = part.text()
        else:
            return False
        return True

    def _attach(self, part: Part, *, is_related: bool) -> None:
        path = f"attachments[{len(self._attachments)}]"
        name = part.filename or _NAMES.get(part.kind, _UNNAMED)
        check_filled(name, limits.FILENAME_CHARS_MAX, f"{path}.filename", self._faults)
        check_direction(name, f"{path}.filename", self._faults)
        is_inline = is_related or part.disposition == "inline"
        content_id = part.first("content-id").strip() if is_inline else ""
        self._attachments.append(
            Attachment(
                filename=name,
                content_type=read_content_type(_typed(part), name, f"{path}.content_type", self._faults),
                content=part.content(),
                content_id=read_content_id(content_id or None, f"{path}.content_id", self._faults),
            )
        )


def _typed(part: Part) -> str:
    """The media type as it was written; a file's name in it goes apart."""
    if "name" not in part.parameters:
        return part.first("content-type") or part.kind
    rest = (
        (key, value.replace("\\", "\\\\").replace('"', '\\"'))
        for key, value in part.parameters.items()
        if key != "name"
    )
    return "; ".join([part.kind, *(f'{key}="{value}"' for key, value in rest)])
