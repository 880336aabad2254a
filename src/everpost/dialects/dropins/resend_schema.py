"""What Resend's API takes, as types. A field that is none of these is refused by its name."""

from typing import Any, Final

import msgspec
from msgspec import Struct, field

Listed = str | list[str] | None


class FileObject(Struct, forbid_unknown_fields=True, kw_only=True):
    filename: str | None = None
    content: str | list[int] | None = None
    path: str | None = None
    content_type: str | None = None
    content_id: str | None = None


class Tag(Struct, forbid_unknown_fields=True):
    name: str
    value: str


class Email(Struct, forbid_unknown_fields=True, kw_only=True):
    from_: str = field(name="from")
    to: Listed = None
    subject: str | None = None
    cc: Listed = None
    bcc: Listed = None
    reply_to: Listed = None
    text: str | None = None
    html: str | None = None
    headers: dict[str, str] | None = None
    attachments: list[FileObject] | None = None
    tags: list[Tag] | None = None
    scheduled_at: str | None = None
    template: dict[str, Any] | None = None
    topic_id: str | None = None


class Update(Struct, forbid_unknown_fields=True, kw_only=True):
    id: str | None = None
    scheduled_at: str | None = None


EMAIL: Final = msgspec.json.Decoder(Email)
UPDATE: Final = msgspec.json.Decoder(Update)
