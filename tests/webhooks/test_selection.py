"""Which events a webhook gets."""

import pytest

from everpost.model.event import Event, EventType
from everpost.model.webhook import Webhook
from everpost.webhooks.selection import concerns, has_tag, needs_tags

AT = 1_800_000_000.0


def webhook(**fields):
    return Webhook(**({"id": "wh_1", "project": "shop", "url": "", "created_at": AT, "changed_at": AT} | fields))


def event(**fields):
    usual = {"id": "e", "type": EventType.SENT, "at": AT, "project": "shop", "message_id": "em_1", "account": "a"}
    return Event(**(usual | fields))


ROWS = [
    ({}, {}, True),
    ({}, {"project": "shop2"}, False),
    ({"events": ("email.sent",)}, {}, True),
    ({"events": ("email.failed",)}, {}, False),
    ({"accounts": ("a", "b")}, {}, True),
    ({"accounts": ("b",)}, {}, False),
    ({"accounts": ("a",)}, {"account": None}, False),
    ({"tags": ("x",)}, {}, True),
    ({"tags": ("x",)}, {"message_id": None}, False),
    ({}, {"type": EventType.WEBHOOK_DISABLED, "data": {"webhook": "wh_1"}}, False),
    ({}, {"type": EventType.WEBHOOK_DISABLED, "data": {"webhook": "wh_2"}}, True),
]


@pytest.mark.parametrize(("of_webhook", "of_event", "expected"), ROWS)
def test_a_webhook_gets_what_it_is_for(of_webhook, of_event, expected):
    assert concerns(webhook(**of_webhook), event(**of_event)) is expected


def test_tags_are_looked_up_only_where_somebody_asks_for_them_and_the_event_has_none():
    assert not needs_tags(webhook(), event())
    assert needs_tags(webhook(tags=("x",)), event())
    assert not needs_tags(webhook(tags=("x",)), event(type=EventType.ACCEPTED))


@pytest.mark.parametrize(("tags", "expected"), [(["x", "y"], True), (("y",), False), (None, False), ([], False)])
def test_one_tag_of_a_mail_is_enough(tags, expected):
    assert has_tag(webhook(tags=("x", "z")), tags) is expected
    assert has_tag(webhook(), tags)
