"""How a mail stands with its recipients, folded from the set of its events."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from everpost.core.recipients import acknowledged, statuses_of
from everpost.model.delivery import DeliveryState
from everpost.model.event import Event, EventType, Recorded
from everpost.model.message import Address
from everpost.model.recipient import RecipientState, RecipientStatus
from store_values import NOW, delivery, message

MAIL = message(to=(Address("bob@example.org"), Address("eve@example.net")), bcc=(Address("joe@example.net"),))
ONE = delivery(MAIL, state=DeliveryState.SENT, account="a")
S = RecipientState
TOLD = [type_ for type_ in EventType if type_.startswith("recipient.")]
LADDER = [
    {S.PENDING},
    {S.SENT, S.SUPPRESSED},
    {S.DEFERRED},
    {S.DELIVERED, S.BOUNCED, S.REJECTED},
    {S.UNSUBSCRIBED},
    {S.COMPLAINED},
]


def told(what, at=1.0, place=0, **data):
    type_ = what if isinstance(what, EventType) else EventType(f"recipient.{what}")
    return Event(
        id=f"{what}-{at}-{place}",
        type=type_,
        at=NOW + at,
        project="shop",
        message_id=MAIL.id,
        delivery_id=ONE.id,
        account="a",
        data=({} if place is None else {"place": place}) | data,
    )


def folded(*events, of=ONE):
    return statuses_of(MAIL, [of], [Recorded(seq, event) for seq, event in enumerate(events)])


def state(*events, of=ONE):
    return folded(*events, of=of)[0].state


@pytest.mark.parametrize(
    ("of", "expected"),
    [
        (DeliveryState.QUEUED, S.PENDING),
        (DeliveryState.SENDING, S.PENDING),
        (DeliveryState.UNCERTAIN, S.PENDING),
        (DeliveryState.SENT, S.SENT),
        (DeliveryState.FAILED, S.REJECTED),
        (DeliveryState.CANCELLED, S.CANCELLED),
        (DeliveryState.HELD, S.HELD),
    ],
)
def test_without_events_a_recipient_stands_as_the_delivery_does(of, expected):
    assert folded(of=replace(ONE, state=of)) == [RecipientStatus(state=expected)] * 3


def test_recipients_that_were_left_out_are_suppressed():
    assert [one.state for one in folded(of=replace(ONE, left_out=(1,)))] == [S.SENT, S.SUPPRESSED, S.SENT]


def test_each_recipient_has_a_fate_of_its_own():
    bounced = told("bounced", 2.0, 1, bounce="hard", reason="invalid_recipient", text="550 unknown")
    assert folded(told("delivered"), bounced, told("deferred", 1.0, 2, reason="greylisted")) == [
        RecipientStatus(state=S.DELIVERED, at=NOW + 1),
        RecipientStatus(state=S.BOUNCED, reason="hard: invalid_recipient: 550 unknown", at=NOW + 2),
        RecipientStatus(state=S.DEFERRED, reason="greylisted", at=NOW + 1),
    ]


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([("delivered", 1.0), ("bounced", 2.0)], S.BOUNCED),  # a server that had taken it has sent it back
        ([("bounced", 1.0), ("delivered", 2.0)], S.DELIVERED),
        ([("delivered", 1.0), ("bounced", 2.0), ("opened", 3.0)], S.BOUNCED),
        ([("delivered", 2.0), ("deferred", 3.0)], S.DELIVERED),
        ([("queued", 9.0), ("deferred", 3.0)], S.DEFERRED),
        ([("clicked", 1.0)], S.DELIVERED),
        ([("complained", 1.0), ("unsubscribed", 2.0), ("delivered", 3.0)], S.COMPLAINED),
        ([("unsubscribed", 1.0), ("bounced", 3.0)], S.UNSUBSCRIBED),
        ([("unknown", 1.0), ("resubscribed", 2.0)], S.SENT),
    ],
)
def test_the_highest_rung_counts_and_on_one_rung_what_happened_last(events, expected):
    assert state(*(told(what, at) for what, at in events)) is expected


def test_what_names_no_recipient_changes_none():
    assert folded(told("bounced", place=None), told("bounced", place=7)) == folded()


def test_a_failed_delivery_that_was_delivered_after_all_is_told_so():
    assert state(told("delivered"), of=replace(ONE, state=DeliveryState.FAILED)) is S.DELIVERED
    assert state(told("queued"), of=replace(ONE, state=DeliveryState.FAILED)) is S.REJECTED


events_ = st.lists(st.builds(told, st.sampled_from(TOLD), st.integers(0, 3).map(float), st.integers(0, 2)), max_size=8)


@given(events_, st.data())
def test_any_order_with_any_repeats_gives_the_same(events, data):
    shuffled = data.draw(
        st.permutations(events + data.draw(st.lists(st.sampled_from(events), max_size=4)) if events else events)
    )
    assert folded(*shuffled) == folded(*events)


@given(events_)
def test_a_recipient_only_climbs(events):
    def rung(status):
        return next(number for number, states in enumerate(LADDER) if status.state in states)

    for count in range(len(events)):
        before, after = folded(*events[:count]), folded(*events[: count + 1])
        assert all(rung(one) <= rung(other) for one, other in zip(before, after, strict=True))


PROVES_NOTHING = {
    EventType.RECIPIENT_FAILED,
    EventType.RECIPIENT_INBOUND,
    EventType.RECIPIENT_SUPPRESSION_ADDED,
    EventType.RECIPIENT_SUPPRESSION_REMOVED,
    EventType.RECIPIENT_UNKNOWN,
}


@pytest.mark.parametrize("type_", TOLD)
def test_what_is_told_of_a_mail_proves_that_its_account_has_it(type_):
    trail = [Recorded(1, told(EventType.ATTEMPTED)), Recorded(2, told(type_))]
    assert (acknowledged(ONE, trail) is None) is (type_ in PROVES_NOTHING)


def test_another_account_and_another_delivery_prove_nothing():
    trail = [Recorded(1, told("delivered"))]
    assert acknowledged(replace(ONE, account="b"), trail) is None
    assert acknowledged(replace(ONE, id=f"{MAIL.id}.1"), trail) is None
