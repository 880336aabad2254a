"""What exactly a change writes into the delivery, and what its events say."""

import pytest
from msgspec.structs import replace

from core_values import AT, outcome, queued, send, sending, uncertain, wait
from everpost.core import transitions
from everpost.core.decide import Skip
from everpost.model.change import Charge
from everpost.model.delivery import DeliveryState
from everpost.model.message import Address, OnUnknown
from everpost.model.outcome import Kind, Outcome
from store_values import NOW, message

S = DeliveryState
MANY = message(
    to=(Address("bob@example.org"), Address("carol@example.org")),
    cc=(Address("dan@example.org"),),
    bcc=(Address("erin@example.org"),),
)


def test_an_intent_holds_everything_that_a_later_question_needs():
    charges = (Charge(account="a", unit="day", window_at=NOW, amount=1, amount_max=9),)
    one = queued(attempts=1, asks=4, reason="b: unavailable", tried=("b",), account="b")
    begun = transitions.begin(one, send(), charges, 100.0, AT)
    assert begun.delivery == replace(
        one,
        state=S.SENDING,
        version=1,
        attempts=2,
        asks=0,
        account="a",
        started_at=AT,
        deadline_at=AT + 100.0,
        due_at=AT + 100.0 + transitions.LEASE_MARGIN_S,
        reason="",
        updated_at=AT,
    )
    assert begun.charges == charges
    assert begun.events[0].data == {
        "number": 2,
        "why": "it is the default account",
        "after": "b",
        "skipped": [{"account": "b", "reason": "down"}],
    }


def test_an_outcome_is_told_with_all_that_is_known_of_it_and_no_more():
    full = Outcome(kind=Kind.THROTTLED, status=429, text="slow down", provider_message_id="p", retry_after_s=9.0)
    told = transitions.settle(sending(), full, AT).events[0].data
    assert told == {
        "number": 1,
        "outcome": "throttled",
        "latency_ms": 4000.0,
        "status": 429,
        "text": "slow down",
        "provider_message_id": "p",
        "retry_after_s": 9.0,
    }
    told = transitions.settle(sending(started_at=AT + 1), Outcome(kind=Kind.ACCEPTED), AT).events[0].data
    assert told == {"number": 1, "outcome": "accepted", "latency_ms": 0.0}


@pytest.mark.parametrize(
    ("kind", "fault", "tried", "refused"),
    [
        (Kind.REFUSED, False, ("x",), ("y", "a")),
        (Kind.REFUSED, True, ("x", "a"), ("y",)),
        (Kind.THROTTLED, False, ("x", "a"), ("y",)),
        (Kind.UNAVAILABLE, False, ("x", "a"), ("y",)),
    ],
)
def test_what_was_not_taken_is_due_at_once_for_another_account(kind, fault, tried, refused):
    one = sending(tried=("x",), refused=("y",))
    after = transitions.settle(one, outcome(kind, text="no", account_fault=fault), AT).delivery
    assert (after.due_at, after.tried, after.refused) == (AT, tried, refused)
    assert after.reason == f"a: {kind}: no"


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (Kind.ACCEPTED, ""),
        (Kind.HELD, "a has accepted it but holds it: no"),
        (Kind.REJECTED, "a rejected it: no"),
        (Kind.UNKNOWN, "a gave no trustworthy answer: no"),
    ],
)
def test_a_delivery_says_why_it_is_where_it_is(kind, reason):
    assert transitions.settle(sending(), outcome(kind, text="no"), AT).delivery.reason == reason


@pytest.mark.parametrize("kind", [Kind.ACCEPTED, Kind.HELD])
def test_the_providers_id_is_kept_of_what_it_has_taken(kind):
    assert (
        transitions.settle(sending(), outcome(kind, provider_message_id="p-1"), AT).delivery.provider_message_id
        == "p-1"
    )


def test_an_unknown_outcome_is_asked_about_at_once():
    assert transitions.settle(sending(), outcome(Kind.UNKNOWN), AT).delivery.due_at == AT
    assert transitions.lost(sending(), AT).events[0].data["outcome"] == "unknown"


def test_what_a_question_finds_is_told():
    found = transitions.found(uncertain(asks=3), "p-1", AT)
    assert found.delivery.provider_message_id == "p-1"
    assert [event.data for event in found.events] == [
        {"number": 1, "verdict": "found", "asks": 3},
        {"provider_message_id": "p-1"},
    ]
    unnamed = transitions.found(uncertain(provider_message_id="p-0"), None, AT)
    assert unnamed.delivery.provider_message_id == "p-0"


def test_what_the_provider_has_not_goes_to_another_account_at_once():
    after = transitions.absent(uncertain(tried=("x",), reason="a gave no answer"), AT).delivery
    assert (after.due_at, after.tried, after.reason) == (AT, ("x", "a"), "")


def test_what_nobody_can_tell_is_resent_or_held_by_the_senders_policy_and_the_reason_told():
    resent, held = (transitions.unresolved(uncertain(asks=2), policy, "it lags", AT) for policy in OnUnknown)
    about = {"number": 1, "verdict": "unresolved", "reason": "it lags", "asks": 2}
    assert [event.data for event in resent.events] == [about | {"action": "resend"}]
    assert (resent.delivery.due_at, resent.delivery.tried) == (AT, ("a",))
    words = "it is unknown whether a has it: it lags"
    assert [event.data for event in held.events] == [about | {"action": "hold"}, {"reason": words}]
    assert held.delivery.reason == words


def test_a_question_is_counted_and_asked_again_when_it_was_said():
    after = transitions.ask_again(uncertain(asks=2, reason="no answer"), AT + 3, AT).delivery
    assert (after.asks, after.due_at, after.reason) == (3, AT + 3, "no answer")


def test_a_postponement_is_told_once_for_each_reason():
    first = transitions.postpone(queued(), wait(reason="a: down", skipped=(Skip("a", "down"),)), AT)
    skipped = [{"account": "a", "reason": "down"}]
    assert first.events[0].data == {"reason": "a: down", "until_at": AT + 9, "skipped": skipped}
    again = transitions.postpone(first.delivery, wait(reason="a: down"), AT + 60)
    assert again.events == ()
    assert transitions.postpone(again.delivery, wait(reason="a: throttled"), AT).events != ()


def test_a_postponement_whose_reason_is_long_or_holds_an_address_is_told_once_too():
    first = transitions.postpone(queued(), wait(), AT)
    assert transitions.postpone(first.delivery, wait(), AT + 60).events == ()


def test_a_round_in_vain_is_told_and_lets_every_account_be_tried_again():
    one = queued(tried=("a", "b"), rounds=2, reason="a: down")
    after = transitions.postpone(one, wait(reason="a: down", round_over=True), AT)
    assert (after.delivery.rounds, after.delivery.tried) == (3, ())
    assert len(after.events) == 1
    same_round = transitions.postpone(one, wait(), AT).delivery
    assert (same_round.rounds, same_round.tried) == (2, ("a", "b"))


def test_a_postponed_mail_is_looked_at_when_it_expires_and_not_later():
    assert transitions.postpone(queued(expires_at=AT + 4), wait(), AT).delivery.due_at == AT + 4
    assert transitions.postpone(queued(), wait(), AT).delivery.due_at == AT + 9


def test_an_expired_mail_says_what_it_had_waited_for():
    told = transitions.expire(queued(reason="a: down"), AT).events[0].data
    assert told == {"reason": "it expired before any account took it (a: down)", "code": "expired"}
    assert transitions.expire(queued(), AT).delivery.reason == "it expired before any account took it"


def test_suppressed_recipients_are_told_by_their_places_and_not_named():
    changed = transitions.leave_out(queued(left_out=(2,)), MANY, {1}, AT)
    assert [event.data for event in changed.events] == [{"recipients": 2, "places": [1, 2]}]
    assert (changed.delivery.state, changed.delivery.left_out, changed.delivery.due_at) == (S.QUEUED, (1, 2), AT)


def test_a_mail_without_anybody_in_to_is_not_sent_to_the_others():
    changed = transitions.leave_out(queued(), MANY, {0, 1}, AT)
    assert changed.delivery.state is S.FAILED
    assert changed.events[1].data == {"reason": "none of the recipients in `to` may be written to (suppressed)"}


def test_a_cancellation_names_who_wanted_it():
    changed = transitions.cancel(queued(), "key-1", AT)
    assert changed.events[0].data == {"by": "key-1"}
    assert changed.delivery.reason == "cancelled by key-1"
