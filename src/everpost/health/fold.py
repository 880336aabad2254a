"""What a report makes of what is known of an account; the same for all that keep it.

Workers report in any order. What is older than the answer that overtook it is counted in its bucket and decides
nothing any more.
"""

from msgspec.structs import replace

from everpost.health.delivering import HEARD, heard
from everpost.health.port import BUCKET_S, WINDOW_S, Report, Sign
from everpost.health.records import LOOKS, looked
from everpost.model.account import OUTAGE_FAILURES, AccountHealth, Bucket

UNKNOWN = AccountHealth()


def fold(health: AccountHealth, report: Report) -> AccountHealth:
    """`health` and this report; any report of an attempt ends the lease of a probe."""
    if report.sign in LOOKS:
        return replace(health, records=looked(health.records, report))
    if report.sign in HEARD:
        return replace(health, delivering=heard(health.delivering, report))
    health = replace(health, probe_until=None)
    match report.sign:
        case Sign.OK:
            return _counted(_succeeded(health, report.at), report.at, ok=report.count)
        case Sign.FAILED | Sign.FAULT:
            return _counted(_failed(health, report), report.at, failed=1)
        case _:
            return _blocked(health, report)


def leased(health: AccountHealth, now: float, until: float) -> AccountHealth | None:
    """With the probe taken; None while somebody holds it."""
    if health.probe_until is not None and health.probe_until > now:
        return None
    return replace(health, probe_until=until)


def _succeeded(health: AccountHealth, at: float) -> AccountHealth:
    if not health.failures:
        return replace(health, ok_at=max(at, health.ok_at or at))
    if health.failed_at is not None and at < health.failed_at:
        return health
    after = replace(health, ok_at=at, failures=0, failing_since=None)
    if health.failures < OUTAGE_FAILURES:
        return after
    return replace(
        after,
        recovered_at=at,
        recovered_failures=health.failures,
        recovered_after_s=at - (at if health.failing_since is None else health.failing_since),
    )


def _failed(health: AccountHealth, report: Report) -> AccountHealth:
    at = report.at
    if health.ok_at is not None and at < health.ok_at:
        return health
    return replace(
        _told(health, report),
        failures=health.failures + 1,
        failed_at=max(at, health.failed_at or at),
        failing_since=min(at, at if health.failing_since is None else health.failing_since),
        fault_at=max(at, health.fault_at or at) if report.sign is Sign.FAULT else health.fault_at,
    )


def _blocked(health: AccountHealth, report: Report) -> AccountHealth:
    until = report.at if report.until is None else report.until
    health = _told(health, report)
    if health.blocked_until is not None and until < health.blocked_until:
        return health
    return replace(health, blocked_until=until, blocked_reason=report.text)


def _told(health: AccountHealth, report: Report) -> AccountHealth:
    if health.last_error_at is not None and report.at < health.last_error_at:
        return health
    return replace(health, last_error=report.text, last_error_at=report.at)


def _counted(health: AccountHealth, at: float, ok: int = 0, failed: int = 0) -> AccountHealth:
    start = at // BUCKET_S * BUCKET_S
    by_start = {bucket.start_at: bucket for bucket in health.buckets}
    bucket = by_start.get(start, Bucket(start, 0, 0))
    by_start[start] = Bucket(start, bucket.ok + ok, bucket.failed + failed)
    oldest = max(by_start) - WINDOW_S
    return replace(health, buckets=tuple(by_start[at] for at in sorted(by_start) if at > oldest))
