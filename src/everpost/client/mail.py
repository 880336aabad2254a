"""What a caller says of a mail. Checked by the server alone, which names each fault and how to mend it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Required, TypedDict

import msgspec
from msgspec import Struct


class Address(Struct, frozen=True):
    """An address in two parts; `ann@example.com` and `Ann <ann@example.com>` are good, too."""

    email: str
    name: str = ""


class Attachment(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A file that goes with a mail."""

    filename: str
    content: bytes
    content_type: str | None = None  # None: by the file name's ending
    content_id: str | None = None  # set: shown inline, where the html says `cid:…`

    @classmethod
    def read(cls, path: str | Path, *, content_id: str | None = None) -> "Attachment":
        """A file of this machine, under its own name."""
        path = Path(path)
        return cls(filename=path.name, content=path.read_bytes(), content_id=content_id)


class TemplateOf(TypedDict, total=False):
    """A template of the project, and what it is filled in with."""

    id: Required[str]
    data: Mapping[str, Any]


AnAddress = str | Address
Addresses = AnAddress | Sequence[AnAddress]
Time = datetime | float | str
"""A datetime with its zone, seconds since the Unix epoch, or RFC 3339."""


class Mail(TypedDict, total=False):
    """The fields of `POST /v1/emails`; `from_` is `from`, which Python keeps for itself."""

    from_: Required[AnAddress]
    to: Required[Addresses]
    cc: Addresses
    bcc: Addresses
    reply_to: Addresses
    subject: str
    text: str
    html: str
    template: TemplateOf
    attachments: Sequence[Attachment | Path]
    headers: Mapping[str, str]
    tags: Sequence[str]
    metadata: Mapping[str, str]
    stream: str
    unsubscribe: bool
    ignore_unsubscribe: bool
    send_at: Time
    expires_at: Time
    route: str
    on_unknown: Literal["resend", "hold"]
    resolve_within_s: float
    allow_loss: Sequence[str]
    provider_options: Mapping[str, Mapping[str, Any]]


class EmailFilter(TypedDict, total=False):
    """Which mails to list. All that is given holds together."""

    state: str
    recipient: str
    tag: str
    account: str
    created_from: Time
    created_before: Time


class EventFilter(TypedDict, total=False):
    """Which events to list. All that is given holds together."""

    message: str  # id of a mail
    type: str  # as in `email.sent`
    account: str
    since: Time
    until: Time


def written(mail: Mail) -> bytes:
    """The body of the request."""
    body: dict[str, Any] = {name.rstrip("_"): value for name, value in mail.items()}
    if "attachments" in body:
        body["attachments"] = [Attachment.read(one) if isinstance(one, Path) else one for one in body["attachments"]]
    return msgspec.json.encode(body)
