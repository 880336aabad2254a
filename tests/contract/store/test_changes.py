"""What a store promises of changes of deliveries."""

from collections import Counter

import pytest
from msgspec.structs import replace

from everpost.model.change import Usage
from everpost.model.delivery import DeliveryState
from everpost.model.event import EventType
from everpost.store.port import (
    Claim,
    Filter,
    Written,
)
from store_values import (
    NOW,
    accept,
    change,
    charge,
    delivery,
    event,
    message,
)


async def test_a_change_writes_the_state_and_its_events(store):
    (one,) = await accept(store)
    begun = change(one, tried=("one",), attempts=1, started_at=NOW + 2, deadline_at=NOW + 97, due_at=NOW + 107)
    assert await store.begin([begun]) == [Written.DONE]
    sent = change(begun.delivery, DeliveryState.SENT, EventType.SENT, provider_message_id="p-1", reason="")
    assert await store.advance([sent]) == [Written.DONE]

    stored = await store.get_message("shop", one.message_id)

    assert stored.deliveries == (sent.delivery,)
    assert [recorded.event for recorded in stored.events] == [event(one), *begun.events, *sent.events]
    assert await store.claim_due(NOW + 9999, 60.0, 10) == Claim((), None)


@pytest.mark.parametrize("write", ["begin", "advance"])
async def test_a_writer_that_lost_its_lease_changes_nothing(store, write):
    (one,) = await accept(store)
    await store.claim_due(NOW + 5, 60.0, 10)
    results = await getattr(store, write)([change(one, charges=[charge()])])
    assert results == [Written.FENCED]
    assert (await store.find_delivery(one.id)).state is DeliveryState.QUEUED
    assert await store.usage() == {}
    assert [recorded.event for recorded in await store.read_events(0, 10)] == [event(one)]


async def test_what_is_held_may_go_back_into_the_queue(store):
    (one,) = await accept(store)
    held = change(one, DeliveryState.HELD, EventType.HELD)
    again = change(held.delivery, DeliveryState.QUEUED, EventType.RESOLVED, due_at=NOW + 9)
    assert await store.advance([held, again]) == [Written.DONE, Written.DONE]
    assert (await store.counts()).by_state["held"] == 0
    [claimed] = (await store.claim_due(NOW + 10, 60.0, 10)).claimed
    assert claimed.delivery.id == one.id
    assert await store.list_messages(Filter(project="shop", state=DeliveryState.HELD), None, 10) == []


async def test_changes_in_a_list_hold_or_fail_each_for_itself(store):
    ones = [(await accept(store, message(number)))[0] for number in (1, 2, 3)]
    results = await store.begin([change(ones[0]), change(replace(ones[1], version=7)), change(ones[2])])
    assert results == [Written.DONE, Written.FENCED, Written.DONE]
    states = [(await store.find_delivery(one.id)).state for one in ones]
    assert states == [DeliveryState.SENDING, DeliveryState.QUEUED, DeliveryState.SENDING]


async def test_two_changes_of_one_delivery_in_a_list_follow_each_other(store):
    (one,) = await accept(store)
    begun = change(one)
    results = await store.advance([begun, begun, change(begun.delivery, DeliveryState.SENT, EventType.SENT)])
    assert results == [Written.DONE, Written.FENCED, Written.DONE]
    assert (await store.find_delivery(one.id)).state is DeliveryState.SENT


async def test_a_change_of_an_unknown_delivery_is_fenced(store):
    assert await store.advance([change(delivery(message()))]) == [Written.FENCED]
    assert await store.advance([change(delivery(message(), id="no position"))]) == [Written.FENCED]


async def test_a_charge_that_does_not_fit_leaves_no_trace(store):
    ones = [(await accept(store, message(number)))[0] for number in (1, 2)]
    fits = change(ones[0], charges=[charge(8), charge(8, 100, unit="month")])
    too_much = change(ones[1], charges=[charge(8, 100, unit="month"), charge(3)])

    assert await store.begin([fits, too_much]) == [Written.DONE, Written.OVER_QUOTA]

    assert await store.usage() == {("one", "day"): Usage(NOW, 8), ("one", "month"): Usage(NOW, 8)}
    assert (await store.find_delivery(ones[1].id)) == ones[1]
    assert len(await store.read_events(0, 10)) == 3


async def test_a_quota_can_be_used_up_to_its_last_unit(store):
    ones = [(await accept(store, message(number)))[0] for number in range(1, 5)]
    results = await store.begin([change(one, charges=[charge(1, 3)]) for one in ones])
    # Which of them goes without is not promised: a store may write them at the same time.
    assert Counter(results) == {Written.DONE: 3, Written.OVER_QUOTA: 1}


async def test_a_new_window_starts_afresh_and_a_late_charge_counts_in_the_newest(store):
    ones = [(await accept(store, message(number)))[0] for number in range(1, 5)]
    windows = [(NOW, 10), (NOW + 60, 4), (NOW, 6), (NOW, 1)]
    results = [
        (await store.begin([change(one, charges=[charge(amount, window_at=at)])]))[0]
        for one, (at, amount) in zip(ones, windows, strict=True)
    ]
    assert results == [Written.DONE, Written.DONE, Written.DONE, Written.OVER_QUOTA]
    assert await store.usage() == {("one", "day"): Usage(NOW + 60, 10)}


async def test_a_lost_lease_is_told_before_a_lack_of_quota(store):
    (one,) = await accept(store)
    stale = change(replace(one, version=7), charges=[charge(99)])
    assert await store.begin([stale]) == [Written.FENCED]
