import pytest

from everpost.dialects.native.render import instant, render_event, render_message, state_of
from everpost.model.delivery import Delivery, DeliveryState
from everpost.model.event import Event, EventType, Recorded
from everpost.model.message import Address, Message
from everpost.model.recipient import RecipientState, RecipientStatus

S = DeliveryState
MESSAGE = Message(
    id="em_1",
    project="p",
    created_at=1_800_000_000.5,
    sender=Address("ann@example.com"),
    to=(Address("bob@example.org"),),
    bcc=(Address("c@example.org"),),
)


def delivery(state):
    return Delivery(
        id="em_1.0",
        message_id="em_1",
        project="p",
        state=state,
        due_at=None,
        expires_at=1.0,
        created_at=0.0,
        updated_at=2.0,
    )


@pytest.mark.parametrize(
    ("states", "state"),
    [
        ([S.SENT], S.SENT),
        ([S.SENT, S.FAILED], S.FAILED),
        ([S.SENT, S.HELD, S.FAILED], S.HELD),
        ([S.HELD, S.QUEUED], S.QUEUED),
        ([S.QUEUED, S.SENDING], S.SENDING),
        ([S.SENDING, S.UNCERTAIN], S.UNCERTAIN),
        ([S.SENT, S.CANCELLED], S.CANCELLED),
    ],
)
def test_a_mail_is_in_the_least_final_state_of_its_deliveries(states, state):
    assert state_of(map(delivery, states)) is state
    assert state_of(map(delivery, reversed(states))) is state


def test_recipients_are_told_with_their_fate():
    statuses = [
        RecipientStatus(state=RecipientState.BOUNCED, reason="hard: invalid_recipient", at=1_800_000_001.0),
        RecipientStatus(state=RecipientState.SENT),
    ]
    view = render_message(MESSAGE, [delivery(S.SENT)], [], statuses, None)
    assert view["recipients"] == [
        {
            "email": "bob@example.org",
            "name": "",
            "kind": "to",
            "state": "bounced",
            "reason": "hard: invalid_recipient",
            "told_at": "2027-01-15T08:00:01.000Z",
        },
        {"email": "c@example.org", "name": "", "kind": "bcc", "state": "sent", "reason": "", "told_at": None},
    ]


def test_an_event_is_a_cloudevent_whose_sequence_orders_as_text():
    event = Event(
        id="e1",
        type=EventType.SENT,
        at=1_800_000_000.25,
        project="p",
        message_id="em_1",
        delivery_id="em_1.0",
        account="first",
        data={"number": 1},
    )
    assert render_event(Recorded(9, event)) == {
        "specversion": "1.0",
        "id": "e1",
        "source": "/everpost",
        "type": "dev.everpost.email.sent",
        "subject": "em_1",
        "time": "2027-01-15T08:00:00.250Z",
        "datacontenttype": "application/json",
        "sequence": "00000000000000000009",
        "data": {"project": "p", "message_id": "em_1", "delivery_id": "em_1.0", "account": "first", "number": 1},
    }
    assert render_event(Recorded(9, event))["sequence"] < render_event(Recorded(10, event))["sequence"]


def test_instants_in_the_data_of_an_event_are_told_as_all_others_are():
    data = {"until_at": 1_800_000_000.25, "send_at": 0, "resolved_at": None, "retry_after_s": 1.5, "format": "_at"}
    event = Event(id="e1", type=EventType.DEFERRED, at=0.0, project="p", data=data)
    assert render_event(Recorded(1, event))["data"] == {
        "project": "p",
        "until_at": "2027-01-15T08:00:00.250Z",
        "send_at": "1970-01-01T00:00:00.000Z",
        "resolved_at": None,
        "retry_after_s": 1.5,
        "format": "_at",
    }


def test_instants_are_told_to_the_millisecond():
    assert instant(0) == "1970-01-01T00:00:00.000Z"
    assert instant(MESSAGE.created_at) == "2027-01-15T08:00:00.500Z"
