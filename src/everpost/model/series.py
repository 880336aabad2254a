"""Figures over time: what is asked for, and what is answered."""

from collections.abc import Mapping, Sequence
from enum import StrEnum

from msgspec import Struct


class Range(StrEnum):
    """How far back from now."""

    QUARTER_HOUR = "15m"
    HOUR = "1h"
    SIX_HOURS = "6h"
    DAY = "24h"
    WEEK = "7d"
    MONTH = "30d"


class Count(StrEnum):
    """What is counted, of an account or of a project as a whole."""

    ACCEPTED = "accepted"  # mails, of a project
    FAILED = "failed"  # deliveries that ended so, of a project
    CANCELLED = "cancelled"  # the same
    HELD = "held"  # the same; of an account: mails that it has taken and parked
    SENT = "sent"  # deliveries that ended so, of a project; of an account: mails that it has taken
    ATTEMPTS = "attempts"  # from here on of accounts: requests that were begun
    REJECTED = "rejected"  # answers, by what they mean
    REFUSED = "refused"
    THROTTLED = "throttled"
    UNAVAILABLE = "unavailable"
    UNKNOWN = "unknown"
    FOUND = "found"  # of unknown ones, those that turned out to be taken
    FAILOVERS_TO = "failovers_to"  # attempts here, of mail that was tried elsewhere before
    FAILOVERS_FROM = "failovers_from"  # attempts elsewhere, of mail that was tried here before
    DELIVERED = "delivered"  # recipients, as providers tell
    BOUNCED = "bounced"  # recipients that a receiving server, or the provider later on, would not take
    COMPLAINED = "complained"
    OPENED = "opened"  # times that the account's circuit opened
    CLOSED = "closed"


FAILURES = (Count.REFUSED, Count.THROTTLED, Count.UNAVAILABLE, Count.UNKNOWN, Count.REJECTED)
"""Answers after which an account has not taken a mail, or nobody knows."""

OTHERS = "*"
"""Stands for all accounts beyond the first so many of a document."""


class AccountSeries(Struct, frozen=True, kw_only=True):
    """Of one account, a value for each bucket."""

    name: str
    counts: Mapping[Count, Sequence[int]]
    success_share: Sequence[float | None]  # of the answers that tell of the account; None: there were none
    p50_ms: Sequence[float | None]  # of the time from the intent to the answer
    p99_ms: Sequence[float | None]
    whole: "Whole"


class Whole(Struct, frozen=True, kw_only=True):
    """Of one account over all buckets."""

    success_share: float | None
    p50_ms: float | None
    p99_ms: float | None


class Series(Struct, frozen=True, kw_only=True):
    """What happened in buckets of the same length, the oldest first. The last one is not over yet."""

    range: Range
    bucket_s: int
    starts: Sequence[int]  # seconds since the Unix epoch
    counts: Mapping[Count, Sequence[int]]  # of the project as a whole
    queue_age_s: Sequence[float | None]  # the longest that mail was overdue, of all projects; None: none was seen to be
    accounts: Sequence[AccountSeries]
