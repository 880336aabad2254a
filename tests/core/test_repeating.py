"""What a webhook and a list without ids both tell stands on the trail once."""

import pytest
from msgspec.structs import replace

from everpost.core.repeating import unless_known, unless_told
from everpost.model.event import Event, EventType, Recorded

TOLD = Event(
    id="webhook:a:1",
    type=EventType.RECIPIENT_DEFERRED,
    at=1000.0,
    project="shop",
    message_id="em_1",
    delivery_id="em_1.0",
    account="a",
    data={"place": 0},
)
LISTED = replace(TOLD, id="webhook:a:digest", at=1001.0)
OTHERS = (
    replace(LISTED, data={"place": 1}),
    replace(LISTED, data={}),
    replace(LISTED, type=EventType.RECIPIENT_DELIVERED),
    replace(LISTED, account="b"),
    replace(LISTED, delivery_id="em_1.1"),
)


def trail(*events):
    return [Recorded(seq, event) for seq, event in enumerate(events, 1)]


def test_what_a_webhook_has_told_is_passed_over_when_it_is_listed():
    assert unless_known(LISTED, trail(TOLD)) is None


@pytest.mark.parametrize("other", OTHERS)
def test_another_fact_is_not_passed_over(other):
    assert unless_known(other, trail(TOLD)).data == other.data


def test_what_is_listed_again_is_passed_over():
    first = unless_known(LISTED, trail())
    assert unless_known(replace(LISTED, at=2000.0), trail(first)) is None


def test_two_processes_that_list_it_at_once_give_it_the_same_id():
    assert unless_known(LISTED, trail()).id == unless_known(replace(LISTED, id="webhook:a:other"), trail()).id


def test_what_a_list_has_told_is_passed_over_when_a_webhook_tells_it_after_all():
    assert unless_told(TOLD, trail(unless_known(LISTED, trail()))) is None


@pytest.mark.parametrize("other", OTHERS)
def test_what_a_list_has_told_hides_no_other_fact(other):
    assert unless_told(other, trail(unless_known(LISTED, trail()))) is other


def test_a_webhook_tells_of_each_deferral():
    again = replace(TOLD, id="webhook:a:2")
    assert unless_told(again, trail(TOLD)) is again


def test_nothing_is_kept_of_mail_that_is_not_known_here_if_it_has_no_id():
    unknown = replace(LISTED, message_id=None, delivery_id=None, project="")
    assert unless_known(unknown, trail()) is None
    assert unless_told(unknown, trail()) is unknown
