"""Events on standard output: whole lines, and no event lost to a reader that has gone or stopped."""

import asyncio
import json
import os

import pytest

from everpost.sinks.stdout import StdoutSink


@pytest.fixture
def pipe():
    reading, writing = os.pipe()
    ends = {"reading": reading, "writing": writing}
    yield ends
    for descriptor in ends.values():
        if descriptor is not None:
            os.close(descriptor)


def close(pipe, end):
    os.close(pipe[end])
    pipe[end] = None


def events(*ids, size=10):
    return [{"id": id_, "data": "x\n" * size} for id_ in ids]


async def read_all(pipe):
    """All lines up to the end of the pipe, which is closed for that."""
    close(pipe, "writing")
    with os.fdopen(pipe["reading"], "rb", closefd=False) as file:
        return [json.loads(line)["id"] for line in await asyncio.to_thread(file.readlines)]


async def test_each_event_is_a_line(pipe):
    sink = StdoutSink(pipe["writing"])
    await sink.put(events("a", "b"))
    await sink.put(events("c"))
    await sink.close()
    assert await read_all(pipe) == ["a", "b", "c"]


async def test_a_put_waits_for_a_slow_reader(pipe):
    sink = StdoutSink(pipe["writing"])
    putting = asyncio.ensure_future(sink.put(events(*"abc", size=200_000)))
    with os.fdopen(pipe["reading"], "rb", closefd=False) as file:
        read = [json.loads(await asyncio.to_thread(file.readline))["id"] for _ in range(3)]
    await putting
    await sink.close()
    assert read == ["a", "b", "c"]


async def test_a_reader_that_has_gone_is_an_error(pipe):
    close(pipe, "reading")
    sink = StdoutSink(pipe["writing"])
    with pytest.raises(BrokenPipeError):
        await sink.put(events("a"))
    await sink.close()


async def test_a_closed_output_is_an_error(pipe):
    writing = pipe["writing"]
    close(pipe, "writing")
    sink = StdoutSink(writing)
    with pytest.raises(OSError, match="Bad file descriptor"):
        await sink.put(events("a"))
    await sink.close()


async def test_a_reader_that_has_stopped_is_an_error_and_lines_stay_whole(pipe):
    sink = StdoutSink(pipe["writing"], blocked_s_max=0.01)
    batch = events("a", "b", "c", size=15_000)
    with pytest.raises(TimeoutError, match="nobody reads"):
        await sink.put(batch)
    taken = os.read(pipe["reading"], 65_536)
    assert not taken.endswith(b"\n")

    read = asyncio.ensure_future(asyncio.to_thread(_read_lines, pipe["reading"], taken))
    await _put_until_taken(sink, batch)
    await sink.close()
    close(pipe, "writing")

    assert [json.loads(line)["id"] for line in await read][-3:] == ["a", "b", "c"]


def _read_lines(descriptor, start):
    data = start
    while more := os.read(descriptor, 65_536):
        data += more
    return data.splitlines()


async def _put_until_taken(sink, batch):
    """As the relay does. How often depends on the machine, what is read in the end does not."""
    while True:
        try:
            await sink.put(batch)
        except TimeoutError:
            continue
        return
