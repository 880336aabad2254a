"""Time stands still while anything can run, and jumps when nothing can: a day costs no more than a millisecond."""

import asyncio
import random

import pytest

from engine_kit import World
from sim.virtual_loop import VirtualLoop


def pytest_asyncio_loop_factories(config, item):
    """Where sockets are real, time is, too."""
    if "wire" in item.path.parts:
        return {"real": asyncio.new_event_loop}
    return {"virtual": lambda: VirtualLoop(random.Random(1))}


@pytest.fixture
def world():
    """Two accounts, `a` and `b`, that work."""
    return World("a", "b")
