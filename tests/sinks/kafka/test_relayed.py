"""An engine's own audit trail, as a reader of the topic finds it, while the cluster comes and goes."""

import asyncio
from collections import defaultdict

from engine_kit import DOWN, World, accepted, all_ended, elapse, later
from everpost.dialects.native.render import render_event
from everpost.engine import relay
from everpost.engine.relay import Relay
from everpost.model.delivery import DeliveryState
from everpost.wakeup.memory import MemoryWakeup

MAILS = 30


def by_message(events):
    """The first time that each event was told, in the order of its message's."""
    told = defaultdict(dict)
    for event in events:
        told[event["data"].get("message_id", event["id"])].setdefault(event["id"], event)
    return {message: list(events.values()) for message, events in told.items()}


async def relayed_up_to(world, sink, seq):
    async with asyncio.timeout(60):
        while True:
            cursor = (await world.store.read_config("cursor/")).get(f"cursor/{sink.name}")
            if cursor is not None and int(cursor.value) >= seq:
                return
            await elapse(0.01)


async def test_a_cluster_that_is_away_never_slows_sending_and_has_every_event_when_it_is_back(
    sink, cluster, monkeypatch
):
    monkeypatch.setattr(relay, "RETRY_S_MAX", 0.5)
    world = World("a", "b")
    world.wire.script("a", later(DOWN, 0.001))
    engine = world.engine()
    engine.add_relay(Relay(sink, engine.ports, MemoryWakeup(), render_event))
    async with world.running(engine):
        before = [await accepted(engine) for _ in range(MAILS)]
        cluster.shut()
        during = [await accepted(engine, wait_s=5.0) for _ in range(MAILS)]
        assert {stored.deliveries[0].state for stored in during} == {DeliveryState.SENT}
        await all_ended(world, before)
        cluster.open()
        events = await world.store.read_events(0, 10_000)
        await relayed_up_to(world, sink, events[-1].seq)
    told = await asyncio.to_thread(cluster.events, "trail")
    assert by_message(told) == by_message(map(render_event, events))
