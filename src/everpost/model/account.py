"""A set of credentials at one provider, and what is known of its health."""

from enum import StrEnum
from typing import Final

from msgspec import Struct, field


class Quota(Struct, frozen=True, kw_only=True):
    """Recipients (that is what providers count) that the account may serve; None: no limit that we know of."""

    per_second: int | None = None
    per_day: int | None = None
    per_month: int | None = None
    zone: str = "UTC"  # IANA name of the time zone in which days and months begin


class Timeouts(Struct, frozen=True, kw_only=True):
    connect_s: float = 5.0  # DNS + TCP + TLS
    write_s: float = 30.0
    answer_s: float = 60.0
    """From the last byte of the request to the last byte of the answer. Long, since a false time-out costs a
    question, and the caller has been answered long ago."""

    @property
    def total_s(self) -> float:
        return self.connect_s + self.write_s + self.answer_s


class Account(Struct, frozen=True, kw_only=True):
    name: str
    provider: str
    settings: dict[str, str] = field(default_factory=dict)  # the provider's own: api_key, domain, region, host, …
    quota: Quota = Quota()
    recipients: tuple[str, ...] = ()  # allowed recipients, `*` as wildcard; empty: all
    senders: tuple[str, ...] = ()  # allowed sender domains, `*.` for those below; empty: all
    max_concurrency: int = 50
    timeouts: Timeouts = Timeouts()
    lookup_lag_s: float | None = None  # None: the provider's own
    backfill_every_s: float | None = None  # how often its provider is asked what its webhooks missed; None: never


class Bucket(Struct, frozen=True):
    start_at: float
    ok: int
    failed: int


OUTAGE_FAILURES: Final = 5
"""So many failures in a row are an outage; fewer come and go."""


class Look(Struct, frozen=True):
    """What the provider's records said of one mail that it had accepted."""

    mail: str  # the delivery's id
    accepted_at: float
    shown: bool  # False: it should have been, and was not yet


class Records(Struct, frozen=True, kw_only=True):
    """Whether the mail that an account accepts shows in its provider's records. What that means is decided in
    `core.confirming`."""

    looks: tuple[Look, ...] = ()  # the latest mails that were looked for, oldest first
    looked_at: float | None = None  # the last answer of theirs that tells something
    shown: int = 0  # mails ever found in them
    shown_at: float | None = None  # when the latest mail that was found had been accepted
    lag_s: float = 0.0  # how long they took at most to show a mail; fades
    missing_since: float | None = None  # when the first mail was accepted that was missed; None: all is well again
    absent: int = 0  # mails accepted after `shown_at` that are not there, after twice the longest time that it takes

    @property
    def missing(self) -> int:
        """Of the latest mails that were looked for."""
        return sum(not look.shown for look in self.looks)


class Promptness(StrEnum):
    """What a provider had told of a mail when it should have been delivered."""

    PROMPT = "prompt"  # that it was, or that its address takes no mail
    LATE = "late"  # something else
    SILENT = "silent"  # nothing


class Heard(Struct, frozen=True):
    """Of one mail that the account had accepted."""

    accepted_at: float
    what: Promptness


class Delivering(Struct, frozen=True, kw_only=True):
    """Whether what an account accepts is reported delivered in time. What that means is decided in
    `core.delivering`."""

    heard: tuple[Heard, ...] = ()  # of the latest mails that were listened for, oldest first
    heard_at: float | None = None  # when that was asked last
    usual: float = 0.0  # the share that is prompt as a rule, by its own past …
    mails: int = 0  # … of so many mails
    slow_since: float | None = None  # when the first mail was accepted of a run of slow ones; None: it is as usual

    @property
    def share(self) -> float | None:
        """Of the latest mails, those that were prompt; None: there were none."""
        if not self.heard:
            return None
        return sum(one.what is Promptness.PROMPT for one in self.heard) / len(self.heard)

    @property
    def silent(self) -> int:
        """Of the latest mails, those of which nothing was told."""
        return sum(one.what is Promptness.SILENT for one in self.heard)


class AccountHealth(Struct, frozen=True, kw_only=True):
    """Counters that add up over workers in any order. What they mean is decided in `core.breaker`."""

    buckets: tuple[Bucket, ...] = ()  # oldest first
    ok_at: float | None = None  # the last answer of a working account
    failed_at: float | None = None
    failing_since: float | None = None  # the first failure after `ok_at`; None: the last answer was good
    failures: int = 0  # since `ok_at`
    fault_at: float | None = None  # when the account was last refused for a fault of its own (credentials, suspension)
    recovered_at: float | None = None  # the success that ended the last outage …
    recovered_failures: int = 0  # … how many failures that were …
    recovered_after_s: float = 0.0  # … and how long they had lasted
    blocked_until: float | None = None  # throttled by the provider until then
    blocked_reason: str = ""
    probe_until: float | None = None  # somebody holds the one probe of a half-open circuit
    last_error: str = ""
    last_error_at: float | None = None
    records: Records = Records()
    delivering: Delivering = Delivering()


class CircuitState(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Circuit(Struct, frozen=True, kw_only=True):
    state: CircuitState
    reason: str = ""
    until: float | None = None  # open: when the next probe may go
    share: float = 1.0  # closed: part of the traffic that it may take while it comes back, or is in doubt
    unconfirmed: bool = False  # mail that the account accepts does not show in its records
    slow: bool = False  # it is delivered late, or nothing is told of it
