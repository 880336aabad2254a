"""Time stands still while anything can run, and jumps when nothing can: a day costs no more than a millisecond."""

import asyncio
import random

import pytest

from engine_kit import World
from sim.virtual_loop import VirtualLoop


def pytest_asyncio_loop_factories(config, item):
    """Where sockets or threads are real, time is, too."""
    if "wire" in item.path.parts or item.path.name == "test_aside.py":
        return {"real": asyncio.new_event_loop}
    return {"virtual": lambda: VirtualLoop(random.Random(1))}


@pytest.fixture
def world():
    """Two accounts, `a` and `b`, that work."""
    return World("a", "b")


@pytest.fixture(autouse=True)
def no_fault_of_our_own(request, caplog):
    """The loops outlive every bug and only log it: a test must not. `a bug` is what tests put in themselves."""
    yield
    if "wire" in request.path.parts:
        return  # there, servers log the faults of their clients
    logged = [record.exc_info[1] for record in caplog.get_records("call") if record.exc_info]
    assert [error for error in logged if str(error) != "a bug"] == []
