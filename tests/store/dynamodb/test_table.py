"""What the store asks of its table, and what it writes there."""

import re

from dynamodb_kit import model_store, real_store
from dynamodb_proxy import PASS, harmed
from everpost.model.delivery import DeliveryState
from everpost.model.event import EventType
from everpost.model.limits import RESOLVE_WITHIN_S_MAX
from everpost.model.suppression import Suppression
from everpost.store.dynamodb import Keep
from everpost.store.dynamodb.keys import SHARDS, shard_of
from everpost.store.port import Filter
from store_values import LATE, NOW, accept, begun, bounds, change, charge, key, message, system_event

MAY = {  # what docs/aws.md says that a function must be allowed
    "BatchGetItem",
    "BatchWriteItem",
    "DeleteItem",
    "GetItem",
    "PutItem",
    "Query",
    "TransactWriteItems",
    "UpdateItem",
}


async def everything(store):
    """Every method of the port, once at least."""
    await begun(store, message(1), claim=key(), charges=[charge()])
    (two,) = await accept(store, message(2, tags=("a",)))
    await store.find_key("shop:send", "k", b"f")
    await store.answer("shop:send", "k", b"a")
    await store.claim_due(NOW + 5, 60.0, 10)
    leased = await store.find_delivery(two.id)
    await store.begin([change(leased, charges=[charge()])])
    await store.advance([change(await store.find_delivery(two.id), DeliveryState.HELD, EventType.HELD)])
    await store.record([system_event("a")])
    await store.get_message("shop", two.message_id)
    await store.list_messages(Filter(project="shop", tag="a"), None, 10)
    await store.read_events(0, 10)
    await store.usage()
    await store.write_config("a", b"1", None)
    await store.read_config("a")
    row = Suppression(project="shop", address="bob@example.org", reason="bounced", created_at=NOW)
    await store.suppress([row], [])
    await store.suppressed("shop", ["bob@example.org"])
    await store.unsuppress("shop", ["bob@example.org"], [])
    await store.counts()
    await store.purge(bounds(LATE, LATE), 10)


async def test_it_asks_for_no_more_than_it_is_said_to_and_never_scans(aws, clock):
    asked = set()

    def noted(operation, _before):
        asked.add(operation)
        return PASS

    async with harmed(aws, noted) as server, real_store(server.url, clock) as store:
        await everything(store)
    assert asked - {"CreateTable", "object"} == MAY


async def test_what_no_purge_has_got_to_goes_by_its_time_and_never_while_it_can_be_sent(clock):
    keep = Keep(messages_s=1000.0, keys_s=100.0, events_s=1000.0)
    store, model = model_store(clock, keep=keep)
    (one,) = await accept(store, message(1, tags=("a",)), key())
    await store.advance([change(one, DeliveryState.HELD, EventType.HELD)])
    await store.read_events(0, 10)
    ends = {
        re.sub(r"\W.*|\d", "", pk) + " " + re.sub(r"\W.*|\d", "", sk): float(item.get("expires_at", {}).get("N", "inf"))
        for pk, items in model.partitions.items()
        for sk, item in items.items()
    }
    last = one.expires_at + RESOLVE_WITHIN_S_MAX + 1000.0
    assert {place for place, at in ends.items() if at == float("inf")} == {"m h", "m d", "journal head"}
    assert ends["k shop"] == NOW + 1 + 100.0
    assert ends["m c"] == ends["m e"] == last
    assert all(at >= NOW + 1000.0 for place, at in ends.items() if place != "k shop")


def test_messages_are_spread_over_all_shards():
    shards = [shard_of(message(number).id, SHARDS) for number in range(800)]
    assert all(50 < shards.count(shard) < 200 for shard in range(SHARDS))
