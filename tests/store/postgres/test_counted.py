"""What whoever counts commits is told."""

import asyncio

import pytest

import postgres_kit
from everpost.store.port import AcceptOverrun
from store_values import accept, message


class Counter:
    def __init__(self):
        self.commits = []

    def committed(self, took_s, operations):
        assert took_s >= 0
        self.commits.append(operations)

    def watch_waiting(self, count):
        self.waiting = count


async def test_commits_are_counted_with_what_they_made_durable(server, clock, journal):
    counter = Counter()
    async with postgres_kit.opened(server, clock=clock, commits=counter) as store:
        first = asyncio.ensure_future(accept(store, message(1)))
        await journal.waited_for()
        others = [asyncio.ensure_future(accept(store, message(number))) for number in range(2, 7)]
        late = asyncio.ensure_future(accept(store, message(7), not_after=0.0))
        await asyncio.sleep(0)
        assert counter.waiting() == 6
        await journal.release()
        await asyncio.gather(first, *others)
        with pytest.raises(AcceptOverrun):
            await late
    assert counter.commits == [1, 5]
    assert counter.waiting() == 0
