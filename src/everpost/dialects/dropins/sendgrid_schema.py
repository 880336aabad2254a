"""What SendGrid's v3 Mail Send takes, as types. A field that is none of these is refused by its name."""

from typing import Any, Final

import msgspec
from msgspec import Struct, field


class AddressObject(Struct, forbid_unknown_fields=True):
    email: str
    name: str | None = None


class Personalization(Struct, forbid_unknown_fields=True, kw_only=True):
    to: list[AddressObject]
    cc: list[AddressObject] | None = None
    bcc: list[AddressObject] | None = None
    sender: AddressObject | None = field(name="from", default=None)
    subject: str | None = None
    headers: dict[str, str] | None = None
    substitutions: dict[str, str] | None = None
    custom_args: dict[str, str] | None = None
    dynamic_template_data: dict[str, Any] | None = None
    send_at: int | None = None


class ContentObject(Struct, forbid_unknown_fields=True):
    type: str
    value: str


class AttachmentObject(Struct, forbid_unknown_fields=True, kw_only=True):
    content: str
    filename: str
    type: str | None = None
    disposition: str | None = None
    content_id: str | None = None


class Mail(Struct, forbid_unknown_fields=True, kw_only=True):
    personalizations: list[Personalization]
    sender: AddressObject = field(name="from")
    reply_to: AddressObject | None = None
    reply_to_list: list[AddressObject] | None = None
    subject: str | None = None
    content: list[ContentObject] | None = None
    attachments: list[AttachmentObject] | None = None
    headers: dict[str, str] | None = None
    categories: list[str] | None = None
    custom_args: dict[str, str] | None = None
    send_at: int | None = None
    batch_id: str | None = None
    template_id: str | None = None
    asm: dict[str, Any] | None = None
    ip_pool_name: str | None = None
    mail_settings: dict[str, Any] | None = None
    tracking_settings: dict[str, Any] | None = None


class Grouped(Struct, forbid_unknown_fields=True):
    batch_id: str
    status: str


CANCEL: Final = "cancel"
FOREIGN: Final = ("template_id", "asm", "ip_pool_name", "tracking_settings")
"""What only SendGrid can do; beside settings of the mail, and the data of its templates."""
MAIL: Final = msgspec.json.Decoder(Mail)
GROUPED: Final = msgspec.json.Decoder(Grouped)
