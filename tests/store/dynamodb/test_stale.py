"""The indexes lag behind the table: what they show is a hint and nothing more."""

from dynamodb_kit import model_store
from dynamodb_model import Trouble
from everpost.model.delivery import DeliveryState
from everpost.model.event import EventType
from store_values import LATE, NOW, accept, bounds, change, delivery, key, message

LAG = Trouble(index_lag_s=3600.0)


async def stale_store(clock):
    """One mail that the indexes show as it was accepted, and not what comes after it."""
    store, model = model_store(clock)
    (one,) = await accept(store, message(1), key())
    await store.claim_due(0.0, 1.0, 1)  # the index has caught up
    model.trouble = LAG
    model.rng.random = lambda: 0.999
    return store, one


async def test_what_another_one_has_claimed_is_not_claimed_again(clock):
    store, _ = await stale_store(clock)
    assert len((await store.claim_due(NOW + 5, 60.0, 10)).claimed) == 1
    again = await store.claim_due(NOW + 6, 60.0, 10)
    assert again.claimed == ()
    assert (await store.find_delivery(delivery(message(1)).id)).version == 1


async def test_what_has_ended_is_not_claimed(clock):
    store, one = await stale_store(clock)
    await store.advance([change(one, DeliveryState.SENT, EventType.SENT)])
    assert (await store.claim_due(NOW + 5, 60.0, 10)).claimed == ()
    assert (await store.find_delivery(one.id)).state is DeliveryState.SENT


async def test_a_purge_deletes_nothing_that_has_gone_on_and_no_key_that_was_taken_anew(clock):
    store, model = model_store(clock)
    (one,) = await accept(store, message(1), key())
    sent = change(one, DeliveryState.SENT, EventType.SENT)
    await store.advance([sent])
    await store.claim_due(0.0, 1.0, 1)
    await store.counts()
    model.trouble = LAG
    model.rng.random = lambda: 0.999
    assert await store.purge(bounds(NOW, NOW + 3), 10) == 1  # the key
    await accept(store, message(5), key())
    assert await store.purge(bounds(NOW, NOW + 3), 10) == 0
    assert (await store.find_key("shop:send", "k", b"f")).message_id == message(5).id
    assert await store.purge(bounds(LATE, NOW), 10) == 1
    assert await store.purge(bounds(LATE, NOW), 10) == 0


async def test_a_message_is_purged_when_the_last_of_its_deliveries_has_ended(clock):
    store, _ = model_store(clock)
    of = message(1)
    ones = await accept(store, of, deliveries=[delivery(of, position) for position in range(2)])
    await store.advance([change(ones[0], DeliveryState.SENT, EventType.SENT)])
    assert await store.purge(bounds(LATE, NOW), 10) == 0
    await store.advance([change(ones[1], DeliveryState.HELD, EventType.HELD)])
    assert await store.purge(bounds(LATE, NOW), 10) == 1
    assert await store.get_message("shop", of.id) is None
