"""The windows of a quota on the calendar of its zone, and what is left in them."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core_values import account
from everpost.core import quota
from everpost.model.account import Quota
from everpost.model.change import Charge, Usage
from store_values import NOW

ALL = Quota(per_second=5, per_day=10, per_month=20)
ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/Havana",  # the clocks go back at 1 h: midnight comes twice
    "Africa/Cairo",  # they go forward at midnight, which does not exist on that day
    "America/Sao_Paulo",
    "Australia/Lord_Howe",  # by half an hour
    "Asia/Kathmandu",
    "Pacific/Apia",  # has skipped the 30th of December 2011
]
instants = st.integers(946_684_800_000, 2_208_988_800_000).map(lambda ms: ms / 1000)  # 2000 to 2040
zones = st.sampled_from(ZONES)


def instant(text, zone="UTC"):
    """Of a wall clock in that zone."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


def the_window(unit, now, zone="UTC"):
    limited = Quota(**{f"per_{unit}": 7}, zone=zone)
    [window] = quota.windows(limited, now)
    assert (window.unit, window.amount_max) == (unit, 7)
    return window


@pytest.mark.parametrize(
    ("unit", "zone", "now", "starts", "ends"),
    [
        ("day", "UTC", "2026-07-01T23:59:59", "2026-07-01T00:00", "2026-07-02T00:00"),
        ("day", "Europe/Berlin", "2026-03-29T12:00", "2026-03-29T00:00", "2026-03-30T00:00"),  # 23 hours
        ("day", "Europe/Berlin", "2026-10-25T12:00", "2026-10-25T00:00", "2026-10-26T00:00"),  # 25 hours
        ("day", "Asia/Kathmandu", "2026-01-01T00:00", "2026-01-01T00:00", "2026-01-02T00:00"),
        ("day", "Africa/Cairo", "2026-04-24T09:00", "2026-04-24T01:00", "2026-04-25T00:00"),
        ("day", "America/Havana", "2025-11-02T12:00", "2025-11-02T00:00", "2025-11-03T00:00"),
        ("day", "Pacific/Apia", "2011-12-29T12:00", "2011-12-29T00:00", "2011-12-31T00:00"),
        ("month", "UTC", "2026-01-31T23:59", "2026-01-01T00:00", "2026-02-01T00:00"),
        ("month", "UTC", "2028-02-29T12:00", "2028-02-01T00:00", "2028-03-01T00:00"),
        ("month", "UTC", "2026-12-31T12:00", "2026-12-01T00:00", "2027-01-01T00:00"),
        ("month", "Europe/Berlin", "2026-03-31T12:00", "2026-03-01T00:00", "2026-04-01T00:00"),
    ],
)
def test_days_and_months_begin_at_midnight_in_the_zone_whatever_the_clocks_do(unit, zone, now, starts, ends):
    window = the_window(unit, instant(now, zone), zone)
    assert (window.starts_at, window.ends_at) == (instant(starts, zone), instant(ends, zone))


def test_a_day_on_which_the_clocks_change_is_as_long_as_it_is():
    days = [the_window("day", instant(day + "T12:00"), "Europe/Berlin") for day in ("2026-03-29", "2026-10-25")]
    assert [day.ends_at - day.starts_at for day in days] == [23 * 3600, 25 * 3600]


@given(zones, instants, st.sampled_from(["second", "day", "month"]))
def test_the_current_window_holds_now(zone, now, unit):
    window = the_window(unit, now, zone)
    assert window.starts_at <= now < window.ends_at


@given(zones, instants, st.sampled_from(["second", "day", "month"]))
def test_windows_follow_each_other_without_gap_or_overlap(zone, now, unit):
    window = the_window(unit, now, zone)
    assert the_window(unit, window.starts_at, zone) == window
    assert the_window(unit, window.ends_at - 0.001, zone) == window
    assert the_window(unit, window.ends_at, zone).starts_at == window.ends_at


@pytest.mark.parametrize("now", ["2025-11-02T04:30", "2025-11-02T05:30"])  # the first and the second half past midnight
def test_a_midnight_that_comes_twice_begins_one_day(now):
    window = the_window("day", instant(now), "America/Havana")
    assert window.ends_at - window.starts_at == 25 * 3600
    assert window.starts_at == instant("2025-11-02T04:00")


def test_only_what_is_limited_has_windows_the_shortest_first():
    assert [window.unit for window in quota.windows(ALL, NOW)] == ["second", "day", "month"]
    assert quota.windows(Quota(), NOW) == ()


# --- what is left ----------------------------------------------------------------------------------------------------

MIDNIGHT = datetime.fromtimestamp(NOW, UTC).replace(hour=0, minute=0, second=0).timestamp()


def used(unit, amount, window_at=MIDNIGHT):
    return {("a", unit): Usage(window_at, amount)}


@given(st.dictionaries(st.sampled_from(["second", "day", "month"]), st.integers(0, 100)))
def test_what_is_left_is_never_less_than_nothing(spent):
    usage = {("a", unit): Usage(NOW, amount) for unit, amount in spent.items()}
    found = quota.left(account(quota=ALL), usage, NOW)
    assert found == {
        unit: max(0, limit - spent.get(unit, 0)) for unit, limit in (("second", 5), ("day", 10), ("month", 20))
    }


def test_what_was_used_in_an_earlier_window_or_by_another_account_is_not_used_now():
    limited = account(quota=Quota(per_day=10))
    assert quota.left(limited, used("day", 9, MIDNIGHT - 1), NOW) == {"day": 10}
    assert quota.left(limited, used("day", 9), NOW) == {"day": 1}
    assert quota.left(limited, {("b", "day"): Usage(MIDNIGHT, 9)}, NOW) == {"day": 10}


def test_what_another_worker_with_a_faster_clock_has_used_counts_at_once():
    assert quota.left(account(quota=Quota(per_day=10)), used("day", 9, MIDNIGHT + 86_400), NOW) == {"day": 1}


@pytest.mark.parametrize(("amount", "exhausted"), [(1, None), (3, None), (4, "day")])
def test_a_quota_can_be_used_up_to_its_last_recipient(amount, exhausted):
    window = quota.exhausted(account(quota=Quota(per_day=10)), used("day", 7), amount, NOW)
    assert (window and window.unit) == exhausted


def test_of_several_exhausted_windows_the_longest_is_told():
    usage = used("second", 5, NOW) | used("day", 10) | used("month", 20)
    full = account(quota=ALL)
    assert quota.exhausted(full, usage, 1, NOW).unit == "month"
    assert quota.exhausted(full, usage | used("month", 0), 1, NOW).unit == "day"
    assert quota.exhausted(full, used("second", 5, NOW), 1, NOW).ends_at == NOW + 1


def test_an_attempt_is_charged_to_every_limited_window():
    charged = quota.charges(account(quota=ALL), 3, NOW + 0.5)
    assert charged == tuple(
        Charge(account="a", unit=unit, window_at=window_at, amount=3, amount_max=amount_max)
        for unit, window_at, amount_max in (
            ("second", NOW, 5),
            ("day", MIDNIGHT, 10),
            ("month", instant("2027-01-01"), 20),
        )
    )


@given(instants, zones, st.integers(0, 20), st.integers(1, 20))
def test_what_is_not_exhausted_fits_what_is_charged(now, zone, spent, amount):
    limited = account(quota=Quota(per_day=10, per_month=15, zone=zone))
    usage = {("a", unit): Usage(now, spent) for unit in ("day", "month")}
    fits = all(
        quota.left(limited, usage, now)[charge.unit] >= charge.amount for charge in quota.charges(limited, amount, now)
    )
    assert (quota.exhausted(limited, usage, amount, now) is None) is fits
