"""What a store promises of the queue."""

from msgspec.structs import replace

from everpost.store.port import (
    Claim,
    Claimed,
)
from store_values import (
    NOW,
    accept,
    delivery,
    message,
)


async def test_a_claim_takes_what_is_due_the_longest_due_first(store):
    for number, due_at in ((1, NOW + 30), (2, NOW + 10), (3, NOW + 20), (4, NOW + 99)):
        await accept(store, message(number), deliveries=(delivery(message(number), due_at=due_at),))

    claim = await store.claim_due(NOW + 50, 60.0, 10)

    assert [claimed.message for claimed in claim.claimed] == [message(2), message(3), message(1)]
    assert claim.next_due_at == NOW + 99


async def test_a_claim_raises_the_version_sets_the_lease_and_leaves_the_rest(store):
    (one,) = await accept(store)
    claim = await store.claim_due(NOW + 5, 60.0, 10)
    leased = replace(one, version=1, due_at=NOW + 65)
    assert claim == Claim((Claimed(leased, message()),), None)
    assert await store.find_delivery(one.id) == leased


async def test_a_claim_takes_no_more_than_there_is_room_for(store):
    for number in range(1, 6):
        await accept(store, message(number))
    first = await store.claim_due(NOW + 50, 60.0, 2)
    assert [claimed.message for claimed in first.claimed] == [message(1), message(2)]
    assert first.next_due_at == message(3).created_at
    assert await store.claim_due(NOW + 50, 60.0, 0) == Claim((), message(3).created_at)


async def test_of_one_instant_the_older_message_goes_first_and_positions_count_as_numbers(store):
    for number in (2, 1):
        of = message(number)
        await accept(store, of, deliveries=[delivery(of, position, due_at=NOW) for position in (10, 9)])
    claim = await store.claim_due(NOW, 60.0, 3)
    assert [claimed.delivery.id for claimed in claim.claimed] == [
        f"{message(1).id}.9",
        f"{message(1).id}.10",
        f"{message(2).id}.9",
    ]


async def test_a_lease_keeps_others_away_until_it_ends(store):
    await accept(store)
    await store.claim_due(NOW + 5, 60.0, 10)
    assert await store.claim_due(NOW + 64, 60.0, 10) == Claim((), NOW + 65)
    [again] = (await store.claim_due(NOW + 65, 60.0, 10)).claimed
    assert again.delivery.version == 2


async def test_an_empty_queue_is_never_due(store):
    assert await store.claim_due(NOW, 60.0, 10) == Claim((), None)
