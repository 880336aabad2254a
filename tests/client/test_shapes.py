"""What the client says and reads is what the API takes and tells; and what is decided without a network."""

from typing import get_type_hints

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from everpost.client import Attempt, Delivery, Email, Event, Mail, NoAnswer, Patience, Recipient, Sent, Suppression
from everpost.client.calls import cancel, get
from everpost.client.mail import EmailFilter
from everpost.client.patience import PAUSE_S_MAX
from everpost.client.tries import Door, Pause, Tries
from everpost.dialects.native import schema, views

READ = {
    Recipient: views.RecipientView,
    Attempt: views.AttemptView,
    Delivery: views.DeliveryView,
    Sent: views.AcceptedView,
    Email: views.EmailView,
    Event: views.EventView,
    Suppression: views.SuppressionView,
}
SAID = {Mail: schema.EmailRequest, EmailFilter: schema.FilterObject}


@pytest.mark.parametrize("kind", READ)
def test_all_that_an_answer_tells_is_read(kind):
    assert {field.encode_name for field in msgspec.structs.fields(kind)} == set(get_type_hints(READ[kind]))


@pytest.mark.parametrize("kind", SAID)
def test_all_that_a_request_takes_can_be_said(kind):
    taken = {field.encode_name for field in msgspec.structs.fields(SAID[kind])}
    assert {name.rstrip("_") for name in get_type_hints(kind)} == taken


@given(
    failures=st.integers(1, 2000),
    asked_s=st.none() | st.floats(0, 1e6),
    left_s=st.floats(-10, 100),
    chance=st.floats(0, 1),
)
def test_a_pause_is_within_the_deadline_and_no_shorter_than_the_server_asks(failures, asked_s, left_s, chance):
    pause_s = Patience().pause_s(failures, asked_s, left_s, chance)
    if pause_s is None:
        assert left_s <= (PAUSE_S_MAX if asked_s is None else asked_s)
    else:
        assert max(asked_s or 0, 0) <= pause_s < left_s


def tried(call, answer, after_s=0.0):
    tries = Tries(call, Door(url="http://127.0.0.1", key=None), Patience(), now=0.0)
    return tries.take(answer, after_s, 0.5)


def test_what_was_never_begun_may_be_tried_again_whatever_it_is():
    assert isinstance(tried(cancel("em_1", ""), httpx.ConnectError("refused")), Pause)
    with pytest.raises(NoAnswer, match="ReadTimeout"):
        tried(cancel("em_1", ""), httpx.ReadTimeout(""))


def test_no_try_begins_after_the_deadline():
    lost = httpx.ReadError("reset")
    assert isinstance(tried(get("em_1"), lost, 29.0), Pause)
    with pytest.raises(NoAnswer, match="reset"):
        tried(get("em_1"), lost, 30.0)


def test_values_can_t_be_changed():
    assert all(kind.__struct_config__.frozen for kind in READ)
