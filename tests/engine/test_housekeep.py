"""What is kept, and for how long."""

import pytest

from engine_kit import CALLER, DOWN, GONE, World, accepted, draft, elapse
from everpost.engine.housekeep import BATCH, EVERY_S, Retention, salt_of
from everpost.engine.idempotency import Idempotency

AGE_S = 6 * EVERY_S


def key(name):
    return Idempotency("shop:send", name, b"body")


async def kept(world, stored):
    return await world.store.get_message("shop", stored.message.id) is not None


async def test_a_message_is_deleted_with_its_story_when_its_time_is_over(world):
    async with world.running(world.engine(messages_s=2 * AGE_S)) as engine:
        old = await accepted(engine, wait_s=5.0)
        await elapse(AGE_S)
        young = await accepted(engine, wait_s=5.0)
        await elapse(AGE_S - 2 * EVERY_S)
        assert await kept(world, old)
        await elapse(3 * EVERY_S)
        assert not await kept(world, old)
        assert await kept(world, young)
        assert {event.message_id for event in await world.events()} == {young.message.id}
        assert (await world.store.counts()).accepted == 1


async def test_what_is_not_final_is_kept_however_old_it_is():
    world = World("a", give_up_after_s=100 * AGE_S)
    world.wire.script("a", DOWN)
    async with world.running(world.engine(messages_s=AGE_S)) as engine:
        stored = await accepted(engine)
        await elapse(3 * AGE_S)
        assert await kept(world, stored)


async def test_keys_have_a_time_of_their_own(world):
    async with world.running(world.engine(messages_s=2 * AGE_S, keys_s=AGE_S)) as engine:
        first = await accepted(engine, idempotency=key("k"), wait_s=5.0)
        await elapse(AGE_S - 2 * EVERY_S)
        again = await engine.acceptor.accept(draft(), CALLER, idempotency=key("k"))
        assert again.replayed
        await elapse(3 * EVERY_S)
        assert (await accepted(engine, idempotency=key("k"))).message.id != first.message.id
        assert await kept(world, first)


async def test_each_part_of_a_mail_has_a_time_of_its_own(world):
    times = {"bodies_s": AGE_S, "addresses_s": 2 * AGE_S, "events_s": 3 * AGE_S, "messages_s": 4 * AGE_S}

    async def left(stored):
        message = await world.store.get_message("shop", stored.message.id)
        return message and (message.message.removed, message.message.to == stored.message.to, bool(message.events))

    async with world.running(world.engine(**times)) as engine:
        stored = await accepted(engine, wait_s=5.0)
        await elapse(AGE_S - 2 * EVERY_S)
        assert await left(stored) == ((), True, True)
        await elapse(AGE_S)
        assert await left(stored) == (("content",), True, True)
        await elapse(AGE_S)
        assert await left(stored) == (("content", "recipients"), False, True)
        await elapse(AGE_S)
        assert await left(stored) == (("content", "recipients"), False, False)
        await elapse(AGE_S)
        assert await left(stored) is None


async def test_all_processes_of_a_store_make_the_same_tokens(world):
    one, two = [await salt_of(world.engine().ports) for _ in range(2)]
    assert one == two
    assert len(one) == 40


def test_a_message_is_kept_for_a_month_and_a_key_for_a_week_unless_told_otherwise():
    assert Retention() == Retention(messages_s=30 * 86_400.0, keys_s=7 * 86_400.0)


async def test_a_purge_says_how_much_it_has_deleted(world):
    engine = world.engine(messages_s=AGE_S, keys_s=AGE_S)
    async with world.running(engine):
        for number in range(3):
            await accepted(engine, idempotency=key(str(number)), wait_s=5.0)
    await elapse(AGE_S)
    assert await engine._housekeeper.purge() == 3 + 3
    assert await engine._housekeeper.purge() == 0


async def test_much_is_deleted_in_bounded_steps(world):
    engine = world.engine(messages_s=AGE_S)
    count = 2 * BATCH + 10
    for _ in range(count):
        await accepted(engine)
    async with world.running(engine):
        await elapse(AGE_S - 2 * EVERY_S)
        assert (await world.store.counts()).accepted == count
        before = world.store.called["purge"]
        await elapse(3 * EVERY_S)
        assert (await world.store.counts()).accepted == 0
        assert world.store.called["purge"] - before == 3 + 2  # three times, one of which took three steps


@pytest.mark.parametrize("error", [GONE, RuntimeError("a bug")], ids=["away", "bug"])
async def test_a_purge_that_fails_is_tried_again_and_stops_nothing(world, error):
    async with world.running(world.engine(messages_s=AGE_S)) as engine:
        stored = await accepted(engine, wait_s=5.0)
        world.store.fails["purge"] = error
        await elapse(2 * AGE_S)
        assert await kept(world, stored)
        assert (await accepted(engine, wait_s=5.0)).deliveries[0].attempts == 1
        world.store.fails.clear()
        await elapse(2 * EVERY_S)
        assert not await kept(world, stored)
