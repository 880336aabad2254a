"""How long to wait before every account is tried once more."""

from hypothesis import given
from hypothesis import strategies as st

from everpost.core.retry import ROUND_S_MAX, ROUND_S_MIN, pause_s

rounds = st.integers(0, 10_000)
chances = st.floats(0, 1)


def test_the_pause_doubles_with_each_round_up_to_the_longest():
    pauses = [pause_s(number, 0.0) for number in range(12)]
    assert pauses == [2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]


@given(rounds, chances)
def test_the_pause_is_bounded(number, chance):
    assert ROUND_S_MIN / 2 <= pause_s(number, chance) <= ROUND_S_MAX


@given(rounds, chances)
def test_chance_shortens_the_pause_by_up_to_a_half(number, chance):
    full = pause_s(number, 0.0)
    assert full / 2 == pause_s(number, 1.0) <= pause_s(number, chance) <= full


@given(rounds, st.floats(0, 0.9))
def test_other_chances_make_other_pauses(number, chance):
    assert pause_s(number, chance + 0.1) < pause_s(number, chance)


@given(rounds, chances)
def test_the_pause_never_shrinks_from_round_to_round(number, chance):
    assert pause_s(number, chance) <= pause_s(number + 1, chance)
