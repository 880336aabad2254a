"""How much of an account's quota is left, and when more will be."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct

from everpost.model.account import Account, Quota
from everpost.model.change import Charge, Usage


class Window(Struct, frozen=True, kw_only=True):
    unit: str  # second, day, month
    starts_at: float
    ends_at: float
    amount_max: int


def windows(quota: Quota, now: float) -> tuple[Window, ...]:
    """The current windows of all units that are limited; days and months begin at midnight in the quota's zone."""
    found = []
    if quota.per_second is not None:
        second = float(int(now))
        found.append(Window(unit="second", starts_at=second, ends_at=second + 1, amount_max=quota.per_second))
    if quota.per_day is None and quota.per_month is None:
        return tuple(found)
    midnight = _midnight(datetime.fromtimestamp(now, ZoneInfo(quota.zone)))
    if quota.per_day is not None:
        found.append(_window("day", midnight, _next_day(midnight), quota.per_day))
    if quota.per_month is not None:
        first = midnight.replace(day=1)
        found.append(_window("month", first, _next_day(first.replace(day=28), days=4).replace(day=1), quota.per_month))
    return tuple(found)


def left(account: Account, used: Mapping[tuple[str, str], Usage], now: float) -> dict[str, int]:
    """What is left of each limited unit: never below 0."""
    return {
        window.unit: max(0, window.amount_max - _used(used, account.name, window))
        for window in windows(account.quota, now)
    }


def exhausted(account: Account, used: Mapping[tuple[str, str], Usage], amount: int, now: float) -> Window | None:
    """The longest window that `amount` more would overrun; None: it fits."""
    for window in reversed(windows(account.quota, now)):
        if _used(used, account.name, window) + amount > window.amount_max:
            return window
    return None


def charges(account: Account, amount: int, now: float) -> tuple[Charge, ...]:
    return tuple(
        Charge(
            account=account.name,
            unit=window.unit,
            window_at=window.starts_at,
            amount=amount,
            amount_max=window.amount_max,
        )
        for window in windows(account.quota, now)
    )


def _used(used: Mapping[tuple[str, str], Usage], account: str, window: Window) -> int:
    usage = used.get((account, window.unit))
    return usage.used if usage is not None and usage.window_at >= window.starts_at else 0


def _window(unit: str, start: datetime, end: datetime, amount_max: int) -> Window:
    return Window(unit=unit, starts_at=start.timestamp(), ends_at=end.timestamp(), amount_max=amount_max)


def _midnight(moment: datetime) -> datetime:
    """The first midnight of the day, where the clocks make it come twice."""
    return moment.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)


def _next_day(start: datetime, days: int = 1) -> datetime:
    """Midnight `days` later on the calendar of the zone, whatever the clocks do in between."""
    day = (start.date() + timedelta(days=days)).isoformat()
    return datetime.fromisoformat(day).replace(tzinfo=start.tzinfo or UTC)
