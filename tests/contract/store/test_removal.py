"""What a store promises of parts of messages that are no longer kept, and of recipients that are erased."""

import pytest

from everpost.model.delivery import DeliveryState
from everpost.model.message import Address, Attachment, Removed
from everpost.model.removal import pseudonym
from everpost.model.suppression import Suppression
from everpost.store.port import Filter
from store_values import LATE, NOW, accept, attachment, begun, bounds, change, delivery, key, message, system_event

ALL = 100
TOKEN = "0123@erased.invalid"
BOB, EVE = Address("bob@example.org", "Bob"), Address("eve@example.net", "Eve")


def parts(**before):
    """Nothing but these parts goes."""
    return bounds(0.0, 0.0, **before)


async def sent(store, number=1, **fields):
    of = message(number, **fields)
    (one,) = await accept(store, of, fields.pop("claim", None))
    await store.advance([change(one, DeliveryState.SENT)])
    return of


async def stored(store, of):
    return (await store.get_message(of.project, of.id)).message


async def found(store, **conditions):
    listed = await store.list_messages(Filter(project="shop", **conditions), None, ALL)
    return [int(one.message.created_at - NOW) for one in listed]


async def erase(store, address, limit=ALL, project="shop", event="erased"):
    return await store.erase(project, address, TOKEN, system_event(event, project=project), limit)


async def test_contents_go_with_what_repeats_them_and_the_rest_of_a_message_stays(store):
    of = await sent(store, headers={"X-A": "b"}, metadata={"order": "7"}, provider_options={"mailgun": {"a": 1}})
    assert await store.purge(parts(bodies=NOW + 2), ALL) == 1
    left = await stored(store, of)
    assert (left.subject, left.headers, left.provider_options) == ("", {}, {})
    assert (left.to, left.metadata, left.removed) == (of.to, of.metadata, (Removed.CONTENT,))
    assert len(await store.read_events(0, 10, message_id=of.id)) == 2
    assert await store.purge(parts(bodies=NOW + 2), ALL) == 0


async def test_addresses_become_the_same_token_in_each_mail(store):
    first = await sent(store, 1, cc=(EVE,), reply_to=(EVE,), metadata={"name": "Bob"})
    second = await sent(store, 2, to=(Address("BOB@example.org"),))
    assert await store.purge(parts(addresses=NOW + 3), ALL) == 2
    bob, eve = (Address(pseudonym(b"salt", "shop", address.email)) for address in (BOB, EVE))
    left = await stored(store, first)
    assert (left.to, left.cc, left.reply_to, left.sender, left.metadata) == ((bob,), (eve,), (eve,), first.sender, {})
    assert (await stored(store, second)).to == (bob,)
    assert await found(store, recipient="bob@example.org") == []
    assert await found(store, recipient=bob.email) == [2, 1]


async def test_events_go_and_the_message_is_told_as_it_stands(store):
    of = await sent(store)
    await sent(store, 5)
    assert await store.purge(parts(events=NOW + 3), ALL) == 1
    left = await store.get_message("shop", of.id)
    assert (left.events, left.deliveries[0].state) == ((), DeliveryState.SENT)
    assert await store.read_events(0, 10, message_id=of.id) == []
    counts = await store.counts()
    assert (counts.accepted, counts.by_state["sent"]) == (2, 2)


@pytest.mark.parametrize("part", ["bodies", "addresses", "events"])
async def test_no_part_goes_of_a_message_that_is_not_final_nor_of_a_younger_one(store, part):
    (queued,) = await accept(store, message(1))
    await sent(store, 2)
    await sent(store, 9)
    assert await store.purge(parts(**{part: NOW + 5}), ALL) == 1
    [claimed] = (await store.claim_due(LATE, 5.0, 10)).claimed
    assert (claimed.delivery.id, claimed.message.text, claimed.message.to) == (queued.id, "It works, 1", message().to)
    assert await store.purge(parts(**{part: NOW + 5}), ALL) == 0
    await store.advance([change(claimed.delivery, DeliveryState.FAILED)])
    assert await store.purge(parts(**{part: NOW + 5}), ALL) == 1


@pytest.mark.parametrize("part", ["bodies", "addresses", "events"])
async def test_parts_go_in_steps_and_again_in_a_store_that_was_empty_meanwhile(store, part):
    for number in range(1, 6):
        await sent(store, number)
    assert [await store.purge(parts(**{part: NOW + 9}), 2) for _ in range(4)] == [2, 2, 1, 0]
    assert await store.purge(bounds(NOW + 9, 0.0), ALL) == 5
    await sent(store, 10)
    assert await store.purge(parts(**{part: NOW + 11}), ALL) == 1


async def test_parts_go_in_any_order_and_then_the_message(store):
    of = await sent(store)
    for part in ("events", "addresses", "bodies"):
        assert await store.purge(parts(**{part: NOW + 2}), ALL) == 1
    assert (await stored(store, of)).removed == (Removed.CONTENT, Removed.RECIPIENTS)
    assert await store.purge(bounds(NOW + 2, 0.0), ALL) == 1
    assert await found(store) == []


async def test_an_erased_recipient_is_a_token_and_the_others_stay(store):
    of = await sent(store, to=(BOB, EVE), cc=(Address("Bob@Example.org", "B."),), metadata={"name": "Bob"})
    assert await erase(store, "BOB@example.org") == 1
    left = await stored(store, of)
    assert (left.to, left.cc) == ((Address(TOKEN), EVE), (Address(TOKEN),))
    assert (left.subject, left.metadata, left.removed) == ("", {}, (Removed.CONTENT,))
    assert await found(store, recipient="bob@example.org") == []
    assert await found(store, recipient="eve@example.net") == await found(store, recipient=TOKEN) == [1]
    assert (await store.get_message("shop", of.id)).deliveries[0].state is DeliveryState.SENT


async def test_what_does_not_name_the_recipient_is_left_alone(store):
    other = await sent(store, 1, to=(EVE,))
    elsewhere = await sent(store, 2, project="bank")
    await sent(store, 3)
    before = [await stored(store, of) for of in (other, elsewhere)]
    assert await erase(store, "bob@example.org") == 1
    assert [await stored(store, of) for of in (other, elsewhere)] == before


async def test_a_recipient_is_not_erased_from_what_is_not_final(store):
    (queued,) = await accept(store, message(1))
    await sent(store, 2)
    assert await erase(store, "bob@example.org") == 1
    assert await found(store, recipient="bob@example.org") == [1]
    [claimed] = (await store.claim_due(LATE, 5.0, 10)).claimed
    assert (claimed.delivery.id, claimed.message.to) == (queued.id, (BOB,))


async def test_erasing_goes_in_steps_each_with_its_event(store):
    for number in range(1, 6):
        await sent(store, number)
    assert [await erase(store, "bob@example.org", 2, event=str(step)) for step in range(4)] == [2, 2, 1, 0]
    told = [one.event for one in await store.read_events(0, ALL) if one.event.message_id is None]
    assert [(event.id, event.data) for event in told] == [
        (str(step), {"messages": n}) for step, n in enumerate((2, 2, 1))
    ]


async def test_an_erased_address_stays_suppressed(store):
    row = Suppression(project="shop", address="bob@example.org", reason="complained", created_at=NOW)
    await store.suppress([row], [])
    assert await erase(store, "Bob@example.org") == 0
    assert await erase(store, "bob@example.org", event="again") == 0
    assert await store.suppressed("shop", ["BOB@example.org"]) == [row]
    assert type(await begun(store, message())).__name__ == "Unbegun"
    assert [one.event.id for one in await store.read_events(0, ALL)] == ["erased"]
    await store.unsuppress("shop", ["bob@example.org"], [])
    assert await store.suppressed("shop", ["bob@example.org"]) == []


@pytest.mark.parametrize("way", ["erase", "addresses", "messages"])
async def test_an_answer_goes_with_the_addresses_that_it_repeats_and_its_key_stays(store, way):
    (one,) = await accept(store, message(1), key("k"))
    await store.advance([change(one, DeliveryState.SENT)])
    await store.answer("shop:send", "k", b"sent to bob@example.org")
    if way == "erase":
        await erase(store, "bob@example.org")
    else:
        await store.purge(parts(addresses=NOW + 2) if way == "addresses" else bounds(NOW + 2, 0.0), ALL)
    same = await store.find_key("shop:send", "k", b"f")
    assert (same.message_id, same.answer) == (one.message_id, None)
    await store.answer("shop:send", "k", b"again")
    assert (await store.find_key("shop:send", "k", b"f")).answer == b"again"


@pytest.mark.parametrize("way", ["erase", "bodies", "messages"])
async def test_an_attachment_is_needed_as_long_as_one_message_holds_it(store, way):
    first = await sent(store, 1, attachments=(attachment("1/a"), attachment("1/b")))
    await sent(store, 5, to=(EVE,), attachments=(attachment("1/b"),))
    small = Attachment(filename="s.txt", content_type="text/plain", content=b"small")
    (queued,) = await accept(store, message(6, to=(EVE,), attachments=(small, attachment("1/c"))))
    assert await store.referenced(["1/a", "1/b", "1/c", "1/d"]) == {"1/a", "1/b", "1/c"}
    if way == "erase":
        await erase(store, "bob@example.org")
    else:
        await store.purge(parts(bodies=NOW + 3) if way == "bodies" else bounds(NOW + 3, 0.0), ALL)
    assert await store.referenced(["1/a", "1/b", "1/c", "1/d"]) == {"1/b", "1/c"}
    assert first.attachments[0].stored_as == "1/a"
    [claimed] = (await store.claim_due(LATE, 5.0, 10)).claimed
    assert (claimed.delivery.id, claimed.message.attachments) == (queued.id, (small, attachment("1/c")))


async def test_a_message_of_several_deliveries_waits_for_the_last_one(store):
    of = message()
    ones = await accept(store, of, deliveries=(delivery(of, 0), delivery(of, 1)))
    await store.advance([change(ones[0], DeliveryState.SENT)])
    assert await erase(store, "bob@example.org") == 0
    assert await store.purge(parts(bodies=LATE, addresses=LATE, events=LATE), ALL) == 0
    await store.advance([change(ones[1], DeliveryState.HELD)])
    assert await erase(store, "bob@example.org") == 1
    assert (
        await store.purge(parts(bodies=LATE, addresses=LATE, events=LATE), ALL) == 2
    )  # of the content nothing was left
