"""What a store promises of counts and of the purge."""

from everpost.model.delivery import DeliveryState
from everpost.store.port import (
    Filter,
)
from store_values import (
    LATE,
    NOW,
    accept,
    bounds,
    change,
    delivery,
    key,
    message,
    system_event,
)


async def listed(store, **conditions):
    page = await store.list_messages(Filter(project="shop", **conditions), None, 10)
    return [int(stored.message.created_at - NOW) for stored in page]


async def test_every_delivery_is_counted_in_exactly_one_state(store):
    for number, state in enumerate((*DeliveryState, DeliveryState.SENT), 1):
        (one,) = await accept(store, message(number))
        if state is not DeliveryState.QUEUED:
            await store.advance([change(one, state)])
    counts = await store.counts()
    assert counts.by_state == dict.fromkeys(DeliveryState, 1) | {"sent": 2}
    assert counts.accepted == 8
    assert counts.oldest_due_at == NOW + 1


async def test_an_empty_store_counts_nothing(store):
    counts = await store.counts()
    assert (counts.accepted, counts.oldest_due_at) == (0, None)
    assert counts.by_state == dict.fromkeys(DeliveryState, 0)


async def test_a_purge_deletes_old_final_messages_with_all_that_belongs_to_them(store):
    ones = [(await accept(store, message(number, tags=("a",))))[0] for number in (1, 2, 3)]
    await store.advance([change(ones[0], DeliveryState.SENT), change(ones[2], DeliveryState.SENT)])

    assert await store.purge(bounds(NOW + 3, NOW), 100) == 1

    assert await store.get_message("shop", ones[0].message_id) is None
    assert await store.find_delivery(ones[0].id) is None
    assert await store.read_events(0, 10, message_id=ones[0].message_id) == []
    assert (
        await listed(store)
        == await listed(store, tag="a")
        == await listed(store, recipient="bob@example.org")
        == [3, 2]
    )
    counts = await store.counts()
    assert counts.accepted == sum(counts.by_state.values()) == 2


async def test_a_purge_goes_in_steps_and_says_when_it_is_done(store):
    ones = [(await accept(store, message(number)))[0] for number in range(1, 6)]
    await store.advance([change(one, DeliveryState.FAILED) for one in ones])
    assert [await store.purge(bounds(NOW + 99, NOW), 2) for _ in range(4)] == [2, 2, 1, 0]


async def test_a_purged_key_is_free_again_and_its_message_stays(store):
    await accept(store, message(1), key("old"))
    await accept(store, message(5), key("young"))
    assert await store.purge(bounds(NOW, NOW + 5), 100) == 1
    assert await accept(store, message(6), key("old"))
    same = await store.accept(message(7), (delivery(message(7)),), (), key("young"), LATE)
    assert same.message_id == message(5).id
    assert await store.get_message("shop", message(1).id) is not None


async def test_numbers_of_purged_events_do_not_come_again(store):
    (one,) = await accept(store)
    await store.advance([change(one, DeliveryState.SENT)])
    cursor = (await store.read_events(0, 10))[-1].seq
    await store.purge(bounds(NOW + 99, NOW), 10)
    await store.record([system_event("a")])
    assert [recorded.event.id for recorded in await store.read_events(cursor, 10)] == ["a"]
