"""When an account is left alone, and how it comes back.

The circuit is derived from counters that add up over all workers; nobody sets it. It opens on a run of failures, on a
bad share of recent ones, at once on a fault of the account itself, and when what it accepts is lost (`confirming`). It
stays closed, and lets little through, while that is in doubt or its mail is delivered late (`delivering`). An account
that has been failing for d seconds is left alone for another d (within bounds), then one probe is let through, so the
pauses double by themselves.
"""

from msgspec import Struct

from everpost.core import confirming, delivering
from everpost.model.account import OUTAGE_FAILURES, AccountHealth, Circuit, CircuitState


class BreakerPolicy(Struct, frozen=True, kw_only=True):
    failures: int = OUTAGE_FAILURES  # in a row
    share: float = 0.5  # of the answers of the last `share_window_s` …
    samples: int = 20  # … of which there must be this many
    share_window_s: float = 60.0
    open_s_min: float = 5.0
    open_s_max: float = 300.0
    ramp_s_max: float = 300.0
    ramp_share: float = 0.1  # of the traffic right after the recovery


DEFAULT_POLICY = BreakerPolicy()


def circuit(health: AccountHealth, now: float, policy: BreakerPolicy = DEFAULT_POLICY) -> Circuit:
    """The state of an account's circuit at `now`."""
    in_doubt, share = confirming.in_doubt(health.records, now), _share(health, now, policy)
    slow = delivering.is_slow(health.delivering, now)
    if reason := _trip_reason(health, now, policy):
        until = (health.failed_at or now) + _open_s(health, policy)
    elif confirming.is_proven(health.records, now):
        reason = confirming.REASON
        until = max(health.ok_at or 0.0, health.failed_at or 0.0) + confirming.DEFAULT_POLICY.open_s
    elif in_doubt:
        share = min(share, confirming.DEFAULT_POLICY.share)
        return Circuit(state=CircuitState.CLOSED, reason=confirming.REASON, share=share, unconfirmed=True, slow=slow)
    elif slow:
        share = min(share, delivering.SHARE)
        return Circuit(state=CircuitState.CLOSED, reason=delivering.REASON, share=share, slow=True)
    else:
        return Circuit(state=CircuitState.CLOSED, share=share)
    if now < until:
        return Circuit(state=CircuitState.OPEN, reason=reason, until=until, unconfirmed=in_doubt, slow=slow)
    return Circuit(state=CircuitState.HALF_OPEN, reason=reason, unconfirmed=in_doubt, slow=slow)


def _trip_reason(health: AccountHealth, now: float, policy: BreakerPolicy) -> str | None:
    """Words that stay the same while the cause does: every mail that waits is told of every change of them."""
    if health.fault_at is not None and health.failures and health.fault_at >= (health.failing_since or 0.0):
        return health.last_error or "the account was refused"
    if health.failures >= policy.failures:
        return f"at least {policy.failures} failures in a row: {health.last_error}"
    ok, failed = _recent(health, now, policy)
    if ok + failed >= policy.samples and failed >= policy.share * (ok + failed):
        return f"at least {policy.share:.0%} of its recent requests failed: {health.last_error}"
    return None


def _recent(health: AccountHealth, now: float, policy: BreakerPolicy) -> tuple[int, int]:
    """Successes and failures within the window, less what lies before the end of the last outage."""
    since = max(now - policy.share_window_s, health.recovered_at or 0.0)
    recent = [bucket for bucket in health.buckets if bucket.start_at >= since]
    return sum(bucket.ok for bucket in recent), sum(bucket.failed for bucket in recent)


def _open_s(health: AccountHealth, policy: BreakerPolicy) -> float:
    if health.failed_at is None or health.failing_since is None:
        return policy.open_s_min
    return min(max(health.failed_at - health.failing_since, policy.open_s_min), policy.open_s_max)


def _share(health: AccountHealth, now: float, policy: BreakerPolicy) -> float:
    """The part of the traffic that the account may take: it grows over as long as the outage had lasted."""
    if health.recovered_at is None or health.recovered_failures < policy.failures:
        return 1.0
    ramp_s = min(health.recovered_after_s, policy.ramp_s_max)
    if ramp_s <= 0 or now >= health.recovered_at + ramp_s:
        return 1.0
    done = max(0.0, now - health.recovered_at) / ramp_s
    return policy.ramp_share + (1.0 - policy.ramp_share) * done
