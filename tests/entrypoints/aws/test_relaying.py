"""What relay tells CloudWatch of its sinks."""

import json

from everpost.dialects.native.render import render_event
from everpost.engine.relay import Relay
from everpost.entrypoints.aws.relaying import Relaying
from everpost.entrypoints.http.app import build_app
from everpost.sinks.counted import CountedSink
from everpost.wakeup.memory import MemoryWakeup
from http_kit import NATIVE, Caller, ScriptedWire, running


class Grave:
    """A sink that will never take an event of a mail."""

    name = "grave"
    buried = 0

    async def put(self, events):
        self.buried += sum(".email." in event["type"] for event in events)

    async def close(self): ...


class Lines(list):
    def write(self, line):
        self.append(json.loads(line))


def told(lines, name):
    return [line[name] for line in lines if name in line]


async def test_events_that_no_sink_will_ever_get_are_told_once():
    wire = ScriptedWire()
    wire.released.set()
    async with running(wire) as (services, engine):
        engine.add_relay(Relay(CountedSink(Grave()), engine.ports, MemoryWakeup(), render_event))
        relaying = Relaying(engine, "relay", lines := Lines())
        await Caller(build_app(services))("POST", "/sendEmail", NATIVE)
        await relaying({}, 60.0)
        await relaying({}, 60.0)
    first, second = told(lines, "DeadLetters")
    assert first >= 2  # that it was accepted, and attempted
    assert second == 0
