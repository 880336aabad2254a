"""When an event is tried again, and how long a webhook is left alone."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from everpost.webhooks.schedule import PAUSES_S, REST_S_MAX, REST_S_MIN, RESTS_AFTER, pause_s, rest_s

DAY_S = 86_400
CHANCE = st.floats(0, 1, exclude_max=True)


def test_an_event_is_tried_ten_times_over_more_than_three_days():
    assert pause_s(len(PAUSES_S) + 1, 0.5) is None
    assert sum(pause_s(tried, 0.0) for tried in range(1, 10)) > 3 * DAY_S
    assert [pause_s(tried, 0.0) for tried in (1, 2, 3)] == [5, 300, 1800]


@given(st.integers(1, len(PAUSES_S)), CHANCE)
def test_no_pause_is_shorter_than_its_place_or_much_longer(tried, chance):
    assert PAUSES_S[tried - 1] <= pause_s(tried, chance) <= 1.2 * PAUSES_S[tried - 1]


@given(st.integers(1, len(PAUSES_S) - 1), CHANCE, CHANCE)
def test_pauses_only_grow(tried, chance, other):
    assert pause_s(tried, chance) < pause_s(tried + 1, other) * 1.2


@given(st.lists(CHANCE, min_size=2, max_size=2, unique=True))
def test_what_failed_together_does_not_come_back_together(chances):
    one, other = chances
    assert (pause_s(5, one) == pause_s(5, other)) is (abs(one - other) < 1e-12)


@given(st.integers(0, 10**9), CHANCE)
def test_rests_begin_after_some_failures_and_are_bounded(failures, chance):
    rest = rest_s(failures, chance)
    assert rest == 0 if failures < RESTS_AFTER else REST_S_MIN <= rest <= 1.2 * REST_S_MAX


def test_rests_grow_up_to_five_minutes():
    rests = [rest_s(failures, 0.0) for failures in range(RESTS_AFTER, 40)]
    assert all(one <= other for one, other in pairwise(rests))
    assert (rests[0], rests[-1]) == (REST_S_MIN, REST_S_MAX)
