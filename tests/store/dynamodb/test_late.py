"""Accepts that become durable after their time."""

import pytest

from dynamodb_kit import model_store
from dynamodb_model import Trouble
from everpost.aws import Lost
from everpost.model.delivery import DeliveryState
from everpost.store.port import AcceptOverrun, Filter, StoreUnavailable
from store_values import LATE, NOW, accept, delivery, key, message


def slow(model, clock, operation, seconds):
    """The next request of this kind takes so long."""
    carried = model._carried_out

    def late(target, request):
        if target.endswith(operation):
            clock.now += seconds
            model._carried_out = carried
        return carried(target, request)

    model._carried_out = late


async def test_what_is_durable_too_late_is_undone_and_its_key_is_free(clock):
    store, model = model_store(clock)
    slow(model, clock, "TransactWriteItems", 10)
    of = message()
    with pytest.raises(AcceptOverrun, match="undone"):
        await accept(store, of, key(), not_after=NOW + 5, deliveries=[delivery(of, position) for position in range(3)])
    stored = await store.get_message("shop", of.id)
    assert {one.state for one in stored.deliveries} == {DeliveryState.CANCELLED}
    assert len(stored.events) == 6
    assert (await store.counts()).by_state["cancelled"] == 3
    [listed] = await store.list_messages(Filter(project="shop", state=DeliveryState.CANCELLED), None, 10)
    assert listed.message.id == of.id
    assert await accept(store, message(2), key(), not_after=LATE)


async def test_what_a_repeated_request_was_told_of_is_not_undone(clock):
    store, model = model_store(clock)
    plain, told = model.__call__, []

    async def told_first(request, seconds):
        if b"attribute_not_exists(#is_told)" in request.body and not told:
            told.append(request)
            assert await store.vouch("shop:send", "k", message().id)
        return await plain(request, seconds)

    store._table._client._transport = told_first
    slow(model, clock, "TransactWriteItems", 10)
    assert await accept(store, claim=key(), not_after=NOW + 5)
    assert len(told) == 1
    [one] = (await store.get_message("shop", message().id)).deliveries
    assert one.state is DeliveryState.QUEUED


async def test_a_message_whose_transaction_was_done_and_never_answered_is_undone(clock):
    store, model = model_store(clock)

    async def unheard(request, seconds):
        answer = await model(request, seconds)
        is_accept = b'"sk":{"S":"h"}' in request.body and b"TransactItems" in request.body
        return Lost(maybe_sent=True, text="no answer") if is_accept else answer

    store._table._client._transport = unheard
    with pytest.raises(AcceptOverrun, match="answer was lost"):
        await accept(store, claim=key(), not_after=NOW + 1)
    [one] = (await store.get_message("shop", message().id)).deliveries
    assert one.state is DeliveryState.CANCELLED
    assert await store.find_key("shop:send", "k", b"f") is None


async def test_a_message_that_never_arrived_is_unknown_to_all_and_its_caller_is_told(clock):
    store, model = model_store(clock)

    async def unheard(request, seconds):
        if b"TransactItems" in request.body:
            return Lost(maybe_sent=True, text="no answer")
        return await model(request, seconds)

    store._table._client._transport = unheard
    with pytest.raises(StoreUnavailable, match="not undone: DynamoDB: Lost"):
        await accept(store, claim=key(), not_after=NOW + 1)
    assert await store.get_message("shop", message().id) is None


async def test_what_somebody_has_taken_up_meanwhile_stays(clock):
    store, model = model_store(clock)
    transact, taken = store._table.transact, []

    async def raced(writes, *within_s):
        await transact(writes, *within_s)
        if not taken:
            clock.now += 10
            taken.append(0)
            taken.extend((await store.claim_due(LATE, 60.0, 10)).claimed)

    store._table.transact = raced
    await accept(store, claim=key(), not_after=NOW + 5)
    assert len(taken) == 2
    assert (await store.find_delivery(delivery(message()).id)).state is DeliveryState.QUEUED
    assert await store.find_key("shop:send", "k", b"f") is not None
    assert model.partitions


async def test_an_accept_whose_preparations_took_too_long_leaves_nothing(clock):
    store, model = model_store(clock)
    slow(model, clock, "BatchWriteItem", 10)
    with pytest.raises(AcceptOverrun, match="not begun"):
        await accept(store, claim=key(), not_after=NOW + 5)
    assert not any(items for items in model.partitions.values())


async def test_a_table_that_leaves_the_preparations_undone_until_the_time_is_over_ends_the_accept_in_time(clock):
    store, model = model_store(clock, trouble=Trouble(throttled=1.0))
    with pytest.raises(AcceptOverrun, match="not begun"):
        await accept(store, claim=key(), not_after=NOW + 1)
    assert not any(items for items in model.partitions.values())
