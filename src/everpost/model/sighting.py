"""What a provider says of one recipient of a mail, in the words that hold for every provider."""

from enum import StrEnum
from typing import Final

from msgspec import Struct


class SightingKind(StrEnum):
    QUEUED = "queued"  # the provider has taken it
    SENT = "sent"  # it says that transmission has begun
    DEFERRED = "deferred"  # not yet; the provider goes on trying
    DELIVERED = "delivered"  # the receiving server has it
    BOUNCED = "bounced"  # the receiving server will not have it
    REJECTED = "rejected"  # the provider has refused it before any server was asked
    FAILED = "failed"  # a fault on the provider's side
    COMPLAINED = "complained"
    UNSUBSCRIBED = "unsubscribed"
    RESUBSCRIBED = "resubscribed"
    AUTORESPONDED = "autoresponded"
    OPENED = "opened"
    CLICKED = "clicked"
    INBOUND = "inbound"  # somebody has written to us
    SUPPRESSION_ADDED = "suppression_added"  # the provider's own list has grown
    SUPPRESSION_REMOVED = "suppression_removed"
    UNKNOWN = "unknown"  # an event that no table of ours names


class Bounce(StrEnum):
    HARD = "hard"  # the address takes no mail: do not write to it again
    SOFT = "soft"  # this mail has failed for good; the address may be fine


class Reason(StrEnum):
    INVALID_RECIPIENT = "invalid_recipient"
    MAILBOX_FULL = "mailbox_full"
    MAILBOX_INACTIVE = "mailbox_inactive"
    MAILBOX_UNAVAILABLE = "mailbox_unavailable"
    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    BLOCKED = "blocked"
    REPUTATION = "reputation"
    POLICY = "policy"
    RATE_LIMITED = "rate_limited"
    GREYLISTED = "greylisted"
    CONTENT = "content"
    TOO_LARGE = "too_large"
    ATTACHMENT = "attachment"
    VIRUS = "virus"
    AUTH = "auth"
    PROVIDER_QUOTA = "provider_quota"
    TEMPLATE = "template"
    DUPLICATE = "duplicate"
    SUPPRESSED_BOUNCE = "suppressed_bounce"
    SUPPRESSED_COMPLAINT = "suppressed_complaint"
    SUPPRESSED_UNSUBSCRIBE = "suppressed_unsubscribe"
    SUPPRESSED_MANUAL = "suppressed_manual"
    OTHER = "other"


class Machine(StrEnum):
    """Who has opened or clicked, where that was no person."""

    APPLE_MPP = "apple_mpp"  # Apple's Mail Privacy Protection loads every mail ahead
    IMAGE_PROXY = "image_proxy"  # on behalf of a person, whose place and address it hides
    SCANNER = "scanner"
    UNKNOWN = "unknown"


class Sighting(Struct, frozen=True, kw_only=True):
    kind: SightingKind
    native: str  # the provider's own name of the event
    raw: bytes  # the event as it came
    event_id: str | None = None  # told again, it has the same one
    at: float | None = None  # when it happened, as the provider says
    recipient: str | None = None
    vague: bool = False  # the recipient is one whom the mail was for, and not certainly the one whom this is about
    delivery_id: str | None = None  # ours, which the provider was given with the mail
    provider_message_id: str | None = None
    bounce: Bounce | None = None
    reason: Reason | None = None
    smtp_code: int | None = None
    enhanced_status: str | None = None  # RFC 3463
    text: str = ""  # the diagnosis in words, as they came
    machine: Machine | None = None
    scope: str | None = None  # of what was unsubscribed from; None: from everything
    late: bool = False  # a bounce that came by mail, after the receiving server had taken the mail


class Unreadable(Struct, frozen=True):
    """What came genuinely and makes no sense."""

    raw: bytes
    reason: str


OF_NO_MAIL: Final = frozenset({SightingKind.INBOUND, SightingKind.SUPPRESSION_ADDED, SightingKind.SUPPRESSION_REMOVED})
"""What tells nothing of a mail that was sent."""

TAKEN: Final = frozenset(SightingKind) - OF_NO_MAIL - {SightingKind.FAILED, SightingKind.UNKNOWN}
"""What can only be said of a mail that the provider has taken."""

RELEASED: Final = TAKEN - {SightingKind.QUEUED, SightingKind.DEFERRED}
"""What can only be said of a mail that it has not parked, or parks no more."""
