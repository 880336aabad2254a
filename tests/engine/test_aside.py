"""What is large is worked on aside, so that the event loop goes on; what is small is not, since the way costs time."""

import asyncio
import threading

import pytest

from everpost.engine.aside import Aside
from everpost.model.limits import IN_LOOP_BYTES_MAX

LONG_S = 30  # that a test which fails takes


async def test_while_a_large_mail_is_worked_on_the_event_loop_goes_on():
    loop, begun, released = asyncio.get_running_loop(), asyncio.Event(), threading.Event()

    def work():
        loop.call_soon_threadsafe(begun.set)
        return released.wait(LONG_S)

    working = asyncio.create_task(Aside().run(IN_LOOP_BYTES_MAX + 1, work))
    await begun.wait()
    assert not working.done()
    released.set()
    assert await working is True


async def test_a_small_mail_is_worked_on_at_once():
    turns = []
    asyncio.get_running_loop().call_soon(turns.append, "another")
    assert await Aside().run(IN_LOOP_BYTES_MAX, threading.get_ident) == threading.get_ident()
    assert turns == []


async def test_what_the_work_raises_is_raised():
    def work():
        raise ValueError("no mail")

    with pytest.raises(ValueError, match="no mail"):
        await Aside().run(IN_LOOP_BYTES_MAX + 1, work)


async def test_one_large_mail_is_worked_on_after_the_other():
    aside, inside, most = Aside(), [], []

    def work():
        inside.append(1)
        most.append(len(inside))
        inside.pop()

    await asyncio.gather(*(aside.run(IN_LOOP_BYTES_MAX + 1, work) for _ in range(8)))
    assert most == [1] * 8
