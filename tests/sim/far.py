"""A store that lies across a network: its operations take several requests, and a node may die between any two of them.

What it has written is seen where it is written, in the model of DynamoDB: who asked for it may be dead by then.
"""

import random
from base64 import b64decode
from collections.abc import Callable, Sequence
from typing import Any

from dynamodb_kit import store_over
from dynamodb_model import Done, DynamoModel, Trouble
from everpost.core.recipients import PREFIX
from everpost.model.change import Change
from everpost.store.dynamodb import DynamoStore
from everpost.store.dynamodb.attributes import Item, decoded
from everpost.store.dynamodb.items import to_delivery, to_head
from everpost.store.dynamodb.keys import CONFIG, DELIVERY, EVENTS, HEAD
from everpost.store.dynamodb.outbox import to_events
from everpost.store.port import Store
from sim import extremes
from sim.sights import CURSOR
from sim.world import World

SHARDS = 2  # enough to be spread; each is asked whenever somebody looks for work
LATENCY_S = 0.02
TROUBLE_MAX = 0.03  # share of the requests that one kind of trouble strikes
LAG_S = 3.0  # of the indexes, at most


class FarStore(DynamoStore):
    """`model` is where its table lies."""

    model: DynamoModel


def far_store(clock: Callable[[], float], world: World) -> FarStore:
    """With troubles of its own, drawn from the plan's seed."""
    rng = random.Random(f"dynamodb {world.plan.seed}")
    drawn = {kind: rng.choice((0.0, TROUBLE_MAX * rng.random())) for kind in _KINDS}
    latency_s = 0.0 if extremes.NO_TIME in world.plan.extremes else LATENCY_S
    trouble = Trouble(**drawn, index_lag_s=rng.choice((0.0, LAG_S)), latency_s=latency_s)
    model = DynamoModel(rng, clock, trouble)
    model.watch = _Watch(world)
    world.sees_writes = True
    return _over(model, clock)


_KINDS = ("throttled", "conflict", "unsent", "unheard", "failing", "unprocessed")


def still(store: Store) -> Store:
    """The store as it is at this moment, to be looked at at leisure."""
    return _over(store.model.still(), store.model.now) if isinstance(store, FarStore) else store


def _over(model: DynamoModel, clock: Callable[[], float]) -> FarStore:
    store = store_over(model, clock, shards=SHARDS, kind=FarStore)
    store.model = model
    return store


class _Watch:
    """Tells the witness of what was written in one step."""

    def __init__(self, world: World) -> None:
        self._world = world

    def __call__(self, writes: Sequence[Done]) -> None:
        put = [decoded(request["Item"]) for verb, request in writes if verb == "Put"]
        deliveries = [item for item in put if item["sk"].startswith(DELIVERY)]
        events = [event for item in put if item["sk"].startswith(EVENTS) for event in to_events(item)]
        heads = [item for item in put if item["sk"] == HEAD]
        if heads:
            self._world.witness.accepted(to_head(heads[0]), list(map(to_delivery, deliveries)), events, ())
        else:
            self._changes(writes, events)
        for item in put:
            self._suppression(item)
            self._cursor(item)
        for verb, request in writes:
            if verb == "Update":
                self._answer(request)

    def _changes(self, writes: Sequence[Done], events: Sequence[Any]) -> None:
        for verb, request in writes:
            if verb == "Put" and request["Item"]["sk"]["S"].startswith(DELIVERY):
                delivery = to_delivery(decoded(request["Item"]))
                own = tuple(event for event in events if event.delivery_id == delivery.id)
                events = [event for event in events if event not in own]
                was = int(request["ExpressionAttributeValues"][":was"]["N"])
                self._world.witness.changed(Change(delivery=delivery, was=was, events=own))
        for event in events:
            if event.type.startswith(PREFIX):
                self._world.witness.noted(event)

    def _cursor(self, item: Item) -> None:
        if item["pk"] == CONFIG and item["sk"].startswith(CURSOR):
            self._world.cursor_written(int(item["value"]))

    def _suppression(self, item: Item) -> None:
        if item["pk"].startswith("x#"):
            self._world.suppressed_at.setdefault((item["project"], item["address"]), self._world.loop.time())

    def _answer(self, request: Any) -> None:
        key, values = request["Key"], request.get("ExpressionAttributeValues", {})
        if ":answer" in values:
            told = b64decode(values[":answer"]["B"])
            self._world.answers.setdefault((key["sk"]["S"], key["pk"]["S"].removeprefix("k#")), told)
