"""Processes over one store tell each other what there is: it is found at once, or, if they can't, within seconds."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from engine_kit import CALLER, DOWN, TAKEN, accepted, elapse, later
from everpost.engine.queue import AwaitedQueue, SharedQueue
from everpost.engine.relay import Relay
from everpost.model.delivery import DeliveryState
from everpost.store.port import Filter
from everpost.wakeup.memory import MemoryWakeup
from everpost.wakeup.port import LOOK_S, Topic

PAUSE_S = 0.05
SOON_S = 3 * PAUSE_S


class Bus:
    """What all of them hear."""

    def __init__(self):
        self.told = []  # by whom, what, and in how many seconds
        self.listening = {}
        self.is_up = True

    def joined(self, name):
        return _Peers(self, name)

    def said(self, name):
        return [(topic, in_s) for who, topic, in_s in self.told if who == name]


class _Peers:
    pause_s = PAUSE_S

    def __init__(self, bus, name):
        self._bus, self._name = bus, name

    async def tell(self, topic, in_s=0.0):
        self._bus.told.append((self._name, topic, in_s))
        for name, heard in self._bus.listening.items():
            if self._bus.is_up and name != self._name:
                heard(topic)

    async def hear(self, heard):
        self._bus.listening[self._name] = heard
        await asyncio.Event().wait()


class Taken:
    """A sink that keeps what it is given."""

    buried = 0
    name = "taken"

    def __init__(self):
        self.ids = []

    async def put(self, events):
        self.ids += events


@pytest.fixture
def bus():
    return Bus()


@asynccontextmanager
async def at_work(world, bus, name, *, is_door=False):
    """A process that runs: one that hands over whatever is due, or a door."""
    peers = bus.joined(name)

    async def call(in_s):
        await peers.tell(Topic.DUE, in_s)

    engine = world.engine(AwaitedQueue(call) if is_door else SharedQueue(world.store, call))
    engine.add_peers(peers)
    async with world.running(engine):
        yield engine


async def test_what_a_door_leaves_is_handed_over_at_once_by_a_worker(world, bus):
    async with at_work(world, bus, "door", is_door=True) as door, at_work(world, bus, "worker"):
        stored = await accepted(door)
        await elapse(SOON_S)
        assert (await world.delivery(stored)).state is DeliveryState.SENT
    assert world.wire.accounts() == ["a"]


async def test_a_wakeup_that_is_lost_costs_seconds(world, bus):
    bus.is_up = False
    async with at_work(world, bus, "door", is_door=True) as door, at_work(world, bus, "worker"):
        stored = await accepted(door)
        await world.ended(stored, LOOK_S + 1.0)
    assert world.wire.accounts() == ["a"]


async def test_a_door_hands_over_what_its_caller_waits_for_itself_and_calls_nobody(world, bus):
    async with at_work(world, bus, "door", is_door=True) as door:
        stored = await accepted(door, wait_s=30.0)
    assert stored.deliveries[0].state is DeliveryState.SENT
    assert [topic for topic, _ in bus.said("door") if topic is Topic.DUE] == []


async def test_a_door_leaves_a_mail_to_others_when_its_caller_does_not_wait_any_more(world, bus):
    world.wire.script("a", DOWN)
    world.wire.script("b", DOWN)
    async with at_work(world, bus, "door", is_door=True) as door:
        stored = await accepted(door, wait_s=1.0)
        await elapse(SOON_S)
        assert stored.deliveries[0].state is DeliveryState.QUEUED
        assert Topic.DUE in [topic for topic, _ in bus.said("door")]
        world.wire.script("b", TAKEN)
        tries = len(world.wire.sent)
        await elapse(600.0)
        assert len(world.wire.sent) == tries  # it has left the mail alone
    async with at_work(world, bus, "worker"):
        assert (await world.ended(stored)).state is DeliveryState.SENT


async def test_a_mail_that_two_wait_for_stays_with_the_door_until_both_have_gone(world, bus):
    world.wire.script("a", later(TAKEN, 3.0))
    async with at_work(world, bus, "door", is_door=True) as door:
        first = asyncio.create_task(accepted(door, wait_s=1.0))
        await elapse(0.1)
        [message] = await door.console.messages(Filter(project=CALLER.project), None, 10)
        with door._deliverer.watching(message):
            await first
            await elapse(SOON_S)
            assert bus.said("door").count((Topic.DUE, 0.0)) == 0
            await elapse(3.0)
        assert (await world.delivery(message)).state is DeliveryState.SENT


async def test_a_door_that_stops_leaves_what_it_holds_to_others(world, bus):
    world.wire.script("a", DOWN)
    world.wire.script("b", DOWN)
    async with at_work(world, bus, "door", is_door=True) as door:
        waiting = asyncio.create_task(accepted(door, wait_s=60.0))
        await elapse(0.5)
    stored = await waiting
    assert stored.deliveries[0].state is DeliveryState.QUEUED
    assert bus.said("door")[-1][0] is Topic.DUE


async def test_a_door_keeps_no_house(world, bus):
    async with at_work(world, bus, "door", is_door=True):
        await elapse(1.0)
    assert "purge" not in world.store.called


async def test_who_has_no_room_calls_others_for_fresh_mail(world, bus):
    world.wire.script("a", DOWN)
    world.wire.script("b", DOWN)
    async with at_work(world, bus, "server") as server:
        for _ in range(10):
            await accepted(server)
            await elapse(1.0)
    assert Topic.DUE in [topic for topic, _ in bus.said("server")]


async def test_mail_for_later_calls_nobody_since_all_look_by_themselves(world, bus):
    async with at_work(world, bus, "server") as server:
        await accepted(server, send_at=world.clock.now() + 100.0)
        await elapse(1.0)
    assert Topic.DUE not in [topic for topic, _ in bus.said("server")]


async def test_many_mails_are_one_call(world, bus):
    async with at_work(world, bus, "door", is_door=True) as door:
        await elapse(1.0)
        for _ in range(50):
            await accepted(door)
        await elapse(10 * PAUSE_S)
    assert bus.said("door").count((Topic.DUE, 0.0)) <= 2


async def test_events_of_one_process_reach_the_sink_of_another_at_once(world, bus):
    sink = Taken()
    worker = world.engine()
    worker.add_relay(Relay(sink, worker.ports, MemoryWakeup(), lambda recorded: recorded.event.id))
    worker.add_peers(bus.joined("worker"))
    async with world.running(worker), at_work(world, bus, "door", is_door=True) as door:
        await elapse(1.0)
        stored = await accepted(door)
        await elapse(SOON_S)
        assert f"{stored.message.id}.0:0" in sink.ids


async def test_what_is_heard_is_not_told_again(world, bus):
    async with at_work(world, bus, "one") as one, at_work(world, bus, "other"):
        await accepted(one)
        await elapse(1.0)
        count = len(bus.told)
        await elapse(60.0)
        assert len(bus.told) == count
