"""What is taken out of a mail is gone, whenever the process that takes it out may die."""

from random import Random

from dynamodb_kit import client_over, store_over
from dynamodb_model import DynamoModel
from everpost.model.delivery import DeliveryState
from everpost.model.message import Address
from everpost.model.suppression import Suppression
from store_values import NOW, accept, bounds, change, key, message, system_event

BOB, EVE = Address("canary@example.org", "Canary"), Address("eve@example.net", "Eve")
TOKEN = "0123@erased.invalid"


class Dead(Exception):
    """The process has ended."""


class Dying:
    """A transport that carries so many requests."""

    def __init__(self, model, requests):
        self.rng = model.rng
        self._model = model
        self._left = requests

    async def __call__(self, request, seconds):
        if not self._left:
            raise Dead
        self._left -= 1
        return await self._model(request, seconds)


async def filled(clock):
    """Two mails to somebody who wants to be forgotten, one of them to somebody else as well."""
    model = DynamoModel(Random(1), clock)
    store = store_over(model, clock)
    for number, to in enumerate(((BOB,), (BOB, EVE)), 1):
        of = message(number, to=to, text="canary", subject="canary", metadata={"name": "canary"})
        (one,) = await accept(store, of, key(f"k{number}"))
        await store.advance([change(one, DeliveryState.SENT)])
        await store.answer("shop:send", f"k{number}", b"sent to canary@example.org")
    await store.suppress([Suppression(project="shop", address=BOB.email, reason="r", created_at=NOW)], [])
    return model


async def erase(store, event="erased"):
    event = system_event(event, data={"by": "key-1"})
    return await store.erase("shop", BOB.email, TOKEN, event, 100)


async def purge(store):
    return await store.purge(bounds(0.0, 0.0, bodies=NOW + 9, addresses=NOW + 9), 100)


async def dying_after(model, clock, requests, work):
    """What the work comes to in a process that dies after so many requests."""
    store = store_over(model, clock)
    table = store._table
    table._client = client_over(Dying(model, requests), clock)
    return await work(store)


async def lives(clock, work):
    """The table after each death, and what is left to do then; until there was none."""
    requests = 0
    while True:
        model = await filled(clock)
        try:
            await dying_after(model, clock, requests, work)
        except Dead:
            yield model
        else:
            return
        requests += 1


def holds_canary(model):
    items = [(pk, sk, item) for pk, items in model.partitions.items() for sk, item in items.items()]
    return "canary" in repr(items).lower() or any("content" in item for _, _, item in items)


async def test_an_erasure_that_died_at_any_request_is_finished_by_the_next_one(clock):
    deaths = 0
    async for model in lives(clock, erase):
        deaths += 1
        store = store_over(model, clock)
        await erase(store, "erased again")
        assert not holds_canary(model)
        told = [one.event for one in await store.read_events(0, 99) if one.event.id.startswith("erased")]
        assert sum(event.data["messages"] for event in told) >= 2
        assert await store.suppressed("shop", [BOB.email])
        left = (await store.get_message("shop", message(2).id)).message
        assert left.to == (Address(TOKEN), EVE)
        assert (await store.find_key("shop:send", "k1", b"f")).answer is None
    assert deaths > 10


async def test_a_purge_of_parts_that_died_at_any_request_is_finished_by_the_next_one(clock):
    deaths = 0
    async for model in lives(clock, purge):
        deaths += 1
        store = store_over(model, clock)
        await purge(store)
        await store.unsuppress("shop", [BOB.email], [])
        assert not holds_canary(model)
        assert await purge(store) == 0
    assert deaths > 10
