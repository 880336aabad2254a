"""Django's mail through Everpost: `EMAIL_BACKEND = "everpost.client.django.EmailBackend"`. Needs the extra `django`.

Settings: `EVERPOST_URL` and `EVERPOST_KEY`, or the environment variables of these names. What Django has no word for
stands in an attribute of the message, `message.everpost = {"tags": ["welcome"]}`: further arguments of `Everpost.send`.
"""

import mimetypes
from collections.abc import Iterator, Sequence
from email.message import Message
from email.utils import getaddresses
from typing import Any, Final

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

from everpost.client.errors import EverpostError
from everpost.client.mail import Address, Attachment
from everpost.client.sync import Everpost

HTML: Final = "text/html"
OCTETS: Final = "application/octet-stream"


class EmailBackend(BaseEmailBackend):
    """Afterwards `everpost_id` of a message is the id of its mail. What can't be sent raises an EverpostError, or a
    ValueError where Everpost has no form for it; with `fail_silently` the former passes."""

    def __init__(self, *, fail_silently: bool = False, **others: Any) -> None:
        super().__init__(fail_silently=fail_silently, **others)
        self._client: Everpost | None = None

    def open(self) -> bool:
        """Whether it is open now and was not before."""
        if self._client is not None:
            return False
        self._client = Everpost(getattr(settings, "EVERPOST_URL", None), getattr(settings, "EVERPOST_KEY", None))
        return True

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """How many were accepted. Those without recipients are passed over."""
        wanted = [message for message in email_messages if message.recipients()]
        is_ours = bool(wanted) and self.open()
        try:
            return sum(self._send(message) for message in wanted)
        finally:
            if is_ours:
                self.close()

    def _send(self, message: EmailMessage) -> bool:
        assert self._client is not None  # noqa: S101  open() has been called
        try:
            sent = self._client.send(**mail_of(message))
        except EverpostError:
            if not self.fail_silently:
                raise
            return False
        message.everpost_id = sent.id
        return True


def mail_of(message: EmailMessage) -> dict[str, Any]:
    """The arguments of `send`. In Django a header may stand for the sender and for whom answers go to."""
    headers = {name: str(value) for name, value in message.extra_headers.items()}
    named = {name.lower(): name for name in headers}
    sender = headers.pop(named["from"]) if "from" in named else message.from_email
    answers = headers.pop(named["reply-to"]) if "reply-to" in named else ", ".join(map(str, message.reply_to))
    mail = {
        "from_": str(sender),
        "to": list(map(str, message.to)),
        "cc": list(map(str, message.cc)),
        "bcc": list(map(str, message.bcc)),
        "reply_to": _addresses(answers),
        "subject": str(message.subject),
        "headers": headers,
        "attachments": [_attachment(one, message) for one in message.attachments],
    }
    return mail | dict(_texts(message)) | getattr(message, "everpost", {})


def _addresses(field: str) -> list[Address]:
    """Of nothing there are none: some versions of Python find an empty one."""
    return [Address(email, name) for name, email in getaddresses([field])] if field.strip() else []


def _texts(message: EmailMessage) -> Iterator[tuple[str, str]]:
    """The body and what may be shown in its place."""
    if message.body:
        yield ("html" if message.content_subtype == "html" else "text"), str(message.body)
    for content, kind in getattr(message, "alternatives", ()):
        if kind != HTML:
            raise ValueError(f"Everpost sends text and html, and no alternative of type {kind}; attach it instead")
        yield "html", str(content)


def _attachment(given: Any, message: EmailMessage) -> Attachment:
    """Either a part, as `MIMEImage` with a Content-ID is one, or name, content and type."""
    if isinstance(given, Message):
        kind, name = given.get_content_type(), given.get_filename()
        content_id = (given.get("Content-ID") or "").strip("<>") or None
        content = _content(given)
    else:
        name, found, kind = given
        kind, content_id = kind or mimetypes.guess_type(name or "")[0] or OCTETS, None
        content = _bytes(found, message.encoding or settings.DEFAULT_CHARSET)
    name = name or "attachment" + (mimetypes.guess_extension(kind) or "")
    return Attachment(filename=name, content=content, content_type=kind, content_id=content_id)


def _content(part: Message) -> bytes:
    """What a part holds; of one that holds a mail, the whole mail."""
    payload = part.get_payload(decode=True)
    if isinstance(payload, bytes):
        return payload
    held = list(part.walk())[1:]
    if part.get_content_maintype() == "multipart" or not held:
        raise ValueError(f"Everpost attaches no part of type {part.get_content_type()}; attach what it holds")
    return held[0].as_bytes()


def _bytes(content: Any, charset: str) -> bytes:
    if isinstance(content, bytes):
        return content
    if isinstance(content, EmailMessage):
        content = content.message()
    return content.as_bytes() if isinstance(content, Message) else str(content).encode(charset)
