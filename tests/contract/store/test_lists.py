"""What a store promises of lists."""

import pytest
from msgspec.structs import replace

from everpost.model.delivery import DeliveryState
from everpost.model.event import EventType
from everpost.model.message import Address
from everpost.store.port import (
    Filter,
    Written,
)
from store_values import (
    NOW,
    accept,
    attachment,
    change,
    delivery,
    message,
)


@pytest.fixture
async def mails(store):
    """Six mails of one project, told apart in each respect that a filter knows, and one of another."""
    rows = [
        ("bob@example.org", ("a",), DeliveryState.QUEUED, None),
        ("Bob@Example.org", ("b",), DeliveryState.SENDING, "one"),
        ("ann@example.org", ("a", "b"), DeliveryState.SENT, "one"),
        ("bob@example.org", ("a",), DeliveryState.FAILED, "two"),
        ("ann@example.org", (), DeliveryState.UNCERTAIN, "two"),
        ("bob@example.org", ("a",), DeliveryState.HELD, "one"),
    ]
    for number, (address, tags, state, account) in enumerate(rows, 1):
        of = message(number, to=(Address(address), Address("bob@example.com")), tags=tags)
        (one,) = await accept(store, of)
        if state is not DeliveryState.QUEUED:
            assert await store.advance([change(one, state, account=account)]) == [Written.DONE]
    await accept(store, message(7, project="other", tags=("a",)))


async def listed(store, before=None, limit=10, **conditions):
    page = await store.list_messages(Filter(project="shop", **conditions), before, limit)
    return [int(stored.message.created_at - NOW) for stored in page]


async def test_a_message_is_read_whole_by_its_project_alone(store):
    of = message(
        1, html="<p>x</p>", attachments=(attachment("a.bin"), replace(attachment("x"), content=b"x", stored_as=None))
    )
    await accept(store, of)
    assert await store.read_message("shop", of.id) == of
    assert (await store.get_message("shop", of.id)).message.text is None
    assert await store.read_message("other", of.id) is None
    assert await store.read_message("shop", message(2).id) is None


@pytest.mark.usefixtures("mails")
@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ({}, [6, 5, 4, 3, 2, 1]),
        ({"state": DeliveryState.QUEUED}, [1]),
        ({"state": DeliveryState.SENDING}, [2]),
        ({"state": DeliveryState.SENT}, [3]),
        ({"state": DeliveryState.FAILED}, [4]),
        ({"state": DeliveryState.UNCERTAIN}, [5]),
        ({"state": DeliveryState.HELD}, [6]),
        ({"state": DeliveryState.CANCELLED}, []),
        ({"recipient": "BOB@example.ORG"}, [6, 4, 2, 1]),
        ({"recipient": "bob@example.com"}, [6, 5, 4, 3, 2, 1]),
        ({"tag": "a"}, [6, 4, 3, 1]),
        ({"tag": "A"}, []),
        ({"account": "one"}, [6, 3, 2]),
        ({"created_from": NOW + 3, "created_before": NOW + 5}, [4, 3]),
        ({"created_from": NOW + 99}, []),
        ({"created_before": -1.0}, []),
        ({"recipient": "bob@example.org", "tag": "a"}, [6, 4, 1]),
        ({"recipient": "bob@example.org", "state": DeliveryState.HELD}, [6]),
        ({"tag": "b", "account": "one"}, [3, 2]),
        ({"tag": "b", "state": DeliveryState.SENT, "account": "one"}, [3]),
        ({"state": DeliveryState.HELD, "account": "two"}, []),
        ({"state": DeliveryState.SENDING, "account": "one", "created_from": NOW + 2}, [2]),
        ({"recipient": "bob@example.org", "tag": "a", "account": "two", "created_before": NOW + 5}, [4]),
    ],
)
async def test_a_list_is_narrowed_by_all_given_conditions_newest_first(store, conditions, expected):
    assert await listed(store, **conditions) == expected


@pytest.mark.usefixtures("mails")
@pytest.mark.parametrize("conditions", [{}, {"recipient": "bob@example.com"}, {"tag": "a"}, {"account": "one"}])
async def test_pages_follow_each_other_without_gap_or_repetition(store, conditions):
    every = await listed(store, **conditions)
    paged, before = [], None
    while page := await store.list_messages(Filter(project="shop", **conditions), before, 2):
        paged += [int(stored.message.created_at - NOW) for stored in page]
        before = page[-1].message.id
    assert paged == every


async def test_a_message_of_several_deliveries_is_listed_once_with_all_of_them(store):
    of = message()
    ones = await accept(store, of, deliveries=[delivery(of, position) for position in range(3)])
    await store.advance([change(one, DeliveryState.FAILED, EventType.FAILED) for one in ones[:2]])
    [stored] = await store.list_messages(Filter(project="shop", state=DeliveryState.FAILED), None, 10)
    assert [one.state.value for one in stored.deliveries] == ["failed", "failed", "queued"]
    types = [recorded.event.type for recorded in stored.events]
    assert types == [EventType.ACCEPTED] * 3 + [EventType.FAILED] * 2


async def test_state_and_account_are_asked_of_the_same_delivery(store):
    of = message()
    ones = await accept(store, of, deliveries=[delivery(of, position) for position in range(2)])
    await store.advance(
        [change(ones[0], DeliveryState.FAILED, account="one"), change(ones[1], DeliveryState.SENT, account="two")]
    )
    assert await listed(store, state=DeliveryState.FAILED, account="one") == [1]
    assert await listed(store, state=DeliveryState.FAILED, account="two") == []


async def test_find_delivery_knows_deliveries_by_their_exact_id(store):
    (one,) = await accept(store)
    assert await store.find_delivery(one.id) == one
    for wrong in (one.message_id, f"{one.message_id}.1", f"{one.message_id}.00", f"{one.message_id}.99999999999", ""):
        assert await store.find_delivery(wrong) is None
