"""Who is asked first, and how much of the mail each account is given."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core_values import CLOSED, OPEN, board, coming_back, queued, route, standing
from everpost.core.decide import Send, decide, order
from everpost.model.route import RouteAccount
from store_values import message

MAIL = message()
DRAWS = 2000
chances = st.floats(0, 1, exclude_max=True)


def decided(route_, board_, delivery=None, unfit=None, chance=0.5, mail=MAIL):
    return decide(delivery or queued(), mail, route_, board_, unfit or {}, chance)


def draws():
    """Chances that lie evenly between 0 and 1."""
    return ((number + 0.5) / DRAWS for number in range(DRAWS))


def shares(route_, board_):
    """The part of the mail that each account is given."""
    taken = Counter(decided(route_, board_, chance=chance).account for chance in draws())
    return {name: count / DRAWS for name, count in taken.items()}


# --- the order -------------------------------------------------------------------------------------------------------


@given(chances)
def test_without_weights_the_first_account_of_the_route_carries_it(chance):
    found = decided(route("a", "b"), board(standing("a"), standing("b")), chance=chance)
    assert found == Send(account="a", why="it is the default account", skipped=())


@given(chances, st.permutations("abc"))
def test_accounts_are_asked_in_the_order_of_the_route(chance, names):
    assert [entry.account for entry in order(route(*names), chance)[0]] == names


@given(st.lists(st.none() | st.floats(0, 100), min_size=1, max_size=6), chances)
def test_whatever_chance_says_every_account_is_asked_once_and_a_weighted_one_first(weights, chance):
    route_ = route(*((f"a{number}", weight) for number, weight in enumerate(weights)))
    asked, luck = order(route_, chance)
    assert sorted(asked, key=lambda entry: entry.account) == list(route_.accounts)
    rest = [entry for entry in route_.accounts if entry != asked[0]]
    assert list(asked[1:]) == rest
    assert asked[0].weight or not any(weights)
    assert 0 <= luck <= 1 + 1e-9


@pytest.mark.parametrize(
    ("weights", "wanted"),
    [
        ((1, 1), {"a0": 0.5, "a1": 0.5}),
        ((3, 1), {"a0": 0.75, "a1": 0.25}),
        ((0.2, 0.3, 0.5), {"a0": 0.2, "a1": 0.3, "a2": 0.5}),
        ((0, 2, None), {"a1": 1.0}),
        ((None, None), {"a0": 1.0}),
    ],
)
def test_chance_picks_who_goes_first_by_weight(weights, wanted):
    names = [f"a{number}" for number in range(len(weights))]
    found = shares(route(*zip(names, weights, strict=True)), board(*map(standing, names)))
    assert found == pytest.approx(wanted, abs=2 / DRAWS)


def test_a_paused_account_is_not_drawn():
    paused = RouteAccount(account="a", weight=9.0, paused=True)
    assert shares(route(paused, ("b", 1.0), ("c", 1.0)), board(*map(standing, "abc"))) == {"b": 0.5, "c": 0.5}


def test_it_is_told_why_an_account_was_chosen():
    all_ = board(*map(standing, "ab"))
    assert decided(route("a", "b"), all_).why == "it is the default account"
    assert decided(route("a", "b"), board(standing("a", OPEN), standing("b"))).why == "it is number 2 of the route"
    assert decided(route(("a", 1.0), ("b", 9.0)), all_, chance=0.9).why == "it was drawn by weight"
    # The one that was drawn can't take it: the other one is told by its place in the route.
    drawn_down = board(standing("a"), standing("b", OPEN))
    assert decided(route(("a", 1.0), ("b", 9.0)), drawn_down, chance=0.9).why == "it is the default account"
    only_paused = route("a", RouteAccount(account="b", weight=1.0, paused=True))
    assert decided(only_paused, all_).why == "it is the default account"


# --- an account that comes back --------------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.1, 0.4, 0.9])
def test_an_account_that_comes_back_takes_its_share_and_the_next_one_the_rest(share):
    found = shares(route("a", "b"), board(standing("a", coming_back(share)), standing("b")))
    assert found == pytest.approx({"a": share, "b": 1 - share}, abs=2 / DRAWS)


@pytest.mark.parametrize("share", [0.1, 0.4, 0.9])
@pytest.mark.parametrize("position", [0, 1, 2])
def test_its_share_is_one_of_what_its_weight_would_give_it(share, position):
    names = ["a", "b", "c"]
    standings = [standing(name, coming_back(share) if name == names[position] else CLOSED) for name in names]
    found = shares(route(*((name, 1.0) for name in names)), board(*standings))
    assert found[names[position]] == pytest.approx(share / 3, abs=2 / DRAWS)


def test_two_that_come_back_take_their_shares_before_the_third():
    coming = board(standing("a", coming_back(0.5)), standing("b", coming_back(0.2)), standing("c"))
    assert shares(route("a", "b", "c"), coming) == pytest.approx({"a": 0.5, "b": 0.1, "c": 0.4}, abs=2 / DRAWS)


@given(chances, st.floats(0.1, 0.99))
def test_an_account_that_comes_back_takes_everything_while_no_other_one_is_free(chance, share):
    coming = board(standing("a", OPEN), standing("b", coming_back(share)))
    found = decided(route("a", "b"), coming, chance=chance)
    assert found.account == "b"
    assert [skip.account for skip in found.skipped] == ["a"]
