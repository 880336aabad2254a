"""An account whose mail is delivered late, or of which nothing is told any more, gets less of it: by its own past."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everpost.core.breaker import circuit
from everpost.core.delivering import FORGET_S, QUIET, REASON, SAMPLE_S, SHARE, TOLD_S, audible, promptness
from everpost.health.delivering import RECOVERED, WINDOW, slow_below
from everpost.health.fold import UNKNOWN, fold
from everpost.health.port import Report, Sign
from everpost.model.account import CircuitState, Promptness
from everpost.model.event import Event, EventType
from store_values import NOW

PROMPT, LATE, SILENT = Sign.PROMPT, Sign.LATE, Sign.SILENT
HOUR = [PROMPT] * 180


def told(*signs, health=UNKNOWN, at=NOW):
    """Health after these mails, one each SAMPLE_S; and when the last of them was listened for."""
    for sign in signs:
        health = fold(health, Report(account="a", sign=sign, at=at, after_s=TOLD_S))
        at += SAMPLE_S
    return health, at + TOLD_S


def state(*signs):
    health, now = told(*signs)
    return circuit(health, now)


@pytest.mark.parametrize("sign", [LATE, SILENT])
def test_an_account_whose_mail_is_late_or_silent_gets_a_tenth_of_the_mail(sign):
    found = state(*HOUR, *[sign] * (WINDOW // 2 + 2))
    assert (found.state, found.share, found.slow, found.reason) == (CircuitState.CLOSED, SHARE, True, REASON)


def test_a_few_late_mails_are_nothing():
    assert state(*HOUR, *[LATE] * (WINDOW // 2 - 1)).share == 1.0


def test_it_comes_back_when_its_latest_mails_are_prompt():
    assert state(*HOUR, *[SILENT] * 60, *[PROMPT] * (RECOVERED - 3)).slow
    found = state(*HOUR, *[SILENT] * 60, *[PROMPT] * (RECOVERED - 2))
    assert (found.slow, found.share) == (False, 1.0)


def test_an_account_that_was_never_heard_is_not_judged():
    """Its webhooks may lead nowhere."""
    assert state(*[SILENT] * 300).share == 1.0


def test_an_account_is_held_against_its_own_past():
    """A third of its mail has always been late."""
    assert state(*[PROMPT, PROMPT, LATE] * 100).share == 1.0
    assert state(*[PROMPT, PROMPT, LATE] * 100, *[LATE] * WINDOW).slow


def test_an_outage_is_not_what_is_usual_even_after_hours():
    hours = [SILENT] * 4 * 180
    assert state(*HOUR, *hours).slow


def test_what_nobody_has_listened_for_any_more_is_forgotten():
    health, now = told(*HOUR, *[SILENT] * 60)
    assert circuit(health, now + FORGET_S - TOLD_S - 60).slow
    assert circuit(health, now + FORGET_S).share == 1.0


def test_where_several_accounts_have_fallen_silent_at_once_it_is_we_who_hear_nothing():
    silent, now = told(*HOUR, *[SILENT] * 60)
    heard, _ = told(*HOUR, *[SILENT] * 56, *[PROMPT], *[SILENT] * 3)
    assert not circuit(audible({"a": silent, "b": silent}, now)["a"], now).slow
    assert circuit(audible({"a": silent, "b": heard}, now)["a"], now).slow
    assert circuit(audible({"a": silent, "b": UNKNOWN}, now)["a"], now).slow  # nobody tells of that one
    assert circuit(audible({"a": silent}, now)["a"], now).slow
    late, _ = told(*HOUR, *[LATE] * QUIET)
    assert circuit(audible({"a": silent, "b": late}, now)["a"], now).slow


def test_an_open_circuit_still_tells_that_its_mail_is_slow():
    health, now = told(*HOUR, *[SILENT] * 60)
    for _ in range(5):
        health = fold(health, Report(account="a", sign=Sign.FAILED, at=now, text="down"))
    found = circuit(health, now)
    assert (found.state, found.slow) == (CircuitState.OPEN, True)


def test_mails_listened_for_leave_the_rest_of_the_circuit_alone():
    leased = fold(UNKNOWN, Report(account="a", sign=Sign.FAILED, at=NOW, text="down"))
    after = fold(leased, Report(account="a", sign=SILENT, at=NOW))
    assert (after.failures, after.failed_at, after.buckets) == (leased.failures, leased.failed_at, leased.buckets)


@given(st.lists(st.sampled_from([PROMPT, LATE, SILENT]), max_size=3 * WINDOW), st.integers())
def test_the_latest_mails_are_known_in_whatever_order_they_come(signs, seed):
    reports = [Report(account="a", sign=sign, at=NOW + number) for number, sign in enumerate(signs)]
    random.Random(seed).shuffle(reports)
    health = UNKNOWN
    for report in reports:
        health = fold(health, report)
    known = health.delivering
    assert known.mails == len(signs)
    assert len(known.heard) <= WINDOW
    assert [one.accepted_at for one in known.heard] == sorted(one.accepted_at for one in known.heard)
    assert 0.0 <= known.usual <= 1.0


@pytest.mark.parametrize("usual", [0.98, 0.7])
def test_in_a_month_chance_alone_makes_no_account_slow(usual):
    rng = random.Random(f"{usual}")
    health = UNKNOWN
    for number in range(int(30 * 86_400 / SAMPLE_S)):
        sign = PROMPT if rng.random() < usual else LATE
        health = fold(health, Report(account="a", sign=sign, at=NOW + SAMPLE_S * number))
        assert health.delivering.slow_since is None


def test_what_can_not_be_told_from_chance_is_never_slow():
    assert slow_below(0.3) <= 0.0
    assert slow_below(1.0) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("types", "expected"),
    [
        ([], Promptness.SILENT),
        ([EventType.SENT], Promptness.SILENT),
        ([EventType.RECIPIENT_QUEUED], Promptness.LATE),
        ([EventType.RECIPIENT_QUEUED, EventType.RECIPIENT_DEFERRED], Promptness.LATE),
        ([EventType.RECIPIENT_FAILED], Promptness.LATE),
        ([EventType.RECIPIENT_QUEUED, EventType.RECIPIENT_DELIVERED], Promptness.PROMPT),
        ([EventType.RECIPIENT_OPENED], Promptness.PROMPT),
    ],
)
def test_a_mail_is_prompt_when_it_is_told_to_be_delivered(types, expected):
    assert promptness(event(type_) for type_ in types) is expected


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"bounce": "hard"}, Promptness.PROMPT),
        ({"bounce": "soft", "reason": "policy"}, Promptness.LATE),
        ({"reason": "suppressed_bounce"}, Promptness.PROMPT),
        ({"reason": "reputation"}, Promptness.LATE),
    ],
)
def test_what_concerns_the_address_alone_is_not_held_against_the_account(data, expected):
    assert promptness([event(EventType.RECIPIENT_BOUNCED, **data)]) is expected


def event(type_, **data):
    return Event(id="x", type=type_, at=NOW, project="shop", account="a", data=data)
