"""A process that is halted between its tasks: it works for a while, and leaves nothing half done."""

import asyncio

import pytest

from engine_kit import CALLER, DOWN, TAKEN, World, accepted, account, elapse, later
from everpost.engine.queue import AwaitedQueue
from everpost.model.account import Timeouts
from everpost.model.delivery import DeliveryState
from everpost.model.event import EventType

WAIT_S = 60.0


class Call:
    """Who is called for mail that is left, and in how many seconds it is due."""

    def __init__(self):
        self.told = []

    async def __call__(self, in_s):
        self.told.append(round(in_s, 3))


@pytest.fixture
def call():
    return Call()


@pytest.fixture
def door(world, call):
    """Hands over what its callers wait for."""
    return world.engine(AwaitedQueue(call))


async def waited(engine, for_s=WAIT_S, finish_s=1.0, **fields):
    async with engine.delivering(for_s, finish_s):
        stored = await accepted(engine, wait_s=WAIT_S, **fields)
    await engine.hand_on()
    return stored


async def test_a_mail_whose_caller_waits_is_handed_over_and_nobody_is_called(world, door, call):
    stored = await waited(door)
    assert (stored.deliveries[0].state, world.wire.accounts(), call.told) == (DeliveryState.SENT, ["a"], [])


async def test_a_mail_that_nobody_waits_for_is_left_to_others_who_are_called(world, door, call):
    async with door.delivering(WAIT_S, 1.0):
        stored = await accepted(door)
    await door.hand_on()
    assert ((await world.delivery(stored)).state, world.wire.sent, call.told) == (DeliveryState.QUEUED, [], [0.0])


async def test_a_mail_for_later_calls_others_for_then(world, door, call):
    await waited(door, for_s=0.1, send_at=world.clock.now() + 500.0)
    assert call.told == [499.9]


async def test_mail_of_others_is_left_alone(world, door):
    others = await accepted(world.engine())
    await waited(door)
    assert (await world.delivery(others)).state is DeliveryState.QUEUED
    assert "claim_due" not in world.store.called


async def test_a_failover_takes_place_while_the_caller_waits(world, door):
    world.wire.script("a", DOWN)
    stored = await waited(door)
    assert (stored.deliveries[0].account, world.wire.accounts()) == ("b", ["a", "b"])


async def test_one_process_works_again_and_again(world, door):
    for _ in range(3):
        assert (await waited(door)).deliveries[0].state is DeliveryState.SENT
    assert world.wire.accounts() == ["a", "a", "a"]


async def test_nobody_waits_beyond_the_time_and_the_attempt_is_given_up_as_unknown(world, door, call):
    world.wire.script("a", later(TAKEN, 50.0))
    began_at = world.clock.now()
    stored = await waited(door, for_s=2.0)
    assert world.clock.now() - began_at <= 4.0
    assert stored.deliveries[0].state is DeliveryState.SENDING
    [uncertain] = await world.events(EventType.UNCERTAIN)
    assert "its process stopped" in uncertain.data["text"]
    assert ((await world.delivery(stored)).state, call.told) == (DeliveryState.UNCERTAIN, [0.0])


async def test_an_attempt_that_ends_soon_after_is_waited_for(world, door, call):
    world.wire.script("a", later(TAKEN, 2.5))
    stored = await waited(door, for_s=2.0)
    assert ((await world.delivery(stored)).state, call.told) == (DeliveryState.SENT, [])


async def test_what_was_given_up_says_nothing_against_the_account(world, door):
    world.wire.script("a", later(TAKEN, 50.0))
    await waited(door, for_s=2.0)
    assert await world.health.board() == {}


async def test_what_is_given_up_while_the_store_is_away_keeps_its_lease_and_is_called_for_at_its_end(world, door, call):
    world.wire.script("a", later(TAKEN, 50.0))
    async with door.delivering(2.0, 1.0):
        stored = await accepted(door, wait_s=WAIT_S)
        world.store.slow_s["advance"] = 100.0
    await door.hand_on()
    delivery = await world.delivery(stored)
    assert delivery.state is DeliveryState.SENDING
    assert call.told == [round(delivery.due_at - world.clock.now(), 3)]


async def test_good_news_of_an_account_is_told_before_the_process_is_halted(world, door):
    await waited(door)
    assert (await world.health.board())["a"].ok_at is not None


async def test_nothing_is_left_running(world, door):
    world.wire.script("a", later(TAKEN, 50.0))
    await waited(door, for_s=2.0)
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_who_delivers_is_calm_when_nothing_is_due_for_a_while(world):
    stored = await accepted(world.engine())
    far = await accepted(world.engine(), send_at=world.clock.now() + 1000.0)
    engine = world.engine()
    async with engine.delivering(WAIT_S, 1.0):
        await engine.calm(60.0)
    assert (await world.delivery(stored)).state is DeliveryState.SENT
    assert (await world.delivery(far)).state is DeliveryState.QUEUED


async def test_who_delivers_waits_for_what_is_due_soon(world):
    soon = await accepted(world.engine(), send_at=world.clock.now() + 50.0)
    engine = world.engine()
    async with engine.delivering(100.0, 1.0):
        await engine.calm(60.0)
    assert (await world.delivery(soon)).state is DeliveryState.SENT


async def test_who_delivers_is_not_calm_while_an_attempt_is_under_way():
    world = World(account("a", timeouts=Timeouts(answer_s=120.0)))  # its lease ends later than anybody looks ahead
    world.wire.script("a", later(TAKEN, 4.0))
    stored = await accepted(world.engine())
    engine = world.engine()
    async with engine.delivering(WAIT_S, 0.0):
        await engine.calm(60.0)
    assert (await world.delivery(stored)).state is DeliveryState.SENT


async def test_a_process_that_was_halted_looks_anew_at_routes(world, door):
    async def followed():
        return (await door._routes.all())["default"].default

    before = await followed()
    await world.engine().console.set_default(CALLER, "b")
    assert (before, await followed()) == ("a", "a")
    door.awake()
    assert await followed() == "b"


async def test_two_doors_and_one_who_delivers_hand_over_each_mail_once(world, call):
    doors = [world.engine(AwaitedQueue(call)) for _ in range(2)]
    deliverer = world.engine()
    world.wire.script("a", *(6 * [DOWN]))
    async with deliverer.delivering(WAIT_S, 1.0):
        mails = await asyncio.gather(*(waited(door, subject=str(number)) for number, door in enumerate(3 * doors)))
        await elapse(1.0)
    assert [(await world.delivery(stored)).state for stored in mails] == [DeliveryState.SENT] * 6
    assert world.wire.accounts().count("b") == 6
