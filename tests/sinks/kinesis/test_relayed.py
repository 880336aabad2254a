"""An engine's own audit trail, as a reader of the stream finds it."""

import asyncio
from collections import defaultdict

from engine_kit import DOWN, World, accepted, all_ended, elapse, later
from everpost.dialects.native.render import render_event
from everpost.engine.relay import Relay
from everpost.sinks.counted import CountedSink
from everpost.wakeup.memory import MemoryWakeup

MAILS = 30


async def relayed_up_to(world, sink, seq):
    async with asyncio.timeout(60):
        while True:
            cursor = (await world.store.read_config("cursor/")).get(f"cursor/{sink.name}")
            if cursor is not None and int(cursor.value) >= seq:
                return
            await elapse(0.01)


def by_message(events):
    """The first time that each event was told, in the order of its message's."""
    told = defaultdict(dict)
    for event in events:
        told[event["data"].get("message_id", event["id"])].setdefault(event["id"], event)
    return {message: list(events.values()) for message, events in told.items()}


async def test_the_stream_has_every_event_in_the_order_of_its_message_whatever_fails_on_the_way(sink, stream, faults):
    world = World("a", "b")
    world.wire.script("a", later(DOWN, 0.001))
    counted = CountedSink(sink)
    engine = world.engine()
    engine.add_relay(Relay(counted, engine.ports, MemoryWakeup(), render_event))
    faults.lose = 2
    faults.refuse_first = True
    async with world.running(engine):
        await all_ended(world, [await accepted(engine) for _ in range(MAILS)])
        trail = await world.store.read_events(0, 10_000)
        await relayed_up_to(world, sink, trail[-1].seq)
    assert by_message(event for _, event in stream.records()) == by_message(map(render_event, trail))
    assert counted.accepted == MAILS
    assert counted.attempts["b", "accepted"] == MAILS
    assert counted.lag_s == 0.0
    assert stream.letters() == []
