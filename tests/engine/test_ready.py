"""Whether mail can be stored is found out by storing something."""

import pytest

from everpost.engine.console import READY_S, Console
from everpost.engine.fleet import Fleet
from everpost.engine.news import News
from everpost.engine.ports import Ports
from everpost.engine.routes import Routes
from everpost.store.memory import MemoryStore
from everpost.store.port import StoreUnavailable
from everpost.wakeup.memory import MemoryWakeup
from http_kit import CalmHealth, MovableClock, ScriptedWire


class FullStore(MemoryStore):
    """What writes nothing succeeds, as on a full disk."""

    full = True
    writes = 0

    async def write_config(self, name, value, was, events=()):
        self.writes += 1
        if self.full:
            raise StoreUnavailable("the disk is full")
        return await super().write_config(name, value, was, events)


class StoppedClock(MovableClock):
    seconds = 0.0

    def monotonic(self):
        return self.seconds


@pytest.fixture
def store():
    return FullStore()


@pytest.fixture
def clock():
    return StoppedClock()


@pytest.fixture
def console(store, clock):
    ports = Ports(store=store, health=CalmHealth(), wire=ScriptedWire(), due=MemoryWakeup(), news=News(), clock=clock)
    return Console(ports, Fleet([], ports), Routes([], [], ports))


async def test_a_store_that_can_only_be_read_is_not_ready_and_says_why(console):
    trouble = await console.ready()
    assert (trouble.status, trouble.code, trouble.detail) == (503, "store_unavailable", "the disk is full")
    assert trouble.retry_after_s >= READY_S


async def test_it_is_ready_again_within_a_second_of_having_room(console, store, clock):
    assert await console.ready() is not None
    store.full = False
    clock.seconds += READY_S
    assert await console.ready() is None


async def test_whoever_asks_all_the_time_makes_the_disk_work_once_a_second(console, store, clock):
    for _ in range(100):
        await console.ready()
    assert store.writes == 1
    clock.seconds += READY_S
    await console.ready()
    assert store.writes == 2
