"""Events as figures over time: counted once, in buckets of documents that add up.

A page is the document of one project, tier and span of time. It keeps the number of the last event that it has taken,
so that events which come again after a crash are left out exactly, however they are cut into batches.
"""

import math
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

import msgspec
from msgspec import Struct, field

from everpost.model.event import Event, EventType, Recorded
from everpost.model.limits import SERIES_ACCOUNTS_MAX
from everpost.model.outcome import Kind
from everpost.model.series import OTHERS, Count

SHARED: Final = ""
"""The project of what belongs to none: the accounts' circuits, the queue."""
WHOLE: Final = ""
"""In the place of an account: the project as a whole."""
_MINUTE_S: Final = 60
_DAY_S: Final = 86_400

Counts = dict[str, int]


class Tier(Struct, frozen=True):
    """How finely time is cut, and for how long that is kept."""

    name: str
    bucket_s: int
    page_s: int
    kept_s: int

    def index(self, at: float) -> int:
        """Of the page that an instant belongs to."""
        return int(at // self.page_s)


MINUTES: Final = Tier("minutes", _MINUTE_S, 30 * _MINUTE_S, 7 * 3600)
QUARTERS: Final = Tier("quarters", 15 * _MINUTE_S, 8 * 3600, 26 * 3600)
HOURS: Final = Tier("hours", 2 * 3600, 3 * _DAY_S, 31 * _DAY_S)
TIERS: Final = (MINUTES, QUARTERS, HOURS)


class Name(Struct, frozen=True):
    """Of a page."""

    tier: Tier
    index: int
    project: str


class Bucket(Struct):
    """What happened in some time. Buckets add up in any order."""

    accounts: dict[str, Counts] = field(default_factory=dict)
    queue_age_s: float | None = None

    def add(self, other: "Bucket", names: Mapping[str, str]) -> None:
        """`names`: under which an account is counted, where that is another."""
        for account, more in other.accounts.items():
            counts = self.accounts.setdefault(names.get(account, account), {})
            for name, number in more.items():
                counts[name] = counts.get(name, 0) + number
        if other.queue_age_s is not None:
            self.queue_age_s = max(other.queue_age_s, self.queue_age_s or 0.0)


class Page(Struct):
    seq: int = 0  # of the last event that was counted, or passed by
    buckets: dict[int, Bucket] = field(default_factory=dict)  # by their start, in lengths of a bucket


Tally = dict[tuple[str, int], Bucket]
"""By project, and by minute since the Unix epoch."""


# --- from events to figures -------------------------------------------------------------------------------------------

_TOTALS: Final = {
    EventType.ACCEPTED: Count.ACCEPTED,
    EventType.SENT: Count.SENT,
    EventType.FAILED: Count.FAILED,
    EventType.HELD: Count.HELD,
    EventType.CANCELLED: Count.CANCELLED,
}
_OUTCOMES: Final = {kind.value: Count(kind.value) for kind in Kind if kind is not Kind.ACCEPTED} | {
    Kind.ACCEPTED.value: Count.SENT
}
_TOLD: Final = {
    EventType.RECIPIENT_DELIVERED: Count.DELIVERED,
    EventType.RECIPIENT_BOUNCED: Count.BOUNCED,
    EventType.RECIPIENT_REJECTED: Count.BOUNCED,
    EventType.RECIPIENT_COMPLAINED: Count.COMPLAINED,
    EventType.ACCOUNT_OPENED: Count.OPENED,
    EventType.ACCOUNT_CLOSED: Count.CLOSED,
}


def tallied(events: Iterable[Recorded]) -> Tally:
    """What providers have told counts when they told it: they may tell of last week."""
    tally: Tally = {}
    for recorded in events:
        event = recorded.event
        for account, name in _counted(event):
            at = event.data.get("received_at", event.at)
            bucket = tally.setdefault((event.project, int(at // _MINUTE_S)), Bucket())
            counts = bucket.accounts.setdefault(account, {})
            counts[name] = counts.get(name, 0) + 1
    return tally


def _counted(event: Event) -> Iterator[tuple[str, str]]:
    """What an event adds one to: an account, or the project as a whole, and the name of the count."""
    type_, data = event.type, event.data
    if (total := _TOTALS.get(type_)) is not None:
        yield WHOLE, total
    account = event.account
    if account is None:
        return
    if type_ is EventType.ATTEMPTED:
        yield account, Count.ATTEMPTS
        if "after" in data:
            yield account, Count.FAILOVERS_TO
            yield data["after"], Count.FAILOVERS_FROM
    elif (outcome := _OUTCOMES.get(data.get("outcome", ""))) is not None:
        yield account, outcome
        yield account, _latency(data["latency_ms"])
    elif type_ is EventType.RESOLVED and data["verdict"] == "found":
        yield account, Count.FOUND
    elif (told := _TOLD.get(type_)) is not None:
        yield account, told


def sampled(queue_age_s: float, now: float) -> Tally:
    """How long the longest due mail of all projects waits, at this moment."""
    return {(SHARED, int(now // _MINUTE_S)): Bucket(queue_age_s=queue_age_s)}


# --- pages ------------------------------------------------------------------------------------------------------------


def pages_of(tally: Tally, now: float) -> set[Name]:
    """Those that the figures belong to; a tier forgets what is too old for it."""
    return {
        Name(tier, tier.index(minute * _MINUTE_S), project)
        for project, minute in tally
        for tier in TIERS
        if tier.index(minute * _MINUTE_S) >= tier.index(now - tier.kept_s)
    }


def add(page: Page, name: Name, tally: Tally) -> bool:
    """Counts in what belongs to a page; False: nothing does."""
    tier, has_grown = name.tier, False
    for (project, minute), bucket in tally.items():
        at = minute * _MINUTE_S
        if project == name.project and tier.index(at) == name.index:
            into = page.buckets.setdefault(at // tier.bucket_s, Bucket())
            into.add(bucket, _renamed(page, bucket))
            has_grown = True
    return has_grown


def _renamed(page: Page, bucket: Bucket) -> Mapping[str, str]:
    """The accounts that a page has no room for by their own names."""
    known = {account for one in page.buckets.values() for account in one.accounts} - {WHOLE, OTHERS}
    fresh = [account for account in bucket.accounts if account not in known and account != WHOLE]
    return dict.fromkeys(fresh[max(0, SERIES_ACCOUNTS_MAX - len(known)) :], OTHERS)


def packed(page: Page) -> bytes:
    return zlib.compress(msgspec.json.encode(page))


def unpacked(value: bytes) -> Page:
    return msgspec.json.decode(zlib.decompress(value), type=Page)


# --- latency in fixed buckets -----------------------------------------------------------------------------------------

_BINS_A_DOUBLING: Final = 4  # each is 19 % longer than the one before
_BINS: Final = 72  # from 1 ms to more than 3 min
_BIN: Final = "ms"  # begins their names


def _latency(ms: float) -> str:
    place = math.ceil(_BINS_A_DOUBLING * math.log2(ms)) if ms > 1.0 else 0
    return f"{_BIN}{min(place, _BINS - 1)}"


def latencies(counts: Mapping[str, int]) -> Sequence[int]:
    """How many answers came within each of the fixed times, and later than within the one before."""
    return [counts.get(f"{_BIN}{place}", 0) for place in range(_BINS)]


def quantile_ms(bins: Sequence[int], part: float) -> float | None:
    """The time within which this part of the answers came, give or take a tenth; None: there were none."""
    total = sum(bins)
    if not total:
        return None
    seen, wanted = 0, max(1.0, part * total)
    for place, count in enumerate(bins):
        if count and seen + count >= wanted:
            inside = (wanted - seen) / count
            return round(float(2.0 ** ((place - 1 + inside) / _BINS_A_DOUBLING)), 1)
        seen += count
    raise AssertionError("a part is at most 1")
