"""Every change of a delivery's state, and the events that tell it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import to_builtins
from msgspec.structs import replace

from core_values import ADDRESS, queued, send, sending, uncertain
from everpost.core import transitions
from everpost.core.decide import Fail, Skip, Wait
from everpost.model.change import Charge
from everpost.model.delivery import FINAL, DeliveryState
from everpost.model.event import EventType
from everpost.model.limits import REASON_CHARS_MAX
from everpost.model.message import Address, OnUnknown
from everpost.model.outcome import Kind, Outcome
from store_values import NOW, message

S, E = DeliveryState, EventType
AT = NOW + 5.0
MANY = message(
    to=(Address("bob@example.org"), Address("carol@example.org")),
    cc=(Address("dan@example.org"),),
    bcc=(Address("erin@example.org"),),
)
WORDY = f"no such mailbox {ADDRESS} or <{ADDRESS.upper()}>, " + "x" * 2 * REASON_CHARS_MAX
SKIPPED = (Skip("b", WORDY),)


def outcome(kind, **fields):
    return Outcome(**({"kind": kind, "text": WORDY} | fields))


def wait(**fields):
    return Wait(**({"until": AT + 9, "reason": WORDY, "skipped": SKIPPED, "round_over": False} | fields))


def settled(kind, **fields):
    return lambda one: transitions.settle(one, outcome(kind, **fields), AT)


BEGIN = pytest.param(queued(), lambda one: transitions.begin(one, send(skipped=SKIPPED), (), 100.0, AT), id="begin")
CASES = [
    (BEGIN, S.SENDING, [E.ATTEMPTED], True),
    (pytest.param(sending(), settled(Kind.ACCEPTED), id="accepted"), S.SENT, [E.SENT], True),
    (pytest.param(sending(), settled(Kind.HELD), id="held"), S.HELD, [E.HELD], True),
    (pytest.param(sending(), settled(Kind.REJECTED), id="rejected"), S.FAILED, [E.FAILED], True),
    (pytest.param(sending(), settled(Kind.REFUSED), id="refused"), S.QUEUED, [E.DEFERRED], True),
    (pytest.param(sending(), settled(Kind.REFUSED, account_fault=True), id="fault"), S.QUEUED, [E.DEFERRED], True),
    (pytest.param(sending(), settled(Kind.THROTTLED), id="throttled"), S.QUEUED, [E.DEFERRED], True),
    (pytest.param(sending(), settled(Kind.UNAVAILABLE), id="unavailable"), S.QUEUED, [E.DEFERRED], True),
    (pytest.param(sending(), settled(Kind.UNKNOWN), id="unknown"), S.UNCERTAIN, [E.UNCERTAIN], True),
    (pytest.param(uncertain(), settled(Kind.ACCEPTED), id="late answer"), S.SENT, [E.SENT], True),
    (pytest.param(sending(), lambda one: transitions.lost(one, AT), id="lost"), S.UNCERTAIN, [E.UNCERTAIN], True),
    (
        pytest.param(uncertain(), lambda one: transitions.found(one, "p-1", AT), id="found"),
        S.SENT,
        [E.RESOLVED, E.SENT],
        True,
    ),
    (pytest.param(uncertain(), lambda one: transitions.absent(one, AT), id="absent"), S.QUEUED, [E.RESOLVED], True),
    (
        pytest.param(
            uncertain(), lambda one: transitions.unresolved(one, OnUnknown.RESEND, WORDY, AT), id="unresolved, resend"
        ),
        S.QUEUED,
        [E.RESOLVED],
        True,
    ),
    (
        pytest.param(
            uncertain(), lambda one: transitions.unresolved(one, OnUnknown.HOLD, WORDY, AT), id="unresolved, hold"
        ),
        S.HELD,
        [E.RESOLVED, E.HELD],
        True,
    ),
    (
        pytest.param(
            uncertain(expires_at=AT),
            lambda one: transitions.unresolved(one, OnUnknown.RESEND, WORDY, AT),
            id="unresolved, expired",
        ),
        S.HELD,
        [E.RESOLVED, E.HELD],
        True,
    ),
    (
        pytest.param(uncertain(), lambda one: transitions.ask_again(one, AT + 3, AT), id="ask again"),
        S.UNCERTAIN,
        [],
        None,
    ),
    (
        pytest.param(queued(account="a"), lambda one: transitions.postpone(one, wait(), AT), id="postpone"),
        S.QUEUED,
        [E.DEFERRED],
        False,
    ),
    (
        pytest.param(
            queued(account="a"), lambda one: transitions.fail(one, Fail(reason=WORDY, skipped=SKIPPED), AT), id="fail"
        ),
        S.FAILED,
        [E.FAILED],
        False,
    ),
    (
        pytest.param(queued(account="a", reason="x" * 500), lambda one: transitions.expire(one, AT), id="expire"),
        S.FAILED,
        [E.FAILED],
        False,
    ),
    (
        pytest.param(queued(account="a"), lambda one: transitions.leave_out(one, MANY, {0, 1}, AT), id="nobody left"),
        S.FAILED,
        [E.SUPPRESSED, E.FAILED],
        False,
    ),
    (
        pytest.param(queued(account="a"), lambda one: transitions.cancel(one, "key-1", AT), id="cancel"),
        S.CANCELLED,
        [E.CANCELLED],
        False,
    ),
]
EACH = pytest.mark.parametrize(("one", "change"), [case for case, *_ in CASES])


@pytest.mark.parametrize(
    ("one", "change", "state", "types", "about_account"),
    [pytest.param(*case.values, *wanted, id=case.id) for case, *wanted in CASES],
)
def test_each_change_leads_to_its_state_and_is_told_by_its_events(one, change, state, types, about_account):
    changed = change(one)
    assert changed.delivery.state is state
    assert [event.type for event in changed.events] == types
    assert {event.account for event in changed.events} == ({"a"} if about_account else {None} if types else set())


@EACH
def test_each_change_holds_for_the_version_it_was_made_from_and_raises_it_by_one(one, change):
    changed = change(one)
    assert (changed.was, changed.delivery.version) == (one.version, one.version + 1)
    assert changed.delivery.updated_at == AT
    fixed = ("id", "message_id", "project", "expires_at", "created_at")
    assert [getattr(changed.delivery, name) for name in fixed] == [getattr(one, name) for name in fixed]


@EACH
def test_the_id_of_an_event_follows_from_the_version_that_it_tells(one, change):
    events = change(one).events
    version = f"{one.id}:{one.version + 1}"
    assert [event.id for event in events] == [version, f"{version}.1"][: len(events)]
    assert change(one).events == events
    for event in events:
        assert (event.at, event.project, event.message_id, event.delivery_id) == (AT, "shop", one.message_id, one.id)


@EACH
def test_only_what_is_final_is_never_looked_at_again(one, change):
    after = change(one).delivery
    assert (after.due_at is None) is (after.state in FINAL)


def texts(value):
    """Every text within a value, its names left out."""
    match value:
        case str():
            yield value
        case dict():
            for inner in value.values():
                yield from texts(inner)
        case list():
            for inner in value:
                yield from texts(inner)


@EACH
def test_every_text_is_cut_and_shows_no_address(one, change):
    changed = change(one)
    told = list(texts(to_builtins(changed)))
    assert all(len(text) <= REASON_CHARS_MAX for text in told)
    for piece in ("carol", "neil", "tag", "mail.example.org"):
        assert not any(piece in text.lower() for text in told)


def test_a_delivery_that_is_no_longer_queued_can_not_be_cancelled():
    for state in set(S) - {S.QUEUED}:
        assert transitions.cancel(queued(state=state), "key-1", AT) is None


# --- in detail -------------------------------------------------------------------------------------------------------


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


# --- over a whole life -----------------------------------------------------------------------------------------------

STEPS = {
    S.QUEUED: [case for case, *_ in CASES if case.values[0].state is S.QUEUED],
    S.SENDING: [case for case, *_ in CASES if case.values[0].state is S.SENDING],
    S.UNCERTAIN: [case for case, *_ in CASES if case.values[0].state is S.UNCERTAIN],
}


@given(st.lists(st.integers(0, 1000), max_size=30))
def test_whatever_happens_to_it_a_delivery_tells_a_story_without_gaps(picks):
    one, events = queued(), []
    for pick in picks:
        if one.state in FINAL:
            break
        steps = STEPS[one.state]
        changed = steps[pick % len(steps)].values[1](one)
        one = changed.delivery
        events += changed.events
    assert len({event.id for event in events}) == len(events)
    attempted = [event.data["number"] for event in events if event.type is E.ATTEMPTED]
    assert attempted == list(range(1, one.attempts + 1))
    endings = [event.type for event in events if event.type in (E.SENT, E.FAILED, E.HELD, E.CANCELLED)]
    assert endings == ([E(f"email.{one.state}")] if one.state in FINAL else [])
