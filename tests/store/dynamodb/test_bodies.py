"""Contents of any size: in the table, in S3, or refused with a reason."""

import pytest

from aws_kit import client_of
from dynamodb_kit import large_message, new_table, real_store
from everpost.aws import AwsError
from everpost.engine.wire import NetworkWire
from everpost.model.delivery import DeliveryState
from everpost.model.event import EventType
from everpost.model.limits import ANSWER_BODY_BYTES_MAX
from everpost.model.message import Address, without_content
from everpost.store.dynamodb.bodies import ITEM_BYTES_MAX, Bodies
from everpost.store.port import Filter, StoreUnavailable
from scripted_server import settled
from store_values import LATE, NOW, accept, bounds, change, key, message, system_event


@pytest.fixture
async def client(aws):
    wire = NetworkWire()
    yield client_of(wire, aws)
    await wire.close()
    await settled()


@pytest.fixture
async def bucket(aws):
    return await new_table(aws)


@pytest.mark.parametrize("size", [1, ITEM_BYTES_MAX - 1000, ITEM_BYTES_MAX, 500_000, 2 * ANSWER_BODY_BYTES_MAX + 1])
async def test_a_content_of_any_size_comes_back_as_it_was(aws, size):
    of = large_message(size)
    async with real_store(aws, lambda: NOW) as store:
        await accept(store, of)
        [claimed] = (await store.claim_due(LATE, 15.0, 1)).claimed
    assert claimed.message == of


async def test_a_mail_to_as_many_as_one_may_write_to_is_stored_whole(aws):
    to = tuple(
        Address(f"somebody.{number}@a-rather-long-domain.example.org", f"Body {number}") for number in range(1000)
    )
    of = message(1, to=to, headers={f"X-{number}": f"{number}" * 100 for number in range(100)})
    async with real_store(aws, lambda: NOW) as store:
        await accept(store, of)
        [claimed] = (await store.claim_due(LATE, 15.0, 1)).claimed
        [listed] = await store.list_messages(Filter(project="shop", recipient=to[777].email), None, 10)
        stored = await store.get_message("shop", of.id)
    assert claimed.message == of
    assert listed.message == stored.message == without_content(of)


@pytest.mark.parametrize("way", ["message", "bodies", "erased"])
async def test_a_content_that_no_item_holds_lies_in_the_bucket_and_goes_with_its_message(
    aws, client, bucket, monkeypatch, way
):
    named = []
    fetch = Bodies._fetch

    async def noted(self, head):
        named.append(head["object"])
        return await fetch(self, head)

    monkeypatch.setattr(Bodies, "_fetch", noted)
    async with real_store(aws, lambda: NOW, name=bucket) as store:
        (one,) = await accept(store, large_message())
        await store.claim_due(LATE, 15.0, 1)
        assert await client.get_object(bucket, named[0])
        leased = await store.find_delivery(one.id)
        await store.advance([change(leased, DeliveryState.SENT, EventType.SENT)])
        if way == "erased":
            [address] = large_message().to
            assert await store.erase("shop", address.email, "t@erased.invalid", system_event("e"), 10) == 1
        else:
            gone = bounds(LATE, NOW) if way == "message" else bounds(0.0, NOW, bodies=LATE)
            assert await store.purge(gone, 10) == 1
    with pytest.raises(AwsError, match="NoSuchKey"):
        await client.get_object(bucket, named[0])


async def test_without_a_bucket_a_large_content_is_refused_and_one_is_told_what_to_set(aws, client):
    async with real_store(aws, lambda: NOW) as store:
        store._accepting._bodies = Bodies(client, None)
        with pytest.raises(StoreUnavailable, match="bodies=BUCKET"):
            await accept(store, large_message(), key())
        assert await store.get_message("shop", large_message().id) is None
        assert await accept(store, message(2), key())


async def test_a_mail_whose_content_can_not_be_had_does_not_stop_the_queue(aws, client):
    async with real_store(aws, lambda: NOW) as store:
        await accept(store, large_message())
        await accept(store, message(2))
        store._claims._bodies = Bodies(client, None)
        claim = await store.claim_due(LATE, 15.0, 10)
    assert [claimed.message for claimed in claim.claimed] == [message(2)]
