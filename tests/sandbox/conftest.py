from random import Random

import pytest

from everpost.sandbox.sandbox import Sandbox


class Clock:
    def __init__(self) -> None:
        self.now = 1_750_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
async def sandbox(clock):
    sandbox = Sandbox(clock=clock, random=Random(7))
    await sandbox.start()
    yield sandbox
    await sandbox.stop()
