"""What one process hears of others."""

import asyncio
from contextlib import asynccontextmanager

from everpost.wakeup.port import Topic

WITHIN_S = 30.0  # on a busy machine
ALL = list(Topic)


class Ear:
    """What one process hears."""

    def __init__(self):
        self.topics = []
        self._some = asyncio.Event()

    def __call__(self, topic):
        self.topics.append(topic)
        self._some.set()

    async def until(self, count):
        """So many in all."""
        async with asyncio.timeout(WITHIN_S):
            while len(self.topics) < count:
                self._some.clear()
                await self._some.wait()


@asynccontextmanager
async def hearing(peers):
    """What it hears, from when it listens."""
    ear = Ear()
    task = asyncio.create_task(peers.hear(ear))
    try:
        await ear.until(len(ALL))
        ear.topics.clear()
        yield ear
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await peers.close()
