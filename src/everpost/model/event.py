"""Immutable facts. The audit trail is the list of events, in the order in which they were committed."""

from enum import StrEnum
from typing import Any

from msgspec import Struct, field


class EventType(StrEnum):
    ACCEPTED = "email.accepted"
    ATTEMPTED = "email.attempted"
    DEFERRED = "email.deferred"
    SENT = "email.sent"
    FAILED = "email.failed"
    HELD = "email.held"
    UNCERTAIN = "email.uncertain"
    RESOLVED = "email.resolved"
    CANCELLED = "email.cancelled"
    RESCHEDULED = "email.rescheduled"
    RESENT = "email.resent"
    SUPPRESSED = "email.suppressed"
    UNCONFIRMED = "email.unconfirmed"
    RECIPIENT_QUEUED = "recipient.queued"
    RECIPIENT_SENT = "recipient.sent"
    RECIPIENT_DEFERRED = "recipient.deferred"
    RECIPIENT_DELIVERED = "recipient.delivered"
    RECIPIENT_BOUNCED = "recipient.bounced"
    RECIPIENT_REJECTED = "recipient.rejected"
    RECIPIENT_FAILED = "recipient.failed"
    RECIPIENT_COMPLAINED = "recipient.complained"
    RECIPIENT_UNSUBSCRIBED = "recipient.unsubscribed"
    RECIPIENT_RESUBSCRIBED = "recipient.resubscribed"
    RECIPIENT_AUTORESPONDED = "recipient.autoresponded"
    RECIPIENT_OPENED = "recipient.opened"
    RECIPIENT_CLICKED = "recipient.clicked"
    RECIPIENT_INBOUND = "recipient.inbound"
    RECIPIENT_SUPPRESSION_ADDED = "recipient.suppression_added"
    RECIPIENT_SUPPRESSION_REMOVED = "recipient.suppression_removed"
    RECIPIENT_UNKNOWN = "recipient.unknown"
    WEBHOOK_UNREADABLE = "webhook.unreadable"
    ACCOUNT_OPENED = "account.opened"
    ACCOUNT_CLOSED = "account.closed"
    ACCOUNT_UNCONFIRMED = "account.unconfirmed"
    ACCOUNT_CONFIRMED = "account.confirmed"
    ACCOUNT_DEGRADED = "account.degraded"
    ACCOUNT_RECOVERED = "account.recovered"
    ACCOUNT_PAUSED = "account.paused"
    ACCOUNT_RESUMED = "account.resumed"
    ACCOUNT_PROBED = "account.probed"
    ROUTE_CHANGED = "route.changed"
    DEFAULT_CHANGED = "route.default_changed"
    SUPPRESSION_ADDED = "suppression.added"
    SUPPRESSION_REMOVED = "suppression.removed"
    ADDRESS_ERASED = "address.erased"
    KEY_CREATED = "key.created"
    KEY_REVOKED = "key.revoked"
    TEMPLATE_CHANGED = "template.changed"
    TEMPLATE_DELETED = "template.deleted"
    WEBHOOK_CREATED = "webhook.created"
    WEBHOOK_CHANGED = "webhook.changed"
    WEBHOOK_ROTATED = "webhook.rotated"
    WEBHOOK_REPLAYED = "webhook.replayed"
    WEBHOOK_DISABLED = "webhook.disabled"
    WEBHOOK_DELETED = "webhook.deleted"
    WEBHOOK_TEST = "webhook.test"


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
