"""Where a mail would go and why: what is explained is what is decided."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core_values import HALF_OPEN, OPEN, board, coming_back, queued, route, standing
from everpost.core.decide import Send, decide
from everpost.core.explain import DRAWS, Prospect, awaited_account, explain
from everpost.model.account import Quota
from everpost.model.change import Usage
from everpost.model.route import RouteAccount
from store_values import NOW, message

MAIL = message()
USED_UP = {("a", "day"): Usage(NOW - 1, 10)}
SMALL = {"account": {"quota": Quota(per_day=10)}}


def explained(route_, board_, unfit=None):
    return explain(queued(), MAIL, route_, board_, unfit or {})


def told(found):
    return {one.account: one.reason for one in found.candidates}


def test_the_first_account_is_chosen_and_the_others_are_told_that_they_come_after_it():
    found = explained(route("a", "b"), board(standing("a"), standing("b")))
    assert (found.prospect, found.account, found.reason) == (Prospect.SENT, "a", "it is the default account")
    assert told(found) == {"a": "it is the default account", "b": "a is asked before it"}
    assert [one.share for one in found.candidates] == [1.0, 0.0]


@pytest.mark.parametrize(
    ("first", "facts", "reason"),
    [
        ("a", {"board": board(standing("a", OPEN), standing("b"))}, "its circuit is open: down"),
        (RouteAccount(account="a", paused=True), {}, "it is paused"),
        (
            "a",
            {"board": board(standing(limits=SMALL), standing("b"), used=USED_UP)},
            "its quota of 10 a day is used up",
        ),
        ("a", {"unfit": {"a": "it has no inline attachments"}}, "it has no inline attachments"),
        ("a", {"board": board(standing("b"))}, "it is not configured"),
    ],
)
def test_an_account_that_is_skipped_is_told_with_the_reason_of_the_decision(first, facts, reason):
    usual = {"board": board(standing("a"), standing("b")), "unfit": {}} | facts
    found = explained(route(first, "b"), usual["board"], usual["unfit"])
    assert (found.account, told(found)["a"]) == ("b", reason)
    assert found.reason == "it is number 2 of the route"


def test_shares_follow_the_weights():
    found = explained(route(("a", 3.0), ("b", 1.0), "c"), board(*map(standing, "abc")))
    assert [one.share for one in found.candidates] == [0.75, 0.25, 0.0]
    assert (found.account, found.reason) == ("a", "it was drawn by weight")


def test_an_account_that_comes_back_has_the_share_that_it_may_take():
    found = explained(route("a", "b"), board(standing("a", coming_back(0.3)), standing("b")))
    assert [one.share for one in found.candidates] == pytest.approx([0.3, 0.7], abs=1 / DRAWS)
    assert found.account == "b"


def test_without_an_account_that_takes_it_now_the_mail_waits():
    found = explained(route("a"), board(standing("a", OPEN)))
    assert (found.prospect, found.account) == (Prospect.WAITS, None)
    assert found.reason == "a: its circuit is open: down"
    assert found.until is not None
    assert found.until > NOW


def test_without_an_account_that_ever_could_it_is_refused():
    found = explained(route("a", "b"), board(standing("a"), standing("b")), {"a": "too large", "b": "too odd"})
    assert (found.prospect, found.until, found.reason) == (Prospect.REFUSED, None, "a: too large; b: too odd")


states = st.sampled_from(
    [{}, {"circuit": OPEN}, {"circuit": HALF_OPEN}, {"circuit": coming_back(0.3)}, {"limits": SMALL}, None]
)


@st.composite
def situations(draw):
    names = ["a", "b", "c"]
    facts = {name: draw(states) for name in names}
    entries = [
        RouteAccount(account=name, weight=draw(st.none() | st.integers(0, 5)), paused=draw(st.booleans()))
        for name in names
    ]
    used = {(name, "day"): Usage(NOW - 1, 10) for name in names}
    known = board(*(standing(name, **fact) for name, fact in facts.items() if fact is not None), used=used)
    return route(*entries), known


@given(situations(), st.integers(0, DRAWS - 1))
def test_whatever_is_decided_was_explained(situation, number):
    route_, board_ = situation
    found = explained(route_, board_)
    decision = decide(queued(), MAIL, route_, board_, {}, (number + 0.5) / DRAWS)
    shares = {one.account: one.share for one in found.candidates}
    if isinstance(decision, Send):
        assert found.prospect is Prospect.SENT
        assert shares[decision.account] > 0
    else:
        assert found.prospect is not Prospect.SENT
        assert told(found) == {skip.account: skip.reason for skip in decision.skipped}
    assert sum(shares.values()) == pytest.approx(1.0 if found.account else 0.0)
    assert all(one.reason for one in found.candidates)


# --- what a queued mail waits for -------------------------------------------------------------------------------------


def awaited(route_, board_, **fields):
    return awaited_account(queued(**fields), MAIL, route_, board_, 0.5)


def test_a_queued_mail_waits_for_the_account_that_takes_it_next():
    assert awaited(route("a", "b"), board(standing("a", OPEN), standing("b"))) == "b"


def test_if_none_can_it_waits_for_the_first_that_ever_could():
    down = board(standing("a", limits={"content_bytes_max": 0}), standing("b", OPEN), standing("c", OPEN))
    assert awaited(route("a", RouteAccount(account="b", paused=True), "c"), down) == "c"
    assert awaited(route("b", "c"), down, refused=("b",)) == "c"
    assert awaited(route("a"), down) is None
