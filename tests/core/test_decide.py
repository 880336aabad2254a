"""Which account carries a delivery, or why none does."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from core_values import HALF_OPEN, OPEN, board, coming_back, queued, route, standing
from everpost.core.decide import WAIT_S_MAX, WAIT_S_MIN, Fail, Send, Skip, Wait, decide
from everpost.core.retry import ROUND_S_MAX
from everpost.model.account import Quota
from everpost.model.change import Usage
from everpost.model.message import Address
from everpost.model.route import RouteAccount
from store_values import NOW, message

MAIL = message()
chances = st.floats(0, 1, exclude_max=True)


def decided(route_, board_, delivery=None, unfit=None, chance=0.5, mail=MAIL):
    return decide(delivery or queued(), mail, route_, board_, unfit or {}, chance)


# --- why an account is skipped ---------------------------------------------------------------------------------------


USED_UP = {("a", "day"): Usage(NOW - 1, 10)}
OBSTACLES = [
    pytest.param({"board": board(standing("b"))}, "it is not configured", id="unknown"),
    pytest.param({"delivery": queued(refused=("a",))}, "it has refused this mail for good", id="refused"),
    pytest.param({"unfit": {"a": "no such thing there"}}, "no such thing there", id="unsendable"),
    pytest.param(
        {"board": board(standing(limits={"tags_max": 0}), standing("b")), "mail": message(tags=("x",), allow_loss=())},
        "it keeps 0 of 1 tags, and neither the mail nor its route allows for that (`tags` in allow_loss)",
        id="misfit",
    ),
    pytest.param({"route": route(RouteAccount(account="a", paused=True), "b")}, "it is paused", id="paused"),
    pytest.param({"delivery": queued(tried=("a",))}, "it was tried in this round", id="tried"),
    pytest.param({"board": board(standing("a", OPEN), standing("b"))}, "its circuit is open: down", id="open"),
    pytest.param(
        {"board": board(standing(blocked_until=NOW + 9, blocked_reason="slow down"), standing("b"))},
        "it is throttled: slow down",
        id="throttled",
    ),
    pytest.param(
        {"board": board(standing("a", HALF_OPEN, probe_taken=True), standing("b"))},
        "its circuit is open: down",
        id="probed",
    ),
    pytest.param(
        {"board": board(standing(limits={"account": {"quota": Quota(per_day=10)}}), standing("b"), used=USED_UP)},
        "its quota of 10 a day is used up",
        id="quota",
    ),
    pytest.param(
        {"board": board(standing("a", coming_back(0.25)), standing("b"))},
        "it is coming back and takes 25 % of the mail",
        id="ramp",
    ),
]


@pytest.mark.parametrize(("facts", "reason"), OBSTACLES)
def test_an_account_that_is_skipped_is_skipped_for_a_reason_and_the_next_one_carries_it(facts, reason):
    usual = {"route": route("a", "b"), "board": board(standing("a"), standing("b"))} | facts
    found = decided(usual.pop("route"), usual.pop("board"), **usual)
    assert (found.account, found.skipped) == ("b", (Skip("a", reason),))


def test_a_block_that_is_over_is_none():
    assert decided(route("a"), board(standing(blocked_until=NOW))).account == "a"


def test_one_mail_probes_a_half_open_circuit():
    found = decided(route("a", "b"), board(standing("a", HALF_OPEN), standing("b")))
    assert found.probe
    assert found.why == "it is the default account; it probes whether the account works again"
    assert not decided(route("a"), board(standing("a"))).probe


# --- none of them ----------------------------------------------------------------------------------------------------


LASTING = {"unknown", "unsendable", "misfit"}


@pytest.mark.parametrize(("facts", "reason"), [case for case in OBSTACLES if case.id not in ("refused", "ramp")])
def test_what_can_be_mended_never_fails_a_mail(facts, reason):
    alone = {"route": route("a"), "board": board(standing("a"))} | facts
    entries = [entry for entry in alone.pop("route").accounts if entry.account == "a"]
    found = decided(route(*entries), alone.pop("board"), **alone)
    assert isinstance(found, Wait)
    assert found.reason == f"a: {reason}"
    assert found.skipped == (Skip("a", reason),)


def test_a_mail_that_every_account_has_refused_for_good_fails():
    found = decided(route("a", "b"), board(standing("a"), standing("b")), queued(refused=("a", "b")))
    words = "it has refused this mail for good"
    assert found == Fail(
        reason=f"no account will take it (a: {words}; b: {words})", skipped=(Skip("a", words), Skip("b", words))
    )


def test_who_has_refused_for_good_is_not_asked_in_a_later_round_either():
    found = decided(route("a", "b"), board(standing("a"), standing("b")), queued(refused=("a",), rounds=3))
    assert isinstance(found, Send)
    assert (found.account, found.skipped) == ("b", (Skip("a", "it has refused this mail for good"),))


@pytest.mark.parametrize(("facts", "_"), [case for case in OBSTACLES if case.id not in ("refused", "ramp")])
def test_it_fails_beside_a_refusal_only_if_nothing_else_could_ever_carry_it(request, facts, _):
    kind = request.node.callspec.id.split("-")[-1]
    given_ = {"route": route("a", "b"), "board": board(standing("a"), standing("b"))} | facts
    delivery = given_.pop("delivery", queued())
    refused = queued(refused=("b",), tried=delivery.tried)
    found = decided(given_.pop("route"), given_.pop("board"), refused, **given_)
    assert isinstance(found, Fail if kind in LASTING else Wait)


standings_of = st.sampled_from(
    [
        {},
        {"circuit": OPEN},
        {"circuit": HALF_OPEN},
        {"circuit": HALF_OPEN, "probe_taken": True},
        {"circuit": coming_back(0.3)},
        {"blocked_until": NOW + 3600.0, "blocked_reason": "slow down"},
        {"limits": {"account": {"quota": Quota(per_day=1)}}},
        {"limits": {"content_bytes_max": 0}},
        None,
    ]
)


@st.composite
def situations(draw):
    names = ["a", "b", "c"]
    facts = {name: draw(standings_of) for name in names}
    entries = [
        RouteAccount(account=name, weight=draw(st.none() | st.floats(0, 5)), paused=draw(st.booleans()))
        for name in names
    ]
    one = queued(
        tried=tuple(draw(st.sets(st.sampled_from(names)))),
        refused=tuple(draw(st.sets(st.sampled_from(names)))),
        rounds=draw(st.integers(0, 40)),
    )
    unfit = draw(st.dictionaries(st.sampled_from(names), st.just("can't be said there"), max_size=2))
    used = {(name, "day"): Usage(NOW, 1) for name in names}
    known = board(*(standing(name, **fact) for name, fact in facts.items() if fact is not None), used=used)
    return one, route(*entries), known, unfit, draw(chances)


@given(situations())
def test_every_account_is_either_chosen_or_skipped_with_a_reason(situation):
    one, route_, known, unfit, chance = situation
    found = decide(one, MAIL, route_, known, unfit, chance)
    skipped = [skip.account for skip in found.skipped]
    assert all(skip.reason for skip in found.skipped)
    assert len(set(skipped)) == len(skipped)
    if isinstance(found, Send):
        assert found.account not in skipped
        assert found.account not in (*one.tried, *one.refused, *unfit)
        assert found.probe is (known.standings[found.account].circuit == HALF_OPEN)
    else:
        assert sorted(skipped) == ["a", "b", "c"]


@given(situations())
def test_a_wait_is_bounded_and_in_the_future(situation):
    one, route_, known, unfit, chance = situation
    found = decide(one, MAIL, route_, known, unfit, chance)
    assume(isinstance(found, Wait))
    assert found.round_over is bool(one.tried)
    longest = ROUND_S_MAX if found.round_over else WAIT_S_MAX * 1.25
    assert WAIT_S_MIN <= found.until - NOW <= longest


@given(situations())
def test_it_fails_only_after_a_provider_has_refused_it_for_good(situation):
    one, route_, known, unfit, chance = situation
    if isinstance(decide(one, MAIL, route_, known, unfit, chance), Fail):
        assert set(one.refused) & set(known.standings)
        for name in set(known.standings) - set(one.refused):
            misfits = known.standings[name].carrier.limits.content_bytes_max == 0
            assert name in unfit or misfits


PAUSED = RouteAccount(account="c", paused=True)


@pytest.mark.parametrize(
    ("route_", "standings", "wait_s"),
    [
        (route("a", "b"), [standing("a", OPEN), standing("b", blocked_until=NOW + 5.0)], 5.0),
        (route("a"), [standing("a", blocked_until=NOW + 0.2)], 1.0),
        (route("a"), [standing("a", blocked_until=NOW + 3600.0)], 60.0),
        (route("a", "b"), [standing("a", OPEN), standing("b", HALF_OPEN, probe_taken=True)], 1.0),
        (route(PAUSED), [standing("c")], 60.0),
        (route(PAUSED, "a"), [standing("a", OPEN), standing("c")], 20.0),
    ],
)
def test_the_wait_ends_when_the_first_obstacle_may_be_gone_within_a_second_and_a_minute(route_, standings, wait_s):
    assert decided(route_, board(*standings), chance=0.0).until == NOW + wait_s
    assert decided(route_, board(*standings), chance=0.5).until == NOW + wait_s * 1.125


def test_a_mail_to_more_recipients_counts_as_many_in_the_quota():
    to = tuple(Address(f"bob{number}@example.org") for number in range(6))
    limited = standing(limits={"account": {"quota": Quota(per_day=10)}})
    used = {("a", "day"): Usage(NOW - 1, 5)}
    assert isinstance(decided(route("a"), board(limited, used=used), mail=message(to=to)), Wait)
    assert isinstance(decided(route("a"), board(limited, used=used), mail=message(to=to[:5])), Send)
