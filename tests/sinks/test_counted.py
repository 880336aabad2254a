"""Figures of all processes, from what a sink has taken."""

import pytest

from everpost.dialects.native.render import render_event
from everpost.model.event import Event, EventType, Recorded
from everpost.sinks.counted import CountedSink

T = 1_800_000_000.0


class Taking:
    name = "kept"

    def __init__(self):
        self.fails = False

    async def put(self, events):
        if self.fails:
            raise OSError("full")

    async def close(self): ...


def rendered(type_, at=0.0, account=None, **data):
    told = Event(id="e", type=type_, at=T + at, project="shop", message_id="m", account=account, data=data)
    return render_event(Recorded(1, told))


EVENTS = [
    rendered(EventType.ACCEPTED),
    rendered(EventType.ATTEMPTED, 1, account="a", number=1),
    rendered(EventType.DEFERRED, 2, account="a", outcome="unavailable"),
    rendered(EventType.SENT, 3, account="b", outcome="accepted"),
    rendered(EventType.DEFERRED, 4, reason="no account"),
    rendered(EventType.RESOLVED, 5, account="a", verdict="found"),
]


async def test_accepted_mails_and_ended_attempts_are_counted():
    sink = CountedSink(Taking())
    await sink.put(EVENTS)
    await sink.put(EVENTS[:1])
    assert sink.name == "kept"
    assert sink.accepted == 2
    assert sink.attempts == {("a", "unavailable"): 1, ("b", "accepted"): 1}


async def test_what_was_not_taken_is_not_counted_and_waits():
    at = [T + 10]
    taking = Taking()
    sink = CountedSink(taking, lambda: at[0])
    assert sink.lag_s == 0.0
    taking.fails = True
    for at[0] in (T + 10, T + 20):
        with pytest.raises(OSError, match="full"):
            await sink.put(EVENTS)
        assert sink.lag_s == at[0] - T
    assert (sink.accepted, sink.attempts) == (0, {})
    taking.fails = False
    await sink.put(EVENTS)
    assert (sink.lag_s, sink.accepted) == (0.0, 1)
