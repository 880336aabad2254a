"""When a provider is asked what became of an attempt, and when its "I have it not" is proof."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core_values import account, uncertain
from everpost.core import resolving
from everpost.model.account import Timeouts
from store_values import NOW

SLOW = account(timeouts=Timeouts(connect_s=1.0, write_s=2.0, answer_s=4.0))
seconds = st.floats(0, 1e6)


def test_an_attempt_can_take_as_long_as_its_time_outs_and_its_start_together():
    assert resolving.budget_s(SLOW) == 7.0 + resolving.START_S


@pytest.mark.parametrize(("own", "lag_s"), [(None, 300.0), (2.0, 2.0), (0.0, 0.0)])
def test_two_looks_lie_apart_by_the_longest_attempt_and_the_lag_which_an_account_may_set_itself(own, lag_s):
    asked = account(timeouts=SLOW.timeouts, lookup_lag_s=own)
    assert resolving.patience_s(uncertain(deadline_at=None), asked, 300.0) == lag_s + resolving.budget_s(SLOW)


def test_an_attempt_whose_end_nobody_has_told_can_take_as_long_as_the_process_that_began_it_has_counted():
    attempt = uncertain(started_at=NOW, deadline_at=NOW + 70.0)
    assert resolving.patience_s(attempt, SLOW, 300.0) == 300.0 + 70.0


@given(seconds, seconds)
def test_the_first_look_that_finds_nothing_is_no_proof(now, needed_s):
    assert not resolving.is_proof(None, now, needed_s)


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(1, 10**6))
def test_the_second_look_is_proof_from_the_moment_at_which_it_is_far_enough_from_the_first(first, needed, gap):
    assert resolving.is_proof(first, first + needed, needed)
    assert not resolving.is_proof(first, first + needed - gap, needed)


def test_questions_are_close_at_first_and_then_a_minute_apart():
    pauses = [resolving.pause_s(asks, None, 0.0, 300.0) for asks in range(9)]
    assert pauses == [0.5, 1.5, 3.0, 5.0, 10.0, 20.0, 30.0, 60.0, 60.0]


@given(st.integers(0, 100), st.none() | seconds, seconds, seconds)
def test_the_next_question_comes_soon_and_never_at_once(asks, first_absent_at, now, needed_s):
    assert 0 < resolving.pause_s(asks, first_absent_at, now, needed_s) <= resolving.PAUSE_S_MAX


def test_the_next_question_comes_when_absence_would_be_proof_and_not_after_it():
    assert resolving.pause_s(99, 1000.0, 1030.0, 40.0) == 10.0
    assert resolving.pause_s(99, 1000.0, 1039.5, 40.0) == 0.5
    assert resolving.pause_s(99, 1000.0, 1030.0, 400.0) == 60.0
    assert resolving.pause_s(99, 1000.0, 1050.0, 40.0) == 60.0  # that look got no answer: no reason to hurry


@pytest.mark.parametrize(
    ("age_s", "watched_s", "over"),
    [
        (99.0, 1e6, False),
        (100.0, 40.0, True),
        (100.0, 39.0, False),  # the clock may have jumped: nobody has looked for as long as proof takes
        (1e6, 39.0, False),
    ],
)
def test_looking_ends_when_its_time_is_over_and_somebody_has_looked_for_as_long_as_proof_takes(age_s, watched_s, over):
    assert resolving.is_over(age_s, watched_s, 100.0, 40.0) is over


def test_nobody_has_to_look_for_longer_than_the_sender_allows():
    assert resolving.is_over(20.0, 20.0, 20.0, 300.0)
    assert not resolving.is_over(20.0, 19.0, 20.0, 300.0)


@pytest.mark.parametrize(
    ("attempt", "within_s", "expected_s"),
    [
        (uncertain(deadline_at=None), 3600.0, 0.0),
        (uncertain(started_at=NOW, deadline_at=NOW + 70.0), 3600.0, 70.0),
        (uncertain(started_at=NOW, deadline_at=NOW + 70.0), 3.0, 3.0),
    ],
    ids=["ended", "open", "the sender is in a hurry"],
)
def test_an_attempt_that_nobody_can_be_asked_about_is_open_until_its_worker_or_time_has_told(
    attempt, within_s, expected_s
):
    assert resolving.open_s(attempt, within_s) == expected_s
