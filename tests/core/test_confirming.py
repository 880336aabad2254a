"""What is concluded from looks into a provider's records."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from everpost.core import confirming
from everpost.core.breaker import circuit
from everpost.core.confirming import DEFAULT_POLICY, absent_s, in_doubt, is_proven, missing_s, next_ask_s
from everpost.health.fold import UNKNOWN, fold
from everpost.health.port import Report, Sign
from everpost.health.records import LOOKS, LOOKS_KEPT, SHOWN_AGAIN
from everpost.model.account import Account, CircuitState, Records
from store_values import NOW

POLICY = DEFAULT_POLICY
SHOWN, MISSING, ABSENT = Sign.SHOWN, Sign.MISSING, Sign.ABSENT
BEFORE = [SHOWN] * POLICY.experience
LAG_S = 300.0


def told(*signs, every_s=20.0, after_s=130.0):
    """What is known after looks for mails that were accepted one after the other."""
    health = UNKNOWN
    for number, sign in enumerate(signs):
        late_s = 30.0 if sign is SHOWN else after_s
        at = NOW + every_s * number
        health = fold(health, Report(account="a", sign=sign, at=at, mail=f"m{number}", after_s=late_s))
    return health


def state(health, now=None):
    return circuit(health, health.records.looked_at if now is None else now)


# --- doubt -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("looks", "doubt"),
    [
        ([MISSING] * 4, False),
        ([MISSING] * 5, True),
        ([MISSING, SHOWN] * 4, False),
        ([MISSING] * 5 + [SHOWN] * 2, True),
        ([MISSING] * 5 + [SHOWN] * SHOWN_AGAIN, False),
        ([MISSING] * 8 + [SHOWN] * SHOWN_AGAIN + [MISSING], True),  # it has begun anew, and most are missing still
        ([MISSING] * 4 + [SHOWN] * 4 + [MISSING] * 4, False),
        ([MISSING] * 3 + [SHOWN] + [MISSING] * 2, True),
    ],
)
def test_an_account_is_in_doubt_when_most_of_the_latest_mails_are_missing(looks, doubt):
    found = state(told(*BEFORE, *looks))
    assert (found.unconfirmed, found.state) == (doubt, CircuitState.CLOSED)
    assert found.share == (POLICY.share if doubt else 1.0)
    assert found.reason == (confirming.REASON if doubt else "")


@pytest.mark.parametrize("sign", [MISSING, ABSENT])
@pytest.mark.parametrize("shown", range(POLICY.experience))
def test_records_that_have_hardly_ever_shown_a_mail_tell_nothing(shown, sign):
    found = state(told(*[SHOWN] * shown, *[sign] * 50))
    assert (found.unconfirmed, found.state, found.share) == (False, CircuitState.CLOSED, 1.0)


def test_a_mail_that_is_found_late_was_never_missing():
    health = told(*BEFORE, *[MISSING] * 5)
    late = Report(account="a", sign=SHOWN, at=NOW + 20 * POLICY.experience, mail=f"m{POLICY.experience}", after_s=400)
    assert in_doubt(health.records, NOW + 400)
    found = fold(health, late).records
    assert not in_doubt(found, NOW + 600)
    again = fold(fold(health, late), replace(late, sign=MISSING)).records
    assert again.looks == found.looks


def test_a_verdict_is_forgotten_when_nothing_has_been_looked_for_in_a_long_time():
    health = told(*BEFORE, *[ABSENT] * 6)
    at = health.records.looked_at
    assert state(health, at + POLICY.forget_s - 1).state is not CircuitState.CLOSED
    found = state(health, at + POLICY.forget_s)
    assert (found.state, found.share, found.unconfirmed) == (CircuitState.CLOSED, 1.0, False)


# --- certainty -------------------------------------------------------------------------------------------------------


def test_it_is_shut_when_enough_mails_are_certainly_absent_and_none_later_is_there():
    assert state(told(*BEFORE, *[ABSENT] * 4)).state is CircuitState.CLOSED
    shut = state(told(*BEFORE, *[ABSENT] * 5), NOW)
    assert (shut.state, shut.unconfirmed, shut.reason) == (CircuitState.HALF_OPEN, True, confirming.REASON)
    assert state(told(*BEFORE, *[ABSENT] * 5, SHOWN)).state is CircuitState.CLOSED
    assert state(told(*BEFORE, *[ABSENT] * 4, SHOWN, *[ABSENT] * 4)).state is CircuitState.CLOSED


@pytest.mark.parametrize("answer", [Sign.OK, Sign.FAILED])
def test_between_two_probes_it_is_waited_for_what_the_first_has_come_to(answer):
    health = fold(told(*BEFORE, *[ABSENT] * 5), Report(account="a", sign=answer, at=NOW + 500))
    found = state(health, NOW + 500)
    assert (found.state, found.until) == (CircuitState.OPEN, NOW + 500 + POLICY.open_s)
    assert state(health, found.until).state is CircuitState.HALF_OPEN


def test_other_faults_are_told_first():
    health = told(*BEFORE, *[ABSENT] * 5)
    broken = fold(health, Report(account="a", sign=Sign.FAULT, at=NOW + 500, text="bad key"))
    assert (state(broken).reason, state(broken).unconfirmed) == ("bad key", True)


def test_a_mail_that_was_absent_before_one_that_shows_does_not_count():
    health = told(*BEFORE, *[ABSENT] * 3, SHOWN)
    for mail in range(9):
        health = fold(health, Report(account="a", sign=ABSENT, at=NOW + 101, mail=f"old{mail}", after_s=600.0))
    assert health.records.absent == 0


@given(st.lists(st.sampled_from(sorted(LOOKS)), max_size=40), st.randoms(use_true_random=False))
def test_in_whatever_order_looks_are_told_the_latest_mails_are_kept(signs, rng):
    reports = [
        Report(account="a", sign=sign, at=NOW + 20 * number, mail=f"m{number}", after_s=50.0)
        for number, sign in enumerate(signs)
    ]
    rng.shuffle(reports)
    health = UNKNOWN
    for report in reports:
        health = fold(health, report)
    kept = [(f"m{number}", sign is SHOWN) for number, sign in enumerate(signs)][-LOOKS_KEPT:]
    assert [(look.mail, look.shown) for look in health.records.looks] == kept
    assert health.records.shown == signs.count(SHOWN)
    assert not is_proven(health.records, NOW + 900) or ABSENT in signs


# --- when to look ----------------------------------------------------------------------------------------------------


def test_absence_is_certain_after_twice_the_longest_lag():
    assert absent_s(Account(name="a", provider="x"), LAG_S) == 600.0
    assert absent_s(Account(name="a", provider="x", lookup_lag_s=900.0), LAG_S) == 1800.0
    assert absent_s(Account(name="a", provider="x", lookup_lag_s=0.0), LAG_S) == confirming.MISSING_S_MIN


@pytest.mark.parametrize(
    ("shown", "lag_s", "expected"),
    [(4, 10.0, 600.0), (5, 10.0, 120.0), (5, 60.0, 120.0), (5, 61.0, 122.0), (5, 299.0, 598.0), (5, 500.0, 600.0)],
)
def test_a_mail_is_missing_after_twice_what_the_records_have_needed_lately(shown, lag_s, expected):
    assert missing_s(Records(shown=shown, lag_s=lag_s), 600.0) == expected


def test_a_long_lag_fades_while_mail_shows_promptly():
    health = fold(told(*BEFORE), Report(account="a", sign=SHOWN, at=NOW + 300, mail="late", after_s=500.0))
    lags = []
    for number in range(300):
        health = fold(health, Report(account="a", sign=SHOWN, at=NOW + 400 + number, mail=f"n{number}", after_s=30.0))
        lags.append(health.records.lag_s)
    assert lags[0] == pytest.approx(495.0)
    assert lags[-1] == 30.0


@given(st.floats(0, 10_000), st.floats(120, 3600), st.floats(1, 4))
def test_every_look_is_later_than_the_one_before_until_absence_is_certain(age_s, missing_after_s, factor):
    absent_after_s = factor * missing_after_s
    ask = next_ask_s(age_s, missing_after_s, absent_after_s)
    assert ask <= absent_after_s
    assert ask > min(age_s, absent_after_s - 0.001)
    if age_s < missing_after_s:
        assert ask <= missing_after_s


# --- chance ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(10))
def test_in_a_month_chance_alone_puts_no_account_in_doubt(seed):
    """One mail of 128 never arrives, and of the others one in a hundred shows later than it should."""
    rng = random.Random(seed)
    health, month = UNKNOWN, 30 * 86_400
    for number in range(int(month / confirming.SAMPLE_S)):
        at = NOW + confirming.SAMPLE_S * number
        sign = MISSING if rng.random() < 1 / 128 + 1 / 100 else SHOWN
        health = fold(health, Report(account="a", sign=sign, at=at, mail=str(number), after_s=130.0))
        assert not in_doubt(health.records, at + 130.0)
