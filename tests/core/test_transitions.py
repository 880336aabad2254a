"""Every change of a delivery's state, and the events that tell it."""

from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import to_builtins

from core_values import AT, SKIPPED, WORDY, outcome, queued, send, sending, uncertain, wait
from everpost.core import transitions
from everpost.core.decide import Fail
from everpost.model.act import Decision
from everpost.model.delivery import FINAL, DeliveryState
from everpost.model.event import EventType
from everpost.model.limits import REASON_CHARS_MAX
from everpost.model.message import Address, OnUnknown
from everpost.model.outcome import Kind
from store_values import message

S, E = DeliveryState, EventType
MANY = message(
    to=(Address("bob@example.org"), Address("carol@example.org")),
    cc=(Address("dan@example.org"),),
    bcc=(Address("erin@example.org"),),
)


def settled(kind, **fields):
    return lambda one: transitions.settle(one, outcome(kind, **fields), AT)


def decided(decision, one):
    return transitions.decide(one, decision, "key-1", WORDY, AT)


def same(one):
    """What is begun stays where it is: nothing happens to it."""
    return transitions.ask_again(one, AT, AT)


HELD = uncertain(state=S.HELD, due_at=None, version=4)
DECISIONS = (
    (Decision.SENT, S.SENT, [E.SENT]),
    (Decision.FAILED, S.FAILED, [E.FAILED]),
    (Decision.RESEND, S.QUEUED, []),
)
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
        pytest.param(queued(account="a"), lambda one: transitions.cancel(one, "key-1", AT, WORDY), id="cancel"),
        S.CANCELLED,
        [E.CANCELLED],
        False,
    ),
    (
        pytest.param(
            queued(), lambda one: transitions.reschedule(one, AT + 60, "key-1", WORDY, AT) or same(one), id="reschedule"
        ),
        S.QUEUED,
        [E.RESCHEDULED],
        False,
    ),
    *(
        (
            pytest.param(before, partial(decided, decision), id=f"{before.state}, decided: {decision}"),
            state,
            [E.RESOLVED, *further],
            True,
        )
        for before in (uncertain(), HELD)
        for decision, state, further in DECISIONS
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


@pytest.mark.parametrize("decision", Decision)
def test_a_person_decides_only_what_is_uncertain_or_held(decision):
    for state in set(S) - transitions.OPEN:
        assert transitions.decide(queued(state=state), decision, "key-1", "why", AT) is None


def test_a_delivery_that_was_begun_or_is_no_longer_queued_keeps_its_time():
    assert transitions.reschedule(queued(attempts=1), AT + 60, "key-1", "why", AT) is None
    for state in set(S) - {S.QUEUED}:
        assert transitions.reschedule(queued(state=state), AT + 60, "key-1", "why", AT) is None


def test_a_delivery_is_due_at_its_new_time_and_at_once_where_that_is_over():
    assert transitions.reschedule(queued(), AT + 60, "key-1", "why", AT).delivery.due_at == AT + 60
    assert transitions.reschedule(queued(), AT - 60, "key-1", "why", AT).delivery.due_at == AT


def test_what_a_person_sends_again_goes_to_another_account_first():
    assert decided(Decision.RESEND, HELD).delivery.tried == ("a",)


# --- over a whole life -----------------------------------------------------------------------------------------------


STEPS = {
    S.QUEUED: [case for case, *_ in CASES if case.values[0].state is S.QUEUED],
    S.SENDING: [case for case, *_ in CASES if case.values[0].state is S.SENDING],
    S.UNCERTAIN: [case for case, *_ in CASES if case.values[0].state is S.UNCERTAIN],
    S.HELD: [case for case, *_ in CASES if case.values[0].state is S.HELD],
}


@given(st.lists(st.integers(0, 1000), max_size=30))
def test_whatever_happens_to_it_a_delivery_tells_a_story_without_gaps(picks):
    one, events = queued(), []
    for pick in picks:
        if one.state not in STEPS:
            break
        steps = STEPS[one.state]
        changed = steps[pick % len(steps)].values[1](one)
        one = changed.delivery
        events += changed.events
    assert len({event.id for event in events}) == len(events)
    attempted = [event.data["number"] for event in events if event.type is E.ATTEMPTED]
    assert attempted == list(range(1, one.attempts + 1))
    endings = [event.type for event in events if event.type in (E.SENT, E.FAILED, E.CANCELLED)]
    assert endings == ([E(f"email.{one.state}")] if one.state in FINAL - {S.HELD} else [])


def test_an_attempt_has_ended_when_its_worker_says_so_and_not_when_the_worker_seems_lost():
    one = sending()
    assert transitions.settle(one, outcome(Kind.UNKNOWN), AT).delivery.deadline_at is None
    assert transitions.lost(one, AT).delivery.deadline_at == one.deadline_at is not None
