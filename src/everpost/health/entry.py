"""An account's health where many workers write it at once, and the step that a report makes there.

`fold` alone decides what reports mean; a step is the difference that they make. It holds only while the entry bears
the mark that the step was made from, and no good answer has come that would have made another step of the reports.
What only counts and dates good answers leaves the mark as it was, so such steps of any number of workers go through
side by side; whatever changes more sets a new mark, and who has lost to it folds again.
"""

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import reduce
from typing import Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from everpost.health.fold import UNKNOWN, fold, leased
from everpost.health.port import WINDOW_S, Report, Sign
from everpost.model.account import AccountHealth, Bucket

FORGET_S: Final = 7 * 86_400  # what nobody has reported on for so long may go
UNMARKED: Final = ""
FAILURES: Final = frozenset({Sign.FAILED, Sign.FAULT})
KINDS: Final = ("ok", "failed")  # of counters

_JSON: Final = msgspec.json.Encoder()
_STATE: Final = msgspec.json.Decoder(AccountHealth)


class Entry(Struct, frozen=True):
    mark: str  # of the last step that changed more than counters
    health: AccountHealth
    stale: tuple[float, ...] = ()  # starts of counters that are there, and too old to count


NO_ENTRY: Final = Entry(UNMARKED, UNKNOWN)


class Step(Struct, frozen=True, kw_only=True):
    """What to write of an account, if its entry still bears `was` and its `ok_at` is no later than `ok_until`."""

    account: str
    was: str
    ok_until: float | None  # None: it plays no part
    after: Entry  # the entry as it will be, but for what others count meanwhile
    state: bytes | None  # all but counters and `ok_at`; None: as it was
    ok_at: float | None  # None: as it was
    counts: tuple[Bucket, ...]  # to be added
    stale: tuple[float, ...]  # starts of buckets to be dropped


def reported(entry: Entry, account: str, reports: Sequence[Report]) -> Step:
    """The step that these reports on the account make."""
    health = reduce(fold, reports, entry.health)
    return _step(entry, account, health, _ok_until(entry.health, health, reports))


def probed(entry: Entry, account: str, now: float, until: float) -> Step | None:
    """The step that takes the probe; None while somebody holds it."""
    health = leased(entry.health, now, until)
    return None if health is None else _step(entry, account, health, None)


def entry_of(mark: str, state: bytes | None, ok_at: float | None, counts: Mapping[float, Mapping[str, int]]) -> Entry:
    """The entry that these parts make: counters are named by start and kind. A state that can't be read, since another
    version has written it, is unknown."""
    try:
        health = UNKNOWN if state is None else _STATE.decode(state)
    except msgspec.MsgspecError:
        health = UNKNOWN
    oldest = max(counts, default=0.0) - WINDOW_S
    buckets = (
        Bucket(start, *(counts[start].get(kind, 0) for kind in KINDS)) for start in sorted(counts) if start > oldest
    )
    stale = tuple(start for start in counts if start <= oldest)
    return Entry(mark, replace(health, ok_at=ok_at, buckets=tuple(buckets)), stale)


def counters(step: Step) -> Iterator[tuple[str, float, int]]:
    """Kind, start and amount of what the step adds."""
    for bucket in step.counts:
        for kind, amount in zip(KINDS, (bucket.ok, bucket.failed), strict=True):
            if amount:
                yield kind, bucket.start_at, amount


def stale_counters(step: Step) -> Iterator[tuple[str, float]]:
    """Kind and start of what the step drops."""
    return ((kind, start) for start in step.stale for kind in KINDS)


def by_account(reports: Iterable[Report]) -> Mapping[str, list[Report]]:
    found: dict[str, list[Report]] = {}
    for report in reports:
        found.setdefault(report.account, []).append(report)
    return found


def _step(entry: Entry, account: str, health: AccountHealth, ok_until: float | None) -> Step:
    before = entry.health
    is_changed = _state(health) != _state(before)
    counted = {bucket.start_at: bucket for bucket in before.buckets}
    kept = {bucket.start_at for bucket in health.buckets}
    return Step(
        account=account,
        was=entry.mark,
        ok_until=ok_until,
        after=Entry(secrets.token_hex(8) if is_changed else entry.mark, health),
        state=_JSON.encode(_state(health)) if is_changed else None,
        ok_at=health.ok_at if health.ok_at != before.ok_at else None,
        counts=tuple(filter(_counts, (_added(bucket, counted.get(bucket.start_at)) for bucket in health.buckets))),
        stale=(*entry.stale, *(start for start in counted if start not in kept)),
    )


def _ok_until(before: AccountHealth, after: AccountHealth, reports: Iterable[Report]) -> float | None:
    """Good answers leave the mark alone, so one may have come that is not known here. A later one than this would have
    made something else of the reports."""
    known = before.ok_at if before.ok_at is not None else float("-inf")
    decisive = [report.at for report in reports if report.sign in FAILURES and report.at >= known]
    if after.ok_at is not None and after.ok_at != before.ok_at:
        decisive.append(after.ok_at)
    return min(decisive, default=None)


def _state(health: AccountHealth) -> AccountHealth:
    return replace(health, buckets=(), ok_at=None)


def _added(bucket: Bucket, before: Bucket | None) -> Bucket:
    if before is None:
        return bucket
    return Bucket(bucket.start_at, bucket.ok - before.ok, bucket.failed - before.failed)


def _counts(bucket: Bucket) -> bool:
    return bool(bucket.ok or bucket.failed)
