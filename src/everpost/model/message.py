"""What a caller submits. Immutable from the moment it is accepted."""

from collections.abc import Collection
from enum import StrEnum
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from everpost.model.capability import Loss


class OnUnknown(StrEnum):
    """What to do when nobody can tell in time whether a provider has taken the mail."""

    RESEND = "resend"  # at least once: hand it over again
    HOLD = "hold"  # at most once: leave it to a person


class Address(Struct, frozen=True):
    email: str
    name: str = ""

    def __str__(self) -> str:
        return f"{self.name} <{self.email}>" if self.name else self.email


class Attachment(Struct, frozen=True, kw_only=True):
    filename: str
    content_type: str
    content: bytes
    content_id: str | None = None  # set: shown inline, where the html says `cid:…`
    stored_as: str | None = None  # set: it lies outside the store under this name, and as stored its `content` is empty


class Draft(Struct, frozen=True, kw_only=True):
    """A mail as a dialect has read it, before it is accepted."""

    sender: Address
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    bcc: tuple[Address, ...] = ()
    reply_to: tuple[Address, ...] = ()
    subject: str = ""
    text: str | None = None
    html: str | None = None
    attachments: tuple[Attachment, ...] = ()
    headers: dict[str, str] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    metadata: dict[str, str] = field(default_factory=dict)
    send_at: float | None = None
    expires_at: float | None = None
    stream: str = ""  # of mail that its recipients may leave by itself; "": none
    ignores_unsubscribe: bool = False  # mail of an account, which whoever has one must get
    unsubscribe: bool = False  # it gets headers with a link to leave by one click (RFC 8058)
    route: str = "default"
    on_unknown: OnUnknown | None = None  # None: the route's
    resolve_within_s: float | None = None  # None: the route's
    provider_options: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By provider name; passed through untouched, and only accounts of these providers are candidates."""
    allow_loss: tuple[Loss, ...] | None = None  # what it may lose at a provider; None: what no reader can see
    is_raw: bool = False
    """Its one attachment is the whole mail (RFC 5322) and goes out as it stands. Sender and recipients are the envelope
    then, the subject is what the mail itself says; text, html, headers and addresses for answers are not set."""

    @property
    def raw(self) -> bytes:
        """Of a raw mail: the whole of it, lines ended by CRLF; empty where its content was left out."""
        return b"".join(part.content for part in self.attachments) if self.is_raw else b""

    @property
    def is_addressed(self) -> bool:
        """Whether it can be sent at all: to somebody in `to`, or of a raw mail to anybody."""
        return bool(self.recipients if self.is_raw else self.to)

    @property
    def recipients(self) -> tuple[Address, ...]:
        """The envelope: to, cc and bcc in this order."""
        return self.to + self.cc + self.bcc


class Again(Struct, frozen=True, kw_only=True):
    """Why a mail is sent again as a new one."""

    of: str  # id of the mail that it was made of
    by: str
    why: str


class Origin(Struct, frozen=True, kw_only=True):
    """The request that a mail came with, for those who follow it through the logs."""

    request: str | None = None  # its id
    trace: str | None = None  # the caller's W3C `traceparent`
    again: Again | None = None  # None: its sender has written it


class Removed(StrEnum):
    """What is no longer kept of a mail."""

    CONTENT = "content"  # subject, text, html, attachments, headers, provider options
    RECIPIENTS = "recipients"  # addresses and names of all but the sender, metadata


class Message(Draft, frozen=True, kw_only=True):
    """An accepted mail."""

    id: str
    project: str
    created_at: float
    origin: Origin = Origin()
    removed: tuple[Removed, ...] = ()


def without_recipients(message: Message, places: Collection[int]) -> Message:
    """The message for those who are left: `places` count from 0 over to, cc and bcc."""
    if not places:
        return message
    ends = (len(message.to), len(message.to) + len(message.cc))
    kept = [(place, address) for place, address in enumerate(message.recipients) if place not in places]
    return replace(
        message,
        to=tuple(address for place, address in kept if place < ends[0]),
        cc=tuple(address for place, address in kept if ends[0] <= place < ends[1]),
        bcc=tuple(address for place, address in kept if place >= ends[1]),
    )


def without_content(message: Message) -> Message:
    """What lists and stories need: all but text, html and attachments, which may be large."""
    return replace(message, text=None, html=None, attachments=())


def stored_names(message: Message) -> set[str]:
    """Of its attachments that lie outside the store."""
    return {attachment.stored_as for attachment in message.attachments if attachment.stored_as is not None}


def draft_of(message: Message) -> Draft:
    """What its sender has submitted, to be accepted again."""
    return Draft(**{name: getattr(message, name) for name in Draft.__struct_fields__})


def size_bytes(draft: Draft) -> int:
    """Bytes of content: text, html and decoded attachments."""
    bodies = sum(len(body) if body.isascii() else len(body.encode()) for body in (draft.text, draft.html) if body)
    return bodies + sum(len(attachment.content) for attachment in draft.attachments)
