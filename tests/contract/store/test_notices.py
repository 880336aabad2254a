"""What a store promises of what providers tell."""

import pytest

from everpost.model.delivery import DeliveryState
from everpost.model.event import EventType
from everpost.model.suppression import Suppression
from everpost.store.port import Bounds, Notice
from store_values import LATE, NOW, accept, change, delivery, event, message, system_event

BOB = Suppression(project="shop", address="bob@example.org", reason="hard bounce", created_at=NOW)


def notice(event_, **fields):
    return Notice(event=event_, **({"paper": b'{"event":"bounce"}'} | fields))


def told(of, id_):
    return event(delivery(of), EventType.ACCOUNT_OPENED, id=id_)


async def test_a_notice_is_stored_with_all_that_follows_from_it(store):
    await accept(store, message(1))
    one = notice(told(message(1), "hook:1"), suppressions=(BOB,), further=(system_event("added", project="shop"),))

    assert await store.note([one]) == [True]

    ids = {each.event.id for each in await store.read_events(0, 10)}
    assert {"hook:1", "added"} < ids
    assert await store.suppressed("shop", ["BOB@example.org"]) == [BOB]
    assert await store.paper("hook:1", message(1).id) == b'{"event":"bounce"}'


async def test_what_is_known_brings_nothing_about_again(store):
    await accept(store, message(1))
    bare = notice(told(message(1), "hook:1"), paper=b"first")
    assert await store.note([bare, bare]) == [True, False]

    again = notice(bare.event, paper=b"second", suppressions=(BOB,), further=(system_event("added"),))
    assert await store.note([again, notice(system_event("hook:2"))]) == [False, True]

    assert await store.suppressed("shop", [BOB.address]) == []
    assert await store.paper("hook:1", message(1).id) == b"first"
    assert [each.event.id for each in await store.read_events(0, 10)][1:] == ["hook:1", "hook:2"]


async def test_an_event_that_came_with_a_change_is_known_to_notices(store):
    (one,) = await accept(store, message(1))
    assert await store.note([notice(event(one))]) == [False]


async def test_a_notice_of_no_message_is_kept_by_itself(store):
    assert await store.note([notice(system_event("hook:1")), notice(system_event("hook:1"))]) == [True, False]
    assert await store.paper("hook:1", None) == b'{"event":"bounce"}'


async def test_what_came_without_a_paper_has_none(store):
    await store.note([notice(system_event("hook:1"), paper=b"")])
    await store.record([system_event("plain")])
    assert [await store.paper(id_, None) for id_ in ("hook:1", "plain", "unknown")] == [None, None, None]


@pytest.mark.parametrize("part", ["messages", "bodies", "addresses", "events", "erased"])
async def test_a_paper_goes_with_any_part_of_its_message(store, part):
    (one,) = await accept(store, message(1))
    await store.begin([change(one, DeliveryState.SENT, EventType.SENT)])
    await store.note([notice(told(message(1), "hook:1"))])
    if part == "erased":
        await store.erase("shop", "bob@example.org", "gone@erased.invalid", system_event("erased"), 10)
    else:
        limits = {"messages": 0.0, "keys": 0.0} | {part: LATE}
        assert await store.purge(Bounds(**limits), 10) == 1
    assert await store.paper("hook:1", message(1).id) is None


async def test_a_paper_of_a_message_of_which_nothing_goes_stays(store):
    (one,) = await accept(store, message(1))
    await store.begin([change(one, DeliveryState.SENT, EventType.SENT)])
    await store.note([notice(told(message(1), "hook:1")), notice(system_event("hook:2"))])
    assert await store.purge(Bounds(messages=NOW, keys=NOW, addresses=NOW, bodies=NOW, events=NOW), 10) == 0
    assert None not in [await store.paper("hook:1", message(1).id), await store.paper("hook:2", None)]


async def test_a_paper_of_no_message_goes_when_addresses_do(store, request):
    if "dynamodb" in request.node.callspec.id:
        return  # there, the time that is set for the item takes care
    await store.note([notice(system_event(f"hook:{number}", at=NOW + number)) for number in range(4)])
    await store.purge(Bounds(messages=NOW, keys=NOW, addresses=NOW + 3), 2)
    assert [await store.paper(f"hook:{number}", None) is None for number in range(4)] == [True, True, False, False]
    await store.purge(Bounds(messages=NOW, keys=NOW, addresses=NOW + 3), 2)
    assert [await store.paper(f"hook:{number}", None) is None for number in range(4)] == [True, True, True, False]
