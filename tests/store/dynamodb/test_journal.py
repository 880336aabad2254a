"""How events get their numbers, and how they are read: many, late, and past their time."""

import asyncio
from random import Random

import pytest

from dynamodb_kit import model_store
from dynamodb_model import Trouble
from everpost.model.delivery import DeliveryState
from everpost.model.event import EventType
from everpost.store.dynamodb.keys import BUCKET_EVENTS, JOURNAL_HEAD, page_key
from everpost.store.port import New
from store_values import NOW, accept, begun, change, delivery, event, message, system_event


async def told(store, after=0, limit=10_000, **narrowed):
    return [one.event.id for one in await store.read_events(after, limit, **narrowed)]


async def test_more_events_than_a_bucket_holds_are_numbered_without_gap_and_read_in_pages_of_any_size(clock):
    store, model = model_store(clock)
    number = BUCKET_EVENTS - 30
    await store.record([system_event("first")])
    await store.read_events(0, 1)
    model.partitions["journal"]["head"]["next"] = {"N": str(number)}
    ids = [str(number) for number in range(100)]
    await store.record([system_event(id_) for id_ in ids])
    every = await store.read_events(number - 1, 1000)
    assert [one.seq for one in every] == list(range(number, number + 100))
    for size in (1, 7, 64):
        read = []
        while page := await store.read_events(read[-1].seq if read else number - 1, size):
            assert len(page) <= size
            read += page
        assert read == every


async def test_a_large_accept_is_numbered_whole(clock):
    store, _ = model_store(clock)
    of = message()
    ones = [delivery(of, position) for position in range(30)]
    events = [event(one, id=f"{one.id}/{number}") for one in ones for number in range(10)]
    assert await store.accept(of, ones, events, None, 9e9) == New()
    assert await told(store) == [one.id for one in events]


@pytest.mark.parametrize("seed", range(10))
async def test_events_of_a_delivery_keep_their_order_whatever_the_index_shows_and_the_clocks_say(clock, seed):
    """The index shows writes late; each is made by a process whose clock is off."""
    rng = Random(seed)
    store, model = model_store(clock, seed=seed, trouble=Trouble(index_lag_s=5.0))
    others = [model_store(clock, seed=100 * seed + number)[0] for number in range(1, 4)]
    for other in others:  # processes of their own, at the same table
        other._table._client._transport = model
    (one,) = await accept(store)
    written = [f"{one.id}:0"]
    for number in range(20):
        clock.now = NOW + rng.uniform(-60, 60)
        changed = change(one, rng.choice([DeliveryState.QUEUED, DeliveryState.SENDING]))
        assert await rng.choice(others).advance([changed]) == ["done"]
        one = changed.delivery
        written.append(changed.events[0].id)
        if rng.random() < 0.3:
            await rng.choice(others).read_events(0, 3)
        assert [one.event.id for one in (await store.get_message("shop", message().id)).events] == written
        assert number >= 0
    clock.now = NOW + 1000
    assert await told(store) == written
    assert (await store.counts()).accepted == 1


async def test_the_events_of_one_message_have_their_numbers_even_if_no_index_shows_them(clock):
    store, _ = model_store(clock, trouble=Trouble(index_lag_s=1e9))
    await begun(store, message(1))
    assert await store.read_events(0, 10) == []  # of all: when the index shows them
    of_message = await store.read_events(0, 10, message_id=message(1).id)
    assert [one.seq for one in of_message] == [1, 2]
    assert await store.read_events(0, 10) == of_message


async def test_the_events_of_one_message_do_not_wait_for_those_of_all_others(clock):
    store, _ = model_store(clock)
    await store.record([system_event(str(number)) for number in range(200)])
    clock.now = NOW + 10
    await accept(store, message(1))
    assert await told(store, message_id=message(1).id) == [f"{message(1).id}.0:0"]
    assert len(await store.read_events(0, 1000)) == 201


async def test_of_two_who_number_at_once_one_gives_way(clock):
    store, _ = model_store(clock)
    await store.record([system_event(str(number)) for number in range(200)])
    readers = await asyncio.gather(*(store.read_events(0, 1000) for _ in range(5)))
    every = await store.read_events(0, 1000)
    assert [one.seq for one in every] == list(range(1, 201))
    assert all(seen == every[: len(seen)] for seen in readers)


async def test_who_has_seen_an_old_head_gives_way_even_if_nobody_has_touched_the_same_events(clock):
    store, _ = model_store(clock, trouble=Trouble(index_lag_s=1e9))
    for number in (1, 3):
        await accept(store, message(number))
    await begun(store, message(2))
    await store.read_events(0, 10, message_id=message(3).id)
    head, others = store._sequencer.head, []

    async def overtaken():
        seen = await head()
        if not others:
            others.append(None)
            others.extend(await store.read_events(0, 10, message_id=message(2).id))
        return seen

    store._sequencer.head = overtaken
    [one] = await store.read_events(0, 10, message_id=message(1).id)
    assert [others[1].seq, others[2].seq, one.seq] == [2, 3, 4]
    assert (await store.counts()).accepted == 3


async def test_pages_that_have_outlived_their_time_are_passed_over_and_not_looked_for_again(clock):
    store, model = model_store(clock)
    for some in range(0, 2 * BUCKET_EVENTS + 100, 100):
        await store.record([system_event(str(some + number)) for number in range(100)])
        await store.read_events(some, 100)
    for number in range(BUCKET_EVENTS):  # DynamoDB deletes them
        model.partitions[page_key(number).pk].pop(page_key(number).sk, None)
    left = await store.read_events(0, 10_000)
    assert [one.seq for one in left] == list(range(BUCKET_EVENTS, 2 * BUCKET_EVENTS + 101))
    assert model.partitions[JOURNAL_HEAD.pk][JOURNAL_HEAD.sk]["oldest"] == {"N": "1"}
    model.partitions.pop(page_key(BUCKET_EVENTS).pk)
    assert [one.seq for one in await store.read_events(5, 10)] == list(range(2 * BUCKET_EVENTS, 2 * BUCKET_EVENTS + 10))


async def test_counts_follow_each_delivery_through_its_states(clock):
    store, _ = model_store(clock)
    of = message()
    ones = await accept(store, of, deliveries=[delivery(of, position) for position in range(3)])
    sending = [change(one) for one in ones]
    await store.begin(sending)
    await store.counts()
    await store.advance([change(sending[0].delivery, DeliveryState.SENT, EventType.SENT)])
    await store.advance([change(sending[1].delivery, DeliveryState.UNCERTAIN, EventType.UNCERTAIN)])
    by_state = (await store.counts()).by_state
    assert {state: count for state, count in by_state.items() if count} == {"sent": 1, "uncertain": 1, "sending": 1}
