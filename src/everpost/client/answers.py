"""What the server tells, as values. Fields that it may learn to tell later are passed over."""

from datetime import datetime
from typing import Any, Generic, TypeVar

from msgspec import Struct, field

from everpost.client.mail import Address

T = TypeVar("T")


class Recipient(Struct, frozen=True, kw_only=True):
    email: str
    name: str
    kind: str  # to, cc or bcc
    state: str
    reason: str
    told_at: datetime | None


class Attempt(Struct, frozen=True, kw_only=True):
    """One request to one account, or the reason why an account was skipped."""

    number: int | None  # None: the account was skipped
    account: str
    why: str
    outcome: str
    started_at: datetime
    latency_ms: float | None
    status: int | None
    text: str
    provider_message_id: str | None
    resolution: str | None
    lost: tuple[str, ...]


class Delivery(Struct, frozen=True, kw_only=True):
    id: str
    state: str
    account: str | None
    attempts: int
    reason: str
    due_at: datetime | None
    expires_at: datetime
    provider_message_id: str | None


class Sent(Struct, frozen=True, kw_only=True):
    """A mail that is accepted and durable; with `wait_s` as it stood when the waiting was over."""

    id: str
    state: str
    created_at: datetime
    recipients: tuple[Recipient, ...]
    attempts: tuple[Attempt, ...]


class Email(Sent, frozen=True, kw_only=True):
    """A mail, how it stands and every attempt to hand it over."""

    sender: Address = field(name="from")
    updated_at: datetime
    subject: str
    deliveries: tuple[Delivery, ...]
    tags: tuple[str, ...]
    metadata: dict[str, str]
    route: str
    send_at: datetime | None
    expires_at: datetime | None
    resend_of: str | None
    removed: tuple[str, ...]


class Event(Struct, frozen=True, kw_only=True):
    """A fact of the audit trail, as a CloudEvents 1.0 envelope."""

    id: str
    type: str
    time: datetime
    sequence: str  # where to go on, as `after`
    source: str
    specversion: str
    datacontenttype: str
    data: dict[str, Any]
    subject: str | None = None  # the mail or the account that it is about


class Suppression(Struct, frozen=True, kw_only=True):
    """An address that must not be written to."""

    address: str
    stream: str | None  # None: all mail is stopped
    source: str
    reason: str
    created_at: datetime
    expires_at: datetime | None


class Page(Struct, Generic[T], frozen=True):
    data: tuple[T, ...]
    next_cursor: str | None
