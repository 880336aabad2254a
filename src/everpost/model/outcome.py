"""What became of one attempt, named by what may be done next."""

from enum import StrEnum
from typing import Final

from msgspec import Struct


class Kind(StrEnum):
    ACCEPTED = "accepted"  # the provider has it
    HELD = "held"  # accepted, but parked there (paused, review, quota)
    REJECTED = "rejected"  # no provider would take it
    REFUSED = "refused"  # this account will not; others may
    THROTTLED = "throttled"  # rate or quota; others may
    UNAVAILABLE = "unavailable"  # certainly not taken
    UNKNOWN = "unknown"  # may have been taken: resolve before anything else


TAKEN: Final = frozenset({Kind.ACCEPTED, Kind.HELD})
"""Kinds after which the provider has the mail."""

NOT_TAKEN: Final = frozenset({Kind.REFUSED, Kind.THROTTLED, Kind.UNAVAILABLE})
"""Kinds after which another account may be tried at once."""


class Outcome(Struct, frozen=True, kw_only=True):
    kind: Kind
    status: int | None = None  # the provider's HTTP status or SMTP code; None: no answer
    text: str = ""  # the provider's own words, or what the wire saw
    provider_message_id: str | None = None
    account_fault: bool = False
    """With REFUSED: the account itself is at fault (credentials, suspension), so its circuit opens. Without it the
    account has met a limit of its own with this mail and is never asked again for this delivery."""
    retry_after_s: float | None = None  # with THROTTLED: how long the provider wants to be left alone


class Attempt(Struct, frozen=True, kw_only=True):
    """One request to one account, as told to people: folded from the events of a delivery."""

    number: int | None  # None: the account was skipped, no request was made
    account: str
    why: str  # why this account was chosen, or why it was skipped
    outcome: str  # a Kind, `skipped`, or `running`
    started_at: float
    latency_ms: float | None = None
    status: int | None = None
    text: str = ""
    provider_message_id: str | None = None
    resolution: str | None = None  # what a later question found out about an unknown outcome
    lost: tuple[str, ...] = ()  # what the provider has no place for, by the names of Loss
