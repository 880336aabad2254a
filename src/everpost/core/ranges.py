"""Pages of figures as the series of a range that somebody asks for."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from msgspec import Struct

from everpost.core.series import (
    HOURS,
    MINUTES,
    QUARTERS,
    SHARED,
    WHOLE,
    Bucket,
    Name,
    Page,
    Tier,
    latencies,
    quantile_ms,
)
from everpost.model.series import FAILURES, AccountSeries, Count, Range, Series, Whole

_TOTALS: Final = (Count.ACCEPTED, Count.SENT, Count.FAILED, Count.HELD, Count.CANCELLED)
_BLAMED: Final = tuple(count for count in FAILURES if count is not Count.REJECTED)  # that is the mail's own fault
_TAKEN: Final = (Count.SENT, Count.HELD)


class Plan(Struct, frozen=True):
    """From which tier a range is read, and in how many buckets of which length it is told."""

    tier: Tier
    bucket_s: int
    buckets: int


PLANS: Final[Mapping[Range, Plan]] = {
    Range.QUARTER_HOUR: Plan(MINUTES, 60, 15),
    Range.HOUR: Plan(MINUTES, 60, 60),
    Range.SIX_HOURS: Plan(MINUTES, 300, 72),
    Range.DAY: Plan(QUARTERS, 900, 96),
    Range.WEEK: Plan(HOURS, 7200, 84),
    Range.MONTH: Plan(HOURS, 6 * 3600, 120),
}


def starts_of(range_: Range, now: float) -> Sequence[int]:
    """Of the buckets; the last one has begun and is not over."""
    plan = PLANS[range_]
    last = int(now // plan.bucket_s)
    return [plan.bucket_s * index for index in range(last - plan.buckets + 1, last + 1)]


def names_of(range_: Range, project: str, now: float) -> Sequence[Name]:
    """The pages that have to be read."""
    tier, starts = PLANS[range_].tier, starts_of(range_, now)
    indices = range(tier.index(starts[0]), tier.index(now) + 1)
    return [Name(tier, index, each) for index in indices for each in (project, SHARED)]


def series_of(range_: Range, pages: Iterable[tuple[Name, Page]], now: float) -> Series:
    plan, starts = PLANS[range_], starts_of(range_, now)
    merged = [Bucket() for _ in starts]
    for name, page in pages:
        for index, bucket in page.buckets.items():
            place = (index * name.tier.bucket_s - starts[0]) // plan.bucket_s
            if 0 <= place < len(merged):
                merged[place].add(bucket, {})
    names = sorted({name for bucket in merged for name in bucket.accounts} - {WHOLE})
    return Series(
        range=range_,
        bucket_s=plan.bucket_s,
        starts=starts,
        counts=_columns(_TOTALS, [bucket.accounts.get(WHOLE, {}) for bucket in merged]),
        queue_age_s=[bucket.queue_age_s for bucket in merged],
        accounts=[_account(name, [bucket.accounts.get(name, {}) for bucket in merged]) for name in names],
    )


def _columns(names: Iterable[Count], rows: Sequence[Mapping[str, int]]) -> Mapping[Count, Sequence[int]]:
    return {name: [row.get(name, 0) for row in rows] for name in names}


def _account(name: str, rows: Sequence[Mapping[str, int]]) -> AccountSeries:
    counts = _columns([count for count in Count if count not in _NOT_OF_ACCOUNTS], rows)
    bins = [latencies(row) for row in rows]
    sums = {count: sum(column) for count, column in counts.items()}
    together = [sum(column) for column in zip(*bins, strict=True)]
    return AccountSeries(
        name=name,
        counts=counts,
        success_share=[_share(row) for row in rows],
        p50_ms=[quantile_ms(each, 0.5) for each in bins],
        p99_ms=[quantile_ms(each, 0.99) for each in bins],
        whole=Whole(success_share=_share(sums), p50_ms=quantile_ms(together, 0.5), p99_ms=quantile_ms(together, 0.99)),
    )


_NOT_OF_ACCOUNTS: Final = frozenset({Count.ACCEPTED, Count.FAILED, Count.CANCELLED})


def _share(counts: Mapping[Count, int] | Mapping[str, int]) -> float | None:
    """Of the answers that tell of the account, those by which it has taken a mail."""
    taken = sum(counts.get(name, 0) for name in _TAKEN)
    answers = taken + sum(counts.get(name, 0) for name in _BLAMED)
    return round(taken / answers, 4) if answers else None
