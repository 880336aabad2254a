"""What a store promises of messages and idempotency keys."""

import asyncio

import pytest
from msgspec.structs import replace

from everpost.model.change import Usage
from everpost.model.delivery import DeliveryState
from everpost.model.event import EventType
from everpost.model.message import Address, Attachment, OnUnknown, Origin, without_content
from everpost.model.suppression import Suppression
from everpost.store.port import (
    AcceptOverrun,
    Bounds,
    Conflict,
    Filter,
    New,
    Same,
    StoreUnavailable,
    Unbegun,
)
from store_values import (
    LATE,
    NOW,
    accept,
    begun,
    change,
    charge,
    delivery,
    event,
    key,
    message,
)


async def test_what_was_accepted_is_read_back_as_it_was_given(store):
    full = message(
        cc=(Address("ann@example.org"),),
        bcc=(Address("ann@example.net", "Ann"),),
        reply_to=(Address("ann@example.com"),),
        html="<p>It works</p>",
        attachments=(Attachment(filename="a.bin", content_type="x/y", content=bytes(range(256)), content_id="c1"),),
        headers={"X-Order": "7"},
        tags=("invoice", "eu"),
        metadata={"order": "7"},
        send_at=NOW + 60.125,
        expires_at=NOW + 900.5,
        on_unknown=OnUnknown.HOLD,
        resolve_within_s=12.5,
        provider_options={"sendgrid": {"ip_pool_name": "a", "n": [1, 2.5, None]}},
        origin=Origin(request="r1", trace="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
    )
    one = delivery(full, account="one", started_at=NOW, deadline_at=NOW + 95.5, tried=("one", "zwölf"), refused=("x",))
    told = event(one, data={"recipients": 3, "why": "because", "parts": [1, "two", None]})
    await store.accept(full, (one, delivery(full, 1)), (told,), None, LATE)

    stored = await store.get_message("shop", full.id)

    assert stored.message == without_content(full)
    assert stored.deliveries == (one, delivery(full, 1))
    assert [recorded.event for recorded in stored.events] == [told]


async def test_a_large_mail_is_claimed_whole_and_shown_without_its_content(store):
    attachment = Attachment(filename="a.bin", content_type="x/y", content=bytes(3_000_000))
    full = message(html="<p>It works</p>", attachments=(attachment,))
    await accept(store, full)
    claim = await store.claim_due(LATE, 15.0, 1)
    assert claim.claimed[0].message == full
    [listed] = await store.list_messages(Filter(project="shop"), None, 10)
    for shown in (listed, await store.get_message("shop", full.id)):
        assert shown.message == without_content(full)


async def test_a_message_is_shown_to_its_own_project_only(store):
    await accept(store)
    assert await store.get_message("other", message().id) is None
    assert await store.get_message("shop", message(2).id) is None


async def test_the_first_use_of_a_key_is_new_and_its_repetition_the_same(store):
    await accept(store, message(1), key(running_until=NOW + 30))

    again = await store.accept(message(2), (delivery(message(2)),), (), key(running_until=NOW + 99), LATE)

    assert again == Same(message_id=message(1).id, running_until=NOW + 30, answer=None)
    assert await store.get_message("shop", message(2).id) is None


async def test_a_key_used_for_another_body_is_a_conflict(store):
    await accept(store, message(1), key(fingerprint=b"one"))
    again = await store.accept(message(2), (delivery(message(2)),), (), key(fingerprint=b"two"), LATE)
    assert again == Conflict(message(1).id)
    assert await store.get_message("shop", message(2).id) is None


async def test_a_key_can_be_looked_up_without_using_it(store):
    assert await store.find_key("shop:send", "k", b"f") is None
    await accept(store, message(1), key(running_until=NOW + 30))
    await store.answer("shop:send", "k", b"the answer")
    same = Same(message_id=message(1).id, running_until=NOW + 30, answer=b"the answer")
    assert await store.find_key("shop:send", "k", b"f") == same
    assert await store.find_key("shop:send", "k", b"g") == Conflict(message(1).id)
    assert await store.find_key("shop:send", "other", b"f") is None
    assert await store.find_key("other:send", "k", b"f") is None
    assert await accept(store, message(2), key("other"))  # looking has not taken it


async def test_only_the_message_of_a_key_can_be_vouched_for(store):
    assert not await store.vouch("shop:send", "k", message(1).id)
    await accept(store, message(1), key())
    assert await store.vouch("shop:send", "k", message(1).id)
    assert await store.vouch("shop:send", "k", message(1).id)
    assert not await store.vouch("shop:send", "k", message(2).id)
    assert not await store.vouch("other:send", "k", message(1).id)
    assert await store.find_key("shop:send", "k", b"f") == Same(
        message_id=message(1).id, running_until=None, answer=None
    )


async def test_a_key_is_given_up_by_a_message_from_before_the_time_that_is_asked_for(store):
    await accept(store, message(1), key(running_until=NOW + 30))
    await store.answer("shop:send", "k", b"the answer")
    await store.vouch("shop:send", "k", message(1).id)
    made = message(1).created_at

    assert isinstance(await begun(store, message(2), key(since=made)), Same)
    assert await store.find_key("shop:send", "k", b"f", made + 0.5) is None
    assert await begun(store, message(2), key(since=made + 0.5)) == New()

    assert await store.find_key("shop:send", "k", b"f") == Same(
        message_id=message(2).id, running_until=None, answer=None
    )
    assert isinstance(await store.find_key("shop:send", "k", b"f", message(2).created_at), Same)
    assert not await store.vouch("shop:send", "k", message(1).id)
    assert await store.vouch("shop:send", "k", message(2).id)
    assert (await store.counts()).accepted == 2


async def test_a_key_that_was_given_up_goes_with_its_new_message(store):
    await accept(store, message(1), key())
    await accept(store, message(2), key("other"))
    await accept(store, message(3), key(since=message(2).created_at))
    bounds = Bounds(messages=0.0, keys=message(2).created_at + 0.5)
    await store.purge(bounds, 100)
    assert await store.find_key("shop:send", "other", b"f") is None
    assert isinstance(await store.find_key("shop:send", "k", b"f"), Same)
    await store.purge(Bounds(messages=0.0, keys=message(3).created_at + 0.5), 100)
    assert await store.find_key("shop:send", "k", b"f") is None


async def test_a_key_of_before_for_another_body_is_given_up_too(store):
    await accept(store, message(1), key(fingerprint=b"one"))
    late = message(1).created_at + 0.5
    assert await begun(store, message(2), key(fingerprint=b"two", since=late)) == New()
    assert await begun(store, message(3), key(fingerprint=b"one", since=late)) == Conflict(message(2).id)


async def test_of_simultaneous_uses_of_a_key_that_is_given_up_one_wins(store):
    await accept(store, message(1), key())
    results = await asyncio.gather(
        *(begun(store, message(n), key(since=message(1).created_at + 0.5)) for n in range(2, 12))
    )
    assert results.count(New()) == 1
    [winner] = {result.message_id for result in results if result != New()}
    assert (await store.find_key("shop:send", "k", b"f")).message_id == winner
    assert (await store.counts()).accepted == 2


async def test_messages_of_one_moment_that_want_a_key_of_later_are_stored_or_told_of_another(store):
    late = message(9).created_at
    results = await asyncio.gather(*(begun(store, message(n), key(since=late)) for n in range(1, 5)))
    assert (await store.counts()).accepted == results.count(New()) >= 1


async def test_the_same_key_in_another_scope_is_another_key(store):
    await accept(store, message(1), key())
    elsewhere = replace(key(), scope="other:send")
    assert await store.accept(message(2), (delivery(message(2)),), (), elsewhere, LATE) == New()


async def test_of_simultaneous_uses_of_a_key_one_wins(store):
    results = await asyncio.gather(
        *(store.accept(message(n), (delivery(message(n)),), (), key(), LATE) for n in range(1, 21))
    )
    assert results.count(New()) == 1
    assert (await store.counts()).accepted == 1


@pytest.mark.parametrize("answer", [b"the answer", b""])
async def test_a_kept_answer_is_given_to_repetitions(store, answer):
    await accept(store, message(1), key(running_until=NOW + 30))
    await store.answer("shop:send", "k", answer)
    await store.answer("shop:send", "unknown", b"nobody asked")
    again = await store.accept(message(2), (delivery(message(2)),), (), key(), LATE)
    assert again.answer == answer


async def test_an_accept_whose_deadline_has_passed_is_not_begun(store, clock):
    clock.now = NOW + 10
    with pytest.raises(AcceptOverrun):
        await accept(store, claim=key(), not_after=NOW + 9)
    assert await store.get_message("shop", message().id) is None
    assert await accept(store, claim=key())  # the key is free


async def test_a_message_id_that_is_taken_is_refused_and_harms_nothing(store):
    await accept(store, message(1, subject="first"))
    with pytest.raises(StoreUnavailable, match="is taken"):
        await accept(store, message(1, subject="second"), key())
    stored = await store.get_message("shop", message(1).id)
    assert stored.message.subject == "first"
    assert len(stored.events) == 1
    assert await accept(store, message(2), key())  # the key is free


# --- with the first attempt ------------------------------------------------------------------------------------------


async def test_a_message_can_come_with_its_first_attempt_and_what_that_costs(store):
    assert await begun(store, message(1), charges=[charge(2)]) == New()
    one = change(delivery(message(1))).delivery
    assert await store.find_delivery(one.id) == one
    stored = await store.get_message("shop", message(1).id)
    assert [recorded.event.type for recorded in stored.events] == [EventType.ACCEPTED, EventType.ATTEMPTED]
    assert await store.usage() == {("one", "day"): Usage(NOW, 2)}
    assert (await store.counts()).by_state["sending"] == 1
    assert await store.advance([change(one, DeliveryState.SENT, EventType.SENT)]) == ["done"]


@pytest.mark.parametrize("address", ["bob@example.org", "carol@example.net"])
async def test_a_message_with_a_suppressed_recipient_is_not_stored_with_an_attempt(store, address):
    await store.suppress([Suppression(project="shop", address=address, reason="bounced", created_at=NOW)], [])
    of = message(1, cc=(Address("Carol@Example.net"),))
    assert await begun(store, of, claim=key(), charges=[charge()]) == Unbegun()
    assert await store.get_message("shop", of.id) is None
    assert await store.read_events(0, 10) == []
    assert await store.usage() == {}
    assert await accept(store, of, key())  # without one it is stored, and the key was free


async def test_a_suppression_of_another_project_stops_nothing(store):
    row = Suppression(project="other", address="bob@example.org", reason="bounced", created_at=NOW)
    await store.suppress([row], [])
    assert await begun(store, message(1)) == New()


async def test_a_message_whose_attempt_a_quota_forbids_is_not_stored(store):
    assert await begun(store, message(1), charges=[charge(9)]) == New()
    assert await begun(store, message(2), claim=key(), charges=[charge(1, unit="month"), charge(2)]) == Unbegun()
    assert await store.get_message("shop", message(2).id) is None
    assert await store.usage() == {("one", "day"): Usage(NOW, 9)}
    assert await begun(store, message(2), claim=key(), charges=[charge(1)]) == New()


async def test_a_key_that_was_used_before_is_told_even_if_no_attempt_may_be_made(store):
    await accept(store, message(1), key())
    row = Suppression(project="shop", address="bob@example.org", reason="bounced", created_at=NOW)
    await store.suppress([row], [])
    again = await begun(store, message(2), claim=key(), charges=[charge(99)])
    assert again == Same(message_id=message(1).id, running_until=None, answer=None)
