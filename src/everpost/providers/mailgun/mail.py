"""A mail as Mailgun's form: https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/messages

A mail that goes out as it stands is a file of a form of its own (`messages.mime`), beside its recipients.
"""

from collections.abc import Iterator
from typing import Any, Final

from everpost.model.ids import CORRELATION_KEY
from everpost.model.message import Draft
from everpost.providers import fields
from everpost.providers.forms import FilePart, is_field_name
from everpost.providers.options import form_fault, with_options

OWN: Final = frozenset(f"from to cc bcc h:from h:to h:cc h:bcc h:sender h:message-id v:{CORRELATION_KEY}".split())
LINES: Final = ("h:", "o:", "subject")  # options that end up in lines of the header
TEXTS: Final = frozenset({"text", "html", "template", "amp-html"})


def fault(message: Draft) -> str | None:
    names = {name for name, _ in fields_of(message, "")}
    reason = fields.fault_of(message, takes_raw=True) or fields.needs_to(message)
    if reason := reason or form_fault(_options(message), OWN, LINES):
        return reason
    if not all(is_field_name(name) for name in names):
        return "Mailgun takes names of metadata and options in printable ASCII without quotes only"
    if not message.sender.email.isascii():
        return "Mailgun writes a From field that is not valid for an address with letters beyond ASCII"
    if not message.is_raw and not TEXTS & names:
        return "Mailgun needs a text"
    if not all(file.filename for file in files_of(message)):
        return "Mailgun drops attachments without a file name"
    return None


def fields_of(message: Draft, delivery_id: str) -> Iterator[tuple[str, str]]:
    ours = _beside(message, delivery_id) if message.is_raw else _written(message, delivery_id)
    return with_options(ours, _options(message))


def files_of(message: Draft) -> Iterator[FilePart]:
    """The html refers to an inline part by its file name."""
    for part in message.attachments:
        if message.is_raw:
            yield FilePart("message", part.filename, part.content_type, part.content)
        else:
            field, name = ("attachment", part.filename) if part.content_id is None else ("inline", part.content_id)
            yield FilePart(field, name, part.content_type, part.content)


def _options(message: Draft) -> dict[str, Any]:
    return message.provider_options.get("mailgun", {})


def _written(message: Draft, delivery_id: str) -> Iterator[tuple[str, str]]:
    yield "from", fields.quoted_mailbox(message.sender)
    for name, group in zip(("to", "cc", "bcc"), fields.without_repeats(message), strict=True):
        yield from ((name, fields.quoted_mailbox(address)) for address in group)
    yield "subject", message.subject
    yield from ((name, text) for name, text in (("text", message.text), ("html", message.html)) if text)
    yield from ((f"h:{name}", value) for name, value in message.headers.items() if name.lower() != "message-id")
    if message.reply_to:
        yield "h:Reply-To", ", ".join(fields.quoted_mailbox(address) for address in dict.fromkeys(message.reply_to))
    yield from _labels(message)
    yield "h:Message-Id", fields.message_id_of(message, delivery_id)
    yield f"v:{CORRELATION_KEY}", delivery_id


def _beside(message: Draft, delivery_id: str) -> Iterator[tuple[str, str]]:
    """What stands beside a mail that is whole: whom it is for, and our id, by which its records find it."""
    yield from (("to", address.email) for group in fields.without_repeats(message) for address in group)
    yield from _labels(message)
    yield f"v:{CORRELATION_KEY}", delivery_id


def _labels(message: Draft) -> Iterator[tuple[str, str]]:
    yield from (("o:tag", tag) for tag in dict.fromkeys(message.tags))
    yield from ((f"v:{key}", value) for key, value in message.metadata.items())
