"""A server that is stopped between an intent and its first byte, past its lease, while another one works on."""

import asyncio
import random
import signal
import sys
from functools import partial

import pytest

from crash import mutants
from crash.books import breaks, read_books, settled
from crash.load import Load
from crash.processes import installation, until

ROUNDS = 3
STOPPED_WITHIN_S = 30.0
SETTLED_WITHIN_S = 60.0


async def after_freezes(folder, seed, mutant=""):
    """The books after several freezes, and what the clients have seen. The other server has settled all that the frozen
    one had in hand before that one goes on."""
    async with installation(folder) as place:
        frozen = place.add_server((sys.executable, mutants.__file__, f"hurry,freeze{mutant}"))
        awake = place.add_server((sys.executable, mutants.__file__, "hurry"))
        await asyncio.gather(frozen.start(), awake.start())
        loads = []
        for number in range(ROUNDS):
            journal = folder / f"journal-{number}.jsonl"
            urls = [frozen.url, awake.url]
            load = Load(urls, place.token, journal, random.Random(seed + number), first=1 + 100_000 * number)
            loads.append(load)
            with load.running():
                await _frozen_outside_of_a_commit(place, frozen)
                load.urls.remove(frozen.url)
                await load.more(20)
                await load.stop()
            await settled(place, awake, SETTLED_WITHIN_S)
            frozen.process.send_signal(signal.SIGCONT)
        await until(frozen.is_ready, SETTLED_WITHIN_S)
        await settled(place, frozen, SETTLED_WITHIN_S)
        books = await read_books(place, awake, [line for load in loads for line in load.read_journal()])
    return books, [surprise for load in loads for surprise in load.surprises]


async def _frozen_outside_of_a_commit(place, frozen):
    """Within one it would hold the lock of the database, and nobody else could write: then it goes on to the next."""
    while True:
        await until(partial(_is_stopped, frozen), STOPPED_WITHIN_S)
        if await place.can_be_written():
            return
        frozen.process.send_signal(signal.SIGCONT)


async def _is_stopped(server):
    return server.is_stopped


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a_server_that_is_frozen_before_its_first_byte_and_goes_on_past_its_lease_sends_nothing_twice(
    tmp_path, crash_seed
):
    books, surprises = await after_freezes(tmp_path, crash_seed)
    assert surprises == [], crash_seed
    assert breaks(books) == [], crash_seed
    assert sum("the worker was lost" in event["data"].get("text", "") for event in books.events) >= ROUNDS


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a_server_that_does_not_look_at_the_clock_before_its_first_byte_is_caught_by_a_freeze(tmp_path):
    books, _ = await after_freezes(tmp_path, 1, ",send_late")
    assert "handed over 2 times" in "\n".join(breaks(books))
