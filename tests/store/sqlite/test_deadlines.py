"""A message whose caller has stopped waiting is taken back."""

import apsw
import pytest

from everpost.model.delivery import DeliveryState
from everpost.model.event import EventType
from everpost.store.port import AcceptOverrun, New, Same, StoreUnavailable, Written
from faulty_disk import faulty_disk
from sqlite_stores import opened
from store_values import NOW, Clock, accept, begun, change, delivery, key, message


async def test_a_message_that_is_durable_too_late_is_undone(path):
    clock = Clock()
    async with opened(path, clock=clock) as store:
        store._writer.connection.set_commit_hook(lambda: bool(clock.set(NOW + 60)))
        with pytest.raises(AcceptOverrun, match="undone"):
            await accept(store, message(1), key(), not_after=NOW + 9)

        stored = await store.get_message("shop", message(1).id)
        assert [(one.state, one.due_at) for one in stored.deliveries] == [(DeliveryState.CANCELLED, None)]
        assert "too late" in stored.deliveries[0].reason
        assert [one.event.type for one in stored.events] == [EventType.ACCEPTED, EventType.CANCELLED]
        assert (await store.claim_due(NOW + 9999, 60.0, 10)).claimed == ()
        assert await accept(store, message(2), key(), not_after=NOW + 99)  # the key is free


async def test_a_late_message_with_an_attempt_that_nobody_has_made_is_undone_too(path):
    clock, of = Clock(), message(1)
    async with opened(path, clock=clock) as store:
        store._writer.connection.set_commit_hook(lambda: bool(clock.set(NOW + 60)))
        with pytest.raises(AcceptOverrun, match="undone"):
            await begun(store, of, key(), not_after=NOW + 9)
        stored = await store.get_message("shop", of.id)
        assert [one.state for one in stored.deliveries] == [DeliveryState.CANCELLED]
        assert await accept(store, message(2), key(), not_after=NOW + 99)  # the key is free


async def test_a_late_message_whose_attempt_another_process_asks_about_is_accepted(path):
    clock, of = Clock(), message()
    async with opened(path, clock=clock) as store, opened(path, inline=True) as other:

        def take_up_elsewhere(*_):
            clock.now = NOW + 60
            if not taken:
                with pytest.raises(StopIteration) as end:
                    other.claim_due(NOW + 60, 15.0, 1).send(None)
                taken.extend(end.value.value.claimed)
            return apsw.SQLITE_OK

        taken = []
        store._writer.connection.set_wal_hook(take_up_elsewhere)
        assert await begun(store, of, not_after=NOW + 9) == New()
        assert await store.find_delivery(taken[0].delivery.id) == taken[0].delivery


async def test_a_late_message_that_another_process_has_told_of_is_accepted(path):
    """Its key came again: who was told that it is the same mail relies on it."""
    clock, of = Clock(), message()
    async with opened(path, clock=clock) as store, opened(path, inline=True) as other:

        def tell_elsewhere(*_):
            clock.now = NOW + 60
            if not told:
                told.append(of.id)
                with pytest.raises(StopIteration) as end:
                    other.vouch("shop:send", "k", of.id).send(None)
                told.append(end.value.value)
            return apsw.SQLITE_OK

        told = []
        store._writer.connection.set_wal_hook(tell_elsewhere)
        assert await store.accept(of, [delivery(of)], [], key(), NOW + 9) == New()
        assert told == [of.id, True]
        assert await store.find_delivery(delivery(of).id) == delivery(of)


async def test_a_late_repetition_is_still_the_same(path):
    clock = Clock()
    async with opened(path, clock=clock) as store:
        (one,) = await accept(store, message(1), key())
        store._writer.connection.set_commit_hook(lambda: bool(clock.set(NOW + 60)))
        again = await store.accept(message(2), [delivery(message(2))], [], key(), NOW + 9)
        assert again == Same(message_id=message(1).id, running_until=None, answer=None)
        assert await store.find_delivery(one.id) == one


async def test_a_late_message_that_another_process_has_begun_to_send_is_accepted(path):
    clock, of = Clock(), message()
    async with opened(path, clock=clock) as store, opened(path, inline=True) as other:

        def begin_elsewhere(*_):
            clock.now = NOW + 60
            if not begun:
                begun.append(change(delivery(of)))
                with pytest.raises(StopIteration) as end:
                    other.begin(begun).send(None)
                assert end.value.value == [Written.DONE]
            return apsw.SQLITE_OK

        begun = []
        store._writer.connection.set_wal_hook(begin_elsewhere)
        assert await store.accept(of, [delivery(of)], [], key(), NOW + 9) == New()
        assert await store.find_delivery(delivery(of).id) == begun[0].delivery


async def test_a_late_message_that_cannot_be_undone_is_no_overrun(path):
    clock = Clock()
    with faulty_disk() as disk:
        async with opened(path, clock=clock) as store:

            def fail_from_now_on(*_):
                clock.now = NOW + 60
                disk.failing = {"sync"}
                return apsw.SQLITE_OK

            store._writer.connection.set_wal_hook(fail_from_now_on)
            with pytest.raises(StoreUnavailable, match="not undone") as caught:
                await accept(store, message(1), key(), not_after=NOW + 9)
            disk.failing = frozenset()
            assert not isinstance(caught.value, AcceptOverrun)
