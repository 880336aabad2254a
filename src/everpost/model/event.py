"""Immutable facts. The audit trail is the list of events, in the order in which they were committed."""

from enum import StrEnum
from typing import Any

from msgspec import Struct, field


class EventType(StrEnum):
    ACCEPTED = "email.accepted"
    ATTEMPTED = "email.attempted"  # the intent: on disk before the first byte goes out
    DEFERRED = "email.deferred"  # not taken; stays queued
    SENT = "email.sent"
    FAILED = "email.failed"
    HELD = "email.held"
    UNCERTAIN = "email.uncertain"
    RESOLVED = "email.resolved"
    CANCELLED = "email.cancelled"
    SUPPRESSED = "email.suppressed"
    ACCOUNT_OPENED = "account.opened"
    ACCOUNT_CLOSED = "account.closed"
    ROUTE_CHANGED = "route.changed"
    DEFAULT_CHANGED = "route.default_changed"
    SUPPRESSION_ADDED = "suppression.added"
    SUPPRESSION_REMOVED = "suppression.removed"
    KEY_CREATED = "key.created"
    KEY_REVOKED = "key.revoked"


class Event(Struct, frozen=True, kw_only=True):
    id: str  # stable: the same fact told twice has the same id
    type: EventType
    at: float
    project: str
    message_id: str | None = None
    delivery_id: str | None = None
    account: str | None = None  # only if the event is about one
    data: dict[str, Any] = field(default_factory=dict)
    """Numbers, words and names of accounts; never addresses or content. Instants are named `…_at`."""


class Recorded(Struct, frozen=True):
    """An event with its place in the audit trail."""

    seq: int  # grows in commit order; the cursor of every reader
    event: Event
