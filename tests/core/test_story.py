"""A mail's attempts, folded from its events."""

import pytest

from core_values import queued, send
from everpost.core import transitions
from everpost.core.decide import Fail, Skip, Wait
from everpost.core.story import attempts_of
from everpost.model.event import Recorded
from everpost.model.message import OnUnknown
from everpost.model.outcome import Attempt, Kind, Outcome
from store_values import NOW, message

DOWN = Skip("b", "its circuit is open: down")


class Life:
    """A delivery on its way, a second between its changes."""

    def __init__(self, **fields):
        self.delivery = queued(**fields)
        self.events = []
        self.at = NOW

    def __call__(self, change, *facts):
        self.at += 1
        changed = change(self.delivery, *facts, self.at)
        self.delivery = changed.delivery
        self.events += changed.events
        return self

    def begin(self, account="a", *skipped):
        chosen = send(account, why=f"{account} was chosen", skipped=skipped)
        return self(lambda one, at: transitions.begin(one, chosen, (), 100.0, at))

    def settle(self, kind, **fields):
        return self(transitions.settle, Outcome(kind=kind, **fields))

    @property
    def attempts(self):
        return attempts_of([Recorded(seq, event) for seq, event in enumerate(self.events, 1)])


def attempt(number, account, at, outcome, **fields):
    return Attempt(
        number=number, account=account, why=f"{account} was chosen", outcome=outcome, started_at=NOW + at, **fields
    )


def skipped(at, reason=DOWN.reason, account="b"):
    return Attempt(number=None, account=account, why=reason, outcome="skipped", started_at=NOW + at)


def test_nothing_has_happened_to_a_mail_that_waits():
    assert Life().attempts == []


def test_an_attempt_without_an_outcome_is_running():
    assert Life().begin().attempts == [attempt(1, "a", 1, "running")]


def test_an_attempt_is_told_with_all_that_its_answer_said():
    told = Life().begin().settle(Kind.ACCEPTED, status=202, text="queued", provider_message_id="p-1").attempts
    assert told == [
        attempt(1, "a", 1, "accepted", latency_ms=1000.0, status=202, text="queued", provider_message_id="p-1")
    ]


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_of_outcome_ends_an_attempt(kind):
    assert [one.outcome for one in Life().begin().settle(kind).attempts] == [kind]


def test_attempts_are_told_in_order_and_skipped_accounts_before_the_one_that_was_chosen():
    life = Life().begin("a").settle(Kind.UNAVAILABLE).begin("c", DOWN).settle(Kind.ACCEPTED)
    assert life.attempts == [
        attempt(1, "a", 1, "unavailable", latency_ms=1000.0),
        skipped(3),
        attempt(2, "c", 3, "accepted", latency_ms=1000.0),
    ]


def test_accounts_that_were_skipped_while_none_was_free_are_told_with_the_reason():
    waiting = Wait(until=NOW + 9, reason="b: down", skipped=(DOWN,), round_over=False)
    assert Life()(transitions.postpone, waiting).attempts == [skipped(1)]


def test_a_look_that_changed_nothing_is_not_told():
    waiting = Wait(until=NOW + 9, reason="b: down", skipped=(DOWN,), round_over=False)
    assert Life()(transitions.postpone, waiting)(transitions.postpone, waiting).attempts == [skipped(1)]


def test_the_accounts_of_a_mail_that_none_will_take_are_told():
    refused = Skip("a", "it has refused this mail for good")
    life = Life().begin().settle(Kind.REFUSED)(transitions.fail, Fail(reason="none", skipped=(refused,)))
    assert [(one.number, one.outcome) for one in life.attempts] == [(1, "refused"), (None, "skipped")]


@pytest.mark.parametrize(
    ("change", "facts", "resolution"),
    [
        (transitions.found, ("p-1",), "found"),
        (transitions.absent, (), "absent"),
        (transitions.unresolved, (OnUnknown.RESEND, "it lags"), "unresolved; resend"),
        (transitions.unresolved, (OnUnknown.HOLD, "it lags"), "unresolved; hold"),
    ],
)
def test_an_unknown_outcome_stays_and_is_told_with_what_a_question_found(change, facts, resolution):
    [told] = Life().begin().settle(Kind.UNKNOWN)(change, *facts).attempts
    assert (told.outcome, told.resolution) == ("unknown", resolution)


def test_what_a_question_found_belongs_to_the_attempt_that_it_was_about():
    life = Life().begin("a").settle(Kind.UNKNOWN)(transitions.absent).begin("b").settle(Kind.UNKNOWN)
    told = life(transitions.found, "p-2").attempts
    assert [(one.account, one.resolution) for one in told] == [("a", "absent"), ("b", "found")]


def test_an_answer_that_came_after_its_worker_was_given_up_is_the_outcome():
    [told] = Life().begin()(transitions.lost).settle(Kind.ACCEPTED).attempts
    assert told.outcome == "accepted"


def test_an_end_without_an_attempt_is_none():
    assert Life()(transitions.expire).attempts == []
    assert Life()(transitions.leave_out, message(), {0}).attempts == []
    assert Life()(transitions.cancel, "key-1").attempts == []


def test_the_attempts_of_several_deliveries_are_kept_apart():
    first, second = Life().begin("a"), Life(id="em_1.1").begin("b")
    second.settle(Kind.ACCEPTED)
    events = [Recorded(seq, event) for seq, event in enumerate([*first.events, *second.events], 1)]
    assert [(one.account, one.outcome) for one in attempts_of(events)] == [("a", "running"), ("b", "accepted")]
