"""The circuit as it follows from what the workers have reported."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everpost.core.breaker import DEFAULT_POLICY, circuit
from everpost.health.fold import UNKNOWN, fold
from everpost.health.port import Report, Sign
from everpost.model.account import Circuit, CircuitState
from store_values import NOW

CLOSED, OPEN, HALF_OPEN = CircuitState
POLICY = DEFAULT_POLICY
DOWN = [(Sign.FAILED, 0.0)] * POLICY.failures
history = st.lists(st.tuples(st.sampled_from(Sign), st.floats(0.001, 400.0)), max_size=60)


def told(reports, health=UNKNOWN):
    """What is known of an account after (sign, seconds after NOW) reports."""
    for sign, at in reports:
        words = "" if sign is Sign.OK else "refused"
        health = fold(health, Report(account="a", sign=sign, at=NOW + at, text=words, until=NOW + at + 60))
    return health


def state(health, at):
    return circuit(health, NOW + at).state


def paced(pairs):
    """(sign, gap) pairs as reports that follow each other, and when the last one came."""
    at, reports = 0.0, []
    for sign, gap in pairs:
        at += gap
        reports.append((sign, at))
    return reports, at


def outage(lasting_s):
    """A run of failures that a success ends; `lasting_s` from the first failure to that success."""
    return told([*DOWN, (Sign.OK, lasting_s)])


def test_the_circuit_of_an_unknown_account_is_closed_and_it_takes_everything():
    assert circuit(UNKNOWN, NOW) == Circuit(state=CLOSED, share=1.0)


# --- what opens it ---------------------------------------------------------------------------------------------------


def test_a_run_of_failures_opens_it_and_one_less_does_not():
    assert state(told(DOWN[1:]), 0) is CLOSED
    assert state(told(DOWN), 0) is OPEN


def test_a_success_starts_the_run_anew():
    broken = [*DOWN[1:], (Sign.OK, 1), *[(Sign.FAILED, 2)] * 4]
    assert state(told(broken), 2) is CLOSED
    assert state(told([*broken, (Sign.FAILED, 2)]), 2) is OPEN


def spread(ok, failed, over_s):
    """Failures and successes by turns, in the end successes alone, spread evenly over some seconds."""
    signs = [Sign.FAILED, Sign.OK] * failed + [Sign.OK] * (ok - failed)
    return [(sign, over_s * position / len(signs)) for position, sign in enumerate(signs)]


@pytest.mark.parametrize("over_s", [0.0, 1.0, 30.0])
@pytest.mark.parametrize(
    ("ok", "failed", "closed"), [(10, 10, False), (10, 9, True), (11, 9, True), (30, 30, False), (31, 29, True)]
)
def test_half_of_enough_recent_answers_being_failures_opens_it(ok, failed, closed, over_s):
    assert (state(told(spread(ok, failed, over_s)), over_s + 1) is CLOSED) is closed


def test_answers_from_before_the_window_do_not_count_in_the_share():
    health = told(spread(10, 10, 0.0))
    assert state(health, POLICY.share_window_s) is not CLOSED
    assert state(health, POLICY.share_window_s + 0.1) is CLOSED


def test_the_failures_of_an_outage_that_is_over_do_not_count_in_the_share():
    health = told([(Sign.FAILED, 0)] * 30 + [(Sign.OK, 10)] * 2)
    assert state(health, 10) is CLOSED


def test_a_few_failures_are_no_outage_and_count_in_the_share_although_a_success_came_after_them():
    health = told([*spread(10, 9, 5.0), *[(Sign.FAILED, 12)] * 4, (Sign.OK, 13)])
    assert state(health, 13) is not CLOSED


@pytest.mark.parametrize("before", [[], [(Sign.OK, 0)], [(Sign.OK, 0)] * 100, [(Sign.FAILED, 0)]])
def test_one_fault_of_the_account_itself_opens_it_at_once(before):
    found = circuit(told([*before, (Sign.FAULT, 1)]), NOW + 1)
    assert (found.state, found.reason) == (OPEN, "refused")


def test_a_fault_that_a_success_has_ended_does_not_make_a_later_failure_worse():
    assert state(told([(Sign.FAULT, 0), (Sign.OK, 1), (Sign.FAILED, 2)]), 2) is CLOSED


@given(st.lists(st.tuples(st.sampled_from([Sign.OK, Sign.BLOCKED]), st.floats(0.001, 400.0)), max_size=60))
def test_neither_successes_nor_throttling_ever_open_it(pairs):
    reports, at = paced(pairs)
    assert circuit(told(reports), NOW + at) == Circuit(state=CLOSED, share=1.0)


# --- how long it stays open ------------------------------------------------------------------------------------------


def test_an_open_circuit_tells_why_and_until_when_and_is_half_open_from_then_on():
    opened = circuit(told(DOWN), NOW)
    assert (opened.state, opened.until) == (OPEN, NOW + POLICY.open_s_min)
    assert "refused" in opened.reason
    assert state(told(DOWN), POLICY.open_s_min - 0.001) is OPEN
    assert circuit(told(DOWN), NOW + POLICY.open_s_min) == Circuit(state=HALF_OPEN, reason=opened.reason)


def test_the_pauses_between_failing_probes_double_up_to_the_longest():
    health, at, pauses = told(DOWN), 0.0, []
    for _ in range(9):
        pauses.append(circuit(health, NOW + at).until - NOW - at)
        at += pauses[-1]
        assert state(health, at) is HALF_OPEN
        health = told([(Sign.FAILED, at)], health)
    assert pauses == [5, 5, 10, 20, 40, 80, 160, 300, 300]


@given(history)
def test_every_pause_lies_within_its_bounds(pairs):
    reports, at = paced(pairs)
    health = told(reports)
    found = circuit(health, NOW + at)
    if found.state is OPEN:
        assert POLICY.open_s_min <= found.until - health.failed_at <= POLICY.open_s_max + 0.001
        assert circuit(health, found.until).state is HALF_OPEN


@given(history, st.floats(0.0, 1000.0))
def test_the_words_of_an_outage_stay_the_same_while_its_probes_fail_alike(pairs, pause):
    """Every change of the reason is told in the audit trail of every mail that waits."""
    reports, at = paced(pairs)
    health = told([*reports, *((Sign.FAILED, at) for _ in DOWN)])
    later = told([(Sign.FAILED, at + pause)], health)
    assert circuit(later, NOW + at + pause).reason == circuit(health, NOW + at).reason


# --- how it comes back -----------------------------------------------------------------------------------------------


@given(history)
def test_a_success_after_a_run_of_failures_closes_it(pairs):
    reports, at = paced(pairs)
    health = told([*reports, *((Sign.FAILED, at + 1) for _ in DOWN), (Sign.OK, at + 2)])
    assert state(health, at + 2) is CLOSED


@pytest.mark.parametrize(
    ("lasting_s", "at", "share"),
    [
        (100.0, 0.0, 0.1),
        (100.0, 50.0, 0.55),
        (100.0, 100.0, 1.0),
        (3600.0, 0.0, 0.1),
        (3600.0, POLICY.ramp_s_max / 2, 0.55),
        (3600.0, POLICY.ramp_s_max, 1.0),
    ],
)
def test_after_an_outage_its_share_grows_from_a_tenth_to_all_over_as_long_as_that_had_lasted(lasting_s, at, share):
    found = circuit(outage(lasting_s), NOW + lasting_s + at)
    assert found.state is CLOSED
    assert found.share == pytest.approx(share)


@given(st.just(0.0) | st.floats(0.01, 10_000), st.floats(-100, 1000), st.floats(0, 1000))
def test_the_share_never_shrinks_while_the_account_works(lasting_s, at, later):
    health = outage(lasting_s)
    first, second = (circuit(health, NOW + lasting_s + moment).share for moment in (at, at + later))
    assert POLICY.ramp_share <= first <= second <= 1.0


def test_a_failure_while_it_comes_back_does_not_let_all_the_mail_in_at_once():
    health = told([(Sign.FAILED, 210), (Sign.OK, 211)], outage(200.0))
    assert circuit(health, NOW + 211).share == pytest.approx(0.1 + 0.9 * 11 / 200)


def test_a_few_failures_that_opened_nothing_cost_no_share():
    assert circuit(told([*DOWN[1:], (Sign.OK, 100)]), NOW + 100).share == 1.0
