"""The unit that is queued, routed and retried: one message to one group of recipients that share an envelope."""

from enum import StrEnum
from typing import Final

from msgspec import Struct


class DeliveryState(StrEnum):
    QUEUED = "queued"  # will be handed over; "scheduled" and "deferred" are queued with a later `due_at`
    SENDING = "sending"  # an intent is on disk: a provider may be reading it now
    UNCERTAIN = "uncertain"  # something went out and no trustworthy answer came
    SENT = "sent"  # a provider has it
    FAILED = "failed"  # no provider will take it, or it expired
    CANCELLED = "cancelled"
    HELD = "held"  # parked at the provider, or unresolved with on_unknown = hold: a person decides, or an event of it


FINAL: Final = frozenset({DeliveryState.SENT, DeliveryState.FAILED, DeliveryState.CANCELLED, DeliveryState.HELD})
"""States that Everpost never leaves by itself: what is held, when its provider tells of it."""


class Delivery(Struct, frozen=True, kw_only=True):
    id: str
    message_id: str
    project: str
    state: DeliveryState = DeliveryState.QUEUED
    due_at: float | None
    """When somebody must look at it next: the send time, the end of a lease, the next question. None when final."""
    version: int = 0
    """Grows with every write, claims included. A writer that names an old one has lost its lease."""
    attempts: int = 0
    rounds: int = 0  # how often every account has been tried in vain
    account: str | None = None  # of the current or last attempt
    started_at: float | None = None  # of that attempt
    deadline_at: float | None = None  # by then it has ended; None: it has, as its worker has told
    asks: int = 0  # questions asked about that attempt
    tried: tuple[str, ...] = ()  # accounts tried in this round
    refused: tuple[str, ...] = ()  # accounts that will never take this delivery
    left_out: tuple[int, ...] = ()  # recipients that must not be written to, by their place in the message
    reason: str = ""  # why it is where it is, in words
    provider_message_id: str | None = None
    expires_at: float  # the message's own, or when the route gives up
    created_at: float
    updated_at: float
