"""How a mail stands with one of its recipients."""

from enum import StrEnum

from msgspec import Struct


class RecipientState(StrEnum):
    """In the order of the ladder that a recipient only climbs."""

    PENDING = "pending"
    CANCELLED = "cancelled"
    HELD = "held"
    SUPPRESSED = "suppressed"  # left out: the address must not be written to
    SENT = "sent"  # a provider has it
    DEFERRED = "deferred"  # the provider goes on trying
    REJECTED = "rejected"  # no provider, or not this one, sends it to this address
    BOUNCED = "bounced"
    DELIVERED = "delivered"  # the receiving server has it
    UNSUBSCRIBED = "unsubscribed"
    COMPLAINED = "complained"


class RecipientStatus(Struct, frozen=True, kw_only=True):
    state: RecipientState
    reason: str = ""  # why, where that is told
    at: float | None = None  # when a provider said so
