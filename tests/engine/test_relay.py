"""The audit trail to its sinks: at least once and in order, each sink at its own pace."""

import asyncio
import dataclasses
from collections import Counter
from contextlib import AsyncExitStack

import pytest

from engine_kit import CALLER, GONE, Troubled, accepted, barred, elapse
from everpost.engine.lease import LEASE_S, RENEW_S
from everpost.engine.relay import IDLE_S_MAX, RETRY_S_MAX, Relay
from everpost.model.delivery import DeliveryState
from everpost.model.event import Event, EventType
from everpost.model.limits import RELAY_BATCH_MAX
from everpost.wakeup.memory import MemoryWakeup
from store_values import NOW

BROKEN = OSError("the disk is full")


class Taken:
    """A sink that keeps what it is given."""

    def __init__(self, name="kept"):
        self.name = name
        self.batches = []

    async def put(self, events):
        self.batches.append(list(events))

    @property
    def sequence(self):
        return [seq for batch in self.batches for seq in batch]


class Sink(Troubled):
    """One that can be told to fail."""

    buried = 0

    def __init__(self, name="kept"):
        super().__init__(Taken(name))
        self.name = name

    @property
    def sequence(self):
        return self._target.sequence

    @property
    def batches(self):
        return self._target.batches


def relayed(world, *sinks):
    """A process that tells its events to these sinks, by their place in the trail."""
    engine = world.engine()
    for sink in sinks:
        engine.add_relay(Relay(sink, engine.ports, MemoryWakeup(), lambda recorded: recorded.seq))
    return world.running(engine)


async def trail(world):
    return [recorded.seq for recorded in await world.store.read_events(0, 10_000)]


async def some_events(world, count, first=0):
    events = [
        Event(id=f"e{number}", type=EventType.KEY_CREATED, at=NOW, project="shop")
        for number in range(first, first + count)
    ]
    await world.store.record(events)


async def test_every_event_is_told_in_order(world):
    sink = Sink()
    async with relayed(world, sink) as engine:
        for _ in range(5):
            await accepted(engine, wait_s=5.0)
        await elapse(0.1)
        assert sink.sequence == await trail(world)
    assert len(sink.sequence) == 15


async def test_news_are_told_at_once_and_those_of_other_processes_soon(world):
    sink = Sink()
    async with relayed(world, sink) as engine:
        await elapse(10.0)
        await accepted(engine)
        await elapse(0.01)
        assert sink.sequence[:1] == [1]
        await elapse(10.0)
        told = len(sink.sequence)
        await some_events(world, 1)
        await elapse(IDLE_S_MAX + 0.01)
        assert len(sink.sequence) == told + 1


async def test_what_people_change_is_told_at_once(world):
    sink = Sink()
    async with relayed(world, sink) as engine:
        stored = await accepted(engine, send_at=NOW + 1000)
        await elapse(10.0)
        for change in (
            engine.desk.cancel(CALLER, stored.message.id),
            engine.console.set_default(CALLER, "b"),
            engine.console.suppressing.put(CALLER, [barred("bob@example.org", "manual")]),
            engine.console.suppressing.remove(CALLER, "bob@example.org", ""),
        ):
            told = len(sink.sequence)
            await change
            await elapse(0.01)
            assert len(sink.sequence) > told


async def test_what_a_sink_did_not_take_is_put_again_and_nothing_is_left_out(world):
    sink = Sink()
    async with relayed(world, sink):
        sink.fails["put"] = BROKEN
        await some_events(world, 10)
        await elapse(300.0)
        assert sink.batches == []
        sink.fails.clear()
        await elapse(RETRY_S_MAX)
        assert sink.sequence == list(range(1, 11))


async def test_a_sink_that_took_them_and_said_otherwise_gets_them_again(world):
    sink = Sink()
    async with relayed(world, sink):
        sink.fails["put"], sink.forgets = BROKEN, True
        await some_events(world, 3)
        await elapse(5.0)
        sink.fails.clear()
        await elapse(RETRY_S_MAX)
    assert sink.batches[0] == sink.batches[-1] == [1, 2, 3]
    assert len(sink.batches) > 1


async def test_a_failing_sink_is_tried_later_and_later(world):
    sink = Sink()
    async with relayed(world, sink):
        sink.fails["put"] = BROKEN
        await some_events(world, 1)
        await elapse(10.0)
        soon = sink.called["put"]
        await elapse(600.0)
        assert 4 <= soon <= 6  # at 0, 0.5, 1.5, 3.5 and 7.5 s
        assert sink.called["put"] - soon <= 600.0 / RETRY_S_MAX + 4


async def test_a_failing_sink_holds_up_neither_the_mail_nor_another_sink(world):
    broken, sound = Sink("broken"), Sink("sound")
    broken.fails["put"] = BROKEN
    async with relayed(world, broken, sound) as engine:
        for _ in range(5):
            assert (await accepted(engine, wait_s=1.0)).deliveries[0].state is DeliveryState.SENT
        await elapse(0.1)
        assert sound.sequence == await trail(world)
    assert broken.sequence == []


async def test_a_slow_sink_holds_up_neither_the_mail_nor_another_sink(world):
    slow, sound = Sink("slow"), Sink("sound")
    slow.slow_s["put"] = 100.0
    async with relayed(world, slow, sound) as engine:
        assert (await accepted(engine, wait_s=1.0)).deliveries[0].state is DeliveryState.SENT
        await elapse(0.1)
        assert sound.sequence == [1, 2, 3]


async def test_a_process_goes_on_where_the_last_one_stopped(world):
    sink = Sink()
    async with relayed(world, sink):
        await some_events(world, 3)
        await elapse(5.0)
    await some_events(world, 3, first=3)
    async with relayed(world, sink):
        await elapse(5.0)
    assert sink.sequence == [1, 2, 3, 4, 5, 6]


async def test_what_a_process_told_without_being_able_to_write_that_down_is_told_again(world):
    sink = Sink()
    async with relayed(world, sink):
        await some_events(world, 1)
        await elapse(IDLE_S_MAX + 0.01)
        world.store.fails["write_config"] = GONE
        await some_events(world, 3, first=1)
        await elapse(IDLE_S_MAX + 0.01)
    world.store.fails.clear()
    async with relayed(world, sink):
        await elapse(LEASE_S + 2 * IDLE_S_MAX)
    assert sink.batches == [[1], [2, 3, 4], [2, 3, 4]]


async def test_what_was_told_is_not_told_again_by_the_same_process_that_could_not_write_it_down(world):
    sink = Sink()
    async with relayed(world, sink):
        await some_events(world, 1)
        await elapse(IDLE_S_MAX + 0.01)
        world.store.fails["write_config"] = GONE
        await some_events(world, 3, first=1)
        await elapse(IDLE_S_MAX + 0.01)
        world.store.fails.clear()
        await some_events(world, 3, first=4)
        await elapse(RETRY_S_MAX)
    assert sink.sequence == [1, 2, 3, 4, 5, 6, 7]


async def test_the_cursor_moves_after_the_sink_has_taken_them(world):
    sink = Sink()
    sink.slow_s["put"] = 10.0
    async with relayed(world, sink):
        await some_events(world, 3)
        await elapse(5.0)
        assert sink.called["put"] == 1
        assert await world.store.read_config("cursor/") == {}
        await elapse(10.0)
        assert (await world.store.read_config("cursor/"))["cursor/kept"].value == b"3"


@pytest.mark.parametrize("method", ["read_events", "read_config"])
@pytest.mark.parametrize("error", [GONE, RuntimeError("a bug")], ids=["away", "bug"])
async def test_a_relay_outlives_trouble_with_the_store(world, method, error):
    sink = Sink()
    world.store.fails[method] = error
    async with relayed(world, sink):
        await elapse(30.0)
        await some_events(world, 3)
        world.store.fails.clear()
        await elapse(RETRY_S_MAX)
        assert sink.sequence == [1, 2, 3]


async def test_a_long_trail_is_told_in_bounded_pieces(world):
    sink = Sink()
    await some_events(world, 2 * RELAY_BATCH_MAX + 1)
    async with relayed(world, sink):
        await elapse(1.0)
    assert [len(batch) for batch in sink.batches] == [RELAY_BATCH_MAX, RELAY_BATCH_MAX, 1]


async def test_sinks_whose_names_begin_alike_have_cursors_of_their_own(world):
    one, two = Sink("a"), Sink("ab")
    async with relayed(world, one):
        await some_events(world, 2)
        await elapse(5.0)
    async with relayed(world, one, two):
        await elapse(5.0)
    assert (one.sequence, two.sequence) == ([1, 2], [1, 2])


async def test_several_events_at_once_wake_a_relay_once(world):
    sink = Sink()
    async with relayed(world, sink) as engine:
        await elapse(1.0)
        before = world.store.called["read_events"]
        await asyncio.gather(*(accepted(engine, send_at=NOW + 1e5) for _ in range(50)))
        await elapse(0.1)
        assert world.store.called["read_events"] - before < 20
        assert len(sink.sequence) == 50


# --- several processes -----------------------------------------------------------------------------------------------


async def test_of_many_processes_one_relays(world):
    sink = Sink()
    async with AsyncExitStack() as processes:
        engines = [await processes.enter_async_context(relayed(world, sink)) for _ in range(5)]
        for engine in 10 * engines:
            await accepted(engine, wait_s=5.0)
            await elapse(1.0)
        await elapse(IDLE_S_MAX)
        assert sink.sequence == await trail(world)
    assert len(sink.sequence) == 150


async def test_a_process_that_stops_leaves_the_sink_to_another_at_once(world):
    sink = Sink()
    async with relayed(world, sink):
        async with relayed(world, sink):
            await some_events(world, 3)
            await elapse(IDLE_S_MAX + 0.01)
            assert sink.sequence == [1, 2, 3]
        await some_events(world, 3, first=3)
        await elapse(2 * IDLE_S_MAX)
        assert sink.sequence == [1, 2, 3, 4, 5, 6]


def part(world, sink):
    """A relay of a process of its own, and that one's way to the store."""
    store = Troubled(world.store)
    ports = dataclasses.replace(world.engine().ports, store=store)
    return Relay(sink, ports, MemoryWakeup(), lambda recorded: recorded.seq), store


async def cursor(world):
    return int((await world.store.read_config("cursor/"))["cursor/kept"].value)


async def test_a_process_that_dies_in_the_middle_of_a_put_is_replaced_and_nothing_is_left_out(world):
    (dying, store), sink = part(world, halting := Sink()), Sink()
    halting.slow_s["put"] = 1e9
    await some_events(world, 3)
    async with relayed(world, sink):
        life = asyncio.create_task(dying.run())
        await elapse(100.0)
        assert sink.sequence in ([], [1, 2, 3])  # either may have been the first one
    first = sink.sequence
    store.fails["write_config"] = GONE  # it can't give the lease back any more
    life.cancel()
    await asyncio.wait([life])
    async with relayed(world, sink):
        await elapse(LEASE_S + 2 * IDLE_S_MAX)
    assert sink.sequence[len(first) :] == ([] if first else [1, 2, 3])


async def test_a_process_that_was_frozen_does_not_move_the_cursor_back(world):
    """It wakes in the middle of a put, long after another one has taken over, and does not know."""
    (old, store), (new, _) = part(world, frozen := Sink()), part(world, sound := Sink())
    await some_events(world, 3)
    frozen.slow_s["put"] = 100.0
    asleep = asyncio.create_task(old.step())
    await elapse(0.1)
    store.slow_s["write_config"] = 100.0
    assert await new.step() == 0
    await elapse(LEASE_S)
    assert await new.step() == 3
    await some_events(world, 3, first=3)
    assert await new.step() == 3
    await asleep
    assert frozen.sequence == [1, 2, 3]
    assert sound.sequence == [1, 2, 3, 4, 5, 6]
    assert await cursor(world) == 6
    store.slow_s.clear()
    assert await old.step() == 0
    await some_events(world, 3, first=6)
    assert await old.step() == 0
    await elapse(LEASE_S)
    assert await old.step() == 3  # and it goes on where the other one has stopped
    assert frozen.sequence[3:] == [7, 8, 9]


async def test_a_sink_that_takes_long_is_left_to_who_has_it(world):
    (busy, _), (idle, _) = part(world, slow := Sink()), part(world, other := Sink())
    await some_events(world, 3)
    slow.slow_s["put"] = 100.0
    putting = asyncio.create_task(busy.step())
    await elapse(0.1)
    for _ in range(45):
        assert await idle.step() == 0
        await elapse(2.0)
    await putting
    assert (slow.sequence, other.sequence) == ([1, 2, 3], [])


async def test_an_idle_system_writes_nothing_and_asks_little(world):
    sinks = [Sink(), Sink()]
    async with relayed(world, *sinks[:1]), relayed(world, *sinks[1:]):
        await some_events(world, 3)
        await elapse(60.0)
        world.store.called.clear()
        await elapse(60.0)
        asked = Counter(world.store.called)
    assert asked["write_config"] == 0
    assert asked["read_events"] <= 2 * 60.0 / IDLE_S_MAX
    assert asked["read_config"] == 0


async def test_a_busy_system_renews_its_lease_seldom_and_is_not_disturbed_by_those_who_stand_by(world):
    busy, standing = part(world, Sink()), part(world, Sink())
    lives = [asyncio.create_task(relay.run()) for relay, _ in (busy, standing)]
    for number in range(600):
        await some_events(world, 1, first=number)
        for relay, _ in (busy, standing):
            relay._news.nudge()
        await elapse(0.1)
    idle, relaying = sorted((store.called for _, store in (busy, standing)), key=Counter.total)
    assert idle["write_config"] <= 1
    assert idle["read_events"] + idle["read_config"] <= 4 * 60.0 / IDLE_S_MAX + 4
    assert relaying["write_config"] <= 600 + 60.0 / RENEW_S + 2
    for life in lives:
        life.cancel()
    await asyncio.wait(lives)


async def test_to_catch_up_once_gives_the_lease_back(world):
    for number in range(3):
        relay, store = part(world, sink := Sink())
        await some_events(world, 3, first=3 * number)
        assert await relay.catch_up() == 3
        assert store.called["write_config"] == 3  # lease, cursor, lease
        assert len(sink.sequence) == 3
    relay, store = part(world, Sink())
    assert await relay.catch_up() == 0
    assert store.called["write_config"] == 0
