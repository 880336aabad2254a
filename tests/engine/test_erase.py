"""One recipient is taken out of everything that is kept."""

import pytest

from engine_kit import CALLER, LOST, SILENCE, TAKEN, World, accepted, barred, draft, elapse, later, many
from everpost.engine.accept import RUNNING_S_MAX
from everpost.engine.erase import Erased
from everpost.engine.housekeep import BATCH, EVERY_S
from everpost.engine.idempotency import Idempotency
from everpost.model.delivery import DeliveryState
from everpost.model.event import EventType
from everpost.model.key import Caller, Scope
from everpost.model.message import Address, Removed
from everpost.store.port import StoreUnavailable

BOB, EVE = Address("bob@example.org"), Address("eve@example.net")
STRANGER = Caller(project="blog", who="key-2", scope=Scope.ADMIN)


async def erase(engine, address="Bob@example.org", caller=CALLER, *, dry_run=False):
    return await engine.console.erase(caller, address, dry_run=dry_run)


async def kept(world, stored):
    return (await world.store.get_message("shop", stored.message.id)).message


def text_of(world):
    """Everything that the store holds."""
    target = world.store._target
    return repr([target._messages, target._trail._events, target._keys._uses, target._suppressions]).lower()


async def test_nothing_is_left_of_the_recipient_but_that_there_was_one(world):
    async with world.running() as engine:
        stored = await accepted(engine, to=(BOB, EVE), metadata={"name": "Bob"}, wait_s=5.0)
        await engine.console.suppressing.put(CALLER, [barred("bob@example.org", "complained")])
        assert "bob@" in text_of(world)
        assert await erase(engine) == Erased(messages=1, cancelled=0, suppressed=True)
        assert "bob" not in text_of(world)
        left = await kept(world, stored)
        assert left.to[1:] == (EVE,)
        assert left.to[0].email.endswith("@erased.invalid")
        assert (await world.delivery(stored)).state is DeliveryState.SENT
        [event] = await world.events(EventType.ADDRESS_ERASED)
        assert (event.project, event.data) == ("shop", {"by": "key-1", "messages": 1})


async def test_a_suppression_holds_after_its_address_was_erased(world):
    async with world.running() as engine:
        await engine.console.suppressing.put(CALLER, [barred("bob@example.org", "complained")])
        await erase(engine)
        await elapse(RUNNING_S_MAX)  # until then the first request might still be waiting
        again = await accepted(engine, to=(BOB,), wait_s=5.0)
        assert (await world.delivery(again)).state is DeliveryState.FAILED
        assert world.wire.sent == []


async def test_what_would_be_done_is_told_and_not_done(world):
    engine = world.engine()
    await many(engine, 3)
    await accepted(engine, to=(EVE,))
    assert await erase(engine, dry_run=True) == Erased(messages=3, cancelled=3, suppressed=False)
    assert (await world.store.counts()).by_state["queued"] == 4
    assert await world.events(EventType.ADDRESS_ERASED) == []


async def test_mail_that_waits_for_the_recipient_alone_is_cancelled_first(world):
    engine = world.engine()
    stored = await accepted(engine)
    assert await erase(engine) == Erased(messages=1, cancelled=1, suppressed=False)
    assert (await world.delivery(stored)).state is DeliveryState.CANCELLED
    [event] = await world.events(EventType.CANCELLED)
    assert event.data == {"by": "key-1"}
    assert "bob" not in text_of(world)


async def test_mail_that_waits_for_others_as_well_is_named_and_nothing_is_changed(world):
    engine = world.engine()
    alone, both = await accepted(engine), await accepted(engine, to=(BOB, EVE))
    problem = await erase(engine)
    assert (problem.code, problem.status) == ("recipient_busy", 409)
    assert both.message.id in problem.detail
    assert alone.message.id not in problem.detail
    assert (await world.delivery(alone)).state is DeliveryState.QUEUED
    await engine.desk.cancel(CALLER, both.message.id)
    assert (await erase(engine)).messages == 2


async def test_mail_that_is_on_its_way_is_named_and_nothing_is_changed(world):
    world.wire.script("a", later(TAKEN, 5.0))
    async with world.running() as engine:
        stored = await accepted(engine)
        await elapse(1.0)
        assert stored.message.id in (await erase(engine)).detail
        await world.ended(stored)
        assert (await erase(engine)).messages == 1


async def test_mail_that_nobody_can_tell_of_is_named():
    world = World("a")
    world.wire.script("a", LOST)
    world.wire.script_lookups("a", SILENCE)
    async with world.running() as engine:
        stored = await world.in_doubt(engine)
        assert stored.message.id in (await erase(engine)).detail


async def test_another_project_keeps_its_mail(world):
    async with world.running() as engine:
        stored = await accepted(engine, wait_s=5.0)
        assert await erase(engine, caller=STRANGER) == Erased(messages=0, cancelled=0, suppressed=False)
        assert (await kept(world, stored)).to == (BOB,)
        assert await world.events(EventType.ADDRESS_ERASED) == []


async def test_much_is_erased_in_steps_and_an_interrupted_call_is_finished_by_the_next_one(world):
    async with world.running() as engine:
        mails = [await accepted(engine, wait_s=5.0) for _ in range(2 * BATCH + 3)]
        erased = world.store._target.erase

        async def only_once(*given):
            world.store.fails["erase"] = StoreUnavailable("gone")
            return await erased(*given)

        world.store._target.erase = only_once
        with pytest.raises(StoreUnavailable):
            await erase(engine)
        world.store.fails.clear()
        world.store._target.erase = erased
        assert (await erase(engine)).messages == len(mails) - BATCH
        told = await world.events(EventType.ADDRESS_ERASED)
        assert [event.data["messages"] for event in told] == [BATCH, BATCH, 3]


async def test_the_token_of_an_address_whose_time_was_over_goes_too(world):
    """Whoever knows what makes tokens could find it out by trying."""
    async with world.running(world.engine(bodies_s=EVERY_S, addresses_s=EVERY_S)) as engine:
        stored = await accepted(engine, wait_s=5.0)
        await elapse(3 * EVERY_S)
        before = await kept(world, stored)
        assert before.removed == (Removed.CONTENT, Removed.RECIPIENTS)
        assert (await erase(engine, dry_run=True)).messages == 1
        assert (await erase(engine)).messages == 1
        assert (await kept(world, stored)).to != before.to


async def test_a_key_stays_used_and_its_answer_goes(world):
    key = Idempotency("shop:send", "k", b"body")
    async with world.running() as engine:
        stored = await accepted(engine, idempotency=key, wait_s=5.0)
        await engine.acceptor.remember(key, b"sent to bob@example.org")
        await erase(engine)
        await elapse(RUNNING_S_MAX)  # until then the first request might still be waiting
        again = await engine.acceptor.accept(draft(), CALLER, idempotency=key)
        assert (again.replayed, again.answer, again.stored.message.id) == (True, None, stored.message.id)
