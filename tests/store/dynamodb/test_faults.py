"""What DynamoDB refuses, what it leaves undone, and answers that are lost: over real sockets, before a real table."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from dynamodb_kit import model_store, real_store
from dynamodb_model import Trouble
from dynamodb_proxy import LOSE, PASS, REFUSE, harmed
from everpost.model.change import Usage
from everpost.model.delivery import DeliveryState
from everpost.model.event import EventType
from everpost.store.port import AcceptOverrun, New, Same, StoreUnavailable, Written
from store_values import LATE, NOW, accept, begun, change, charge, delivery, key, message, system_event


@asynccontextmanager
async def harmed_store(aws, clock, harm):
    async with harmed(aws, harm) as server, real_store(server.url, clock) as store:
        yield store, server


def every_other(fate, operation):
    """The first request for it meets this, and each second one after it."""
    return lambda name, before: fate if name == operation and before % 2 == 0 else PASS


async def everything(store):
    """One mail through all that it may meet; returns what is told of it."""
    assert await begun(store, message(1), claim=key(), charges=[charge(2)]) == New()
    assert await accept(store, message(2))
    one = change(delivery(message(1))).delivery
    assert await store.advance([change(one, DeliveryState.SENT, EventType.SENT)]) == [Written.DONE]
    [claimed] = (await store.claim_due(NOW + 5, 60.0, 10)).claimed
    assert await store.begin([change(claimed.delivery)]) == [Written.DONE]
    await store.record([system_event("a")])
    assert (await store.write_config("route/a", b"1", 0)).version == 1
    stored = await store.get_message("shop", message(1).id)
    return [one.event.type for one in stored.events], [one.event.id for one in await store.read_events(0, 100)]


WRITES = ("TransactWriteItems", "BatchWriteItem", "PutItem", "UpdateItem")
READS = ("GetItem", "BatchGetItem", "Query")


@pytest.mark.parametrize("operation", [*WRITES, *READS])
async def test_a_throttled_request_is_made_again(aws, clock, operation):
    async with harmed_store(aws, clock, every_other(REFUSE, operation)) as (store, _):
        types, ids = await everything(store)
    assert types == [EventType.ACCEPTED, EventType.ATTEMPTED, EventType.SENT]
    assert len(ids) == len(set(ids)) == 6


@pytest.mark.parametrize("operation", ["TransactWriteItems", "BatchWriteItem", *READS])
async def test_what_was_done_while_its_answer_was_lost_is_not_done_twice(aws, clock, operation):
    async with harmed_store(aws, clock, every_other(LOSE, operation)) as (store, _):
        types, ids = await everything(store)
        assert await store.usage() == {("one", "day"): Usage(NOW, 2)}
        assert (await store.counts()).accepted == 2
    assert types == [EventType.ACCEPTED, EventType.ATTEMPTED, EventType.SENT]
    assert len(ids) == len(set(ids)) == 6


async def test_a_claim_whose_answer_was_lost_comes_again_when_its_lease_ends(aws, clock):
    async with harmed_store(aws, clock, lambda name, before: LOSE if name == "UpdateItem" and not before else PASS) as (
        store,
        _,
    ):
        await accept(store)
        assert (await store.claim_due(NOW + 5, 60.0, 10)).claimed == ()
        [claimed] = (await store.claim_due(NOW + 65, 60.0, 10)).claimed
    assert claimed.delivery.version == 2


async def test_an_accept_whose_answer_is_lost_until_its_time_is_over_is_undone(aws, clock):
    lost = asyncio.Event()

    def harm(operation, before):
        if operation != "TransactWriteItems" or lost.is_set():
            return PASS
        if before == 2:  # the time of the accept is over by then
            clock.now = NOW + 9
            lost.set()
        return LOSE

    async with harmed_store(aws, clock, harm) as (store, _):
        with pytest.raises(AcceptOverrun, match="undone"):
            await accept(store, claim=key(), not_after=NOW + 8)
        stored = await store.get_message("shop", message().id)
        assert [one.state for one in stored.deliveries] == [DeliveryState.CANCELLED]
        assert await accept(store, message(2), key(), not_after=LATE)  # the key is free


async def test_who_is_throttled_for_too_long_is_told_so(aws, clock):
    async with harmed_store(aws, clock, lambda name, _: REFUSE if name == "TransactWriteItems" else PASS) as (store, _):
        with pytest.raises(StoreUnavailable, match="ThrottlingException"):
            await accept(store, not_after=NOW + 2)
        assert await store.get_message("shop", message().id) is None


@pytest.mark.parametrize(
    "trouble",
    [
        Trouble(unprocessed=0.5),
        Trouble(conflict=0.5),
        Trouble(failing=0.3),
        Trouble(throttled=0.3, unheard=0.3, unsent=0.3),
    ],
)
@pytest.mark.parametrize("seed", range(8))
async def test_trouble_changes_nothing_of_what_was_promised(clock, trouble, seed, monkeypatch):
    monkeypatch.setattr("everpost.aws.client.PAUSE_S", 0.0)
    store, model = model_store(clock, seed=seed, trouble=trouble)
    ones = [await begun(store, message(number), claim=key(str(number)), charges=[charge(1, 99)]) for number in range(8)]
    assert ones == [New()] * 8
    again = await store.accept(message(9), (delivery(message(9)),), (), key("3"), LATE)
    assert again == Same(message_id=message(3).id, running_until=None, answer=None)
    sent = [
        change(change(delivery(message(number))).delivery, DeliveryState.SENT, EventType.SENT) for number in range(8)
    ]
    assert await store.advance(sent) == [Written.DONE] * 8
    recorded = await store.read_events(0, 100)
    assert [one.seq for one in recorded] == list(range(1, 25))
    assert len({one.event.id for one in recorded}) == 24
    counts = await store.counts()
    assert (counts.accepted, counts.by_state["sent"]) == (8, 8)
    assert (await store.usage())["one", "day"].used >= 8  # never less than what was used
    assert sum(model.struck.values()) > 0
