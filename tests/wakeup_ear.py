"""What one process hears of others."""

import asyncio

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
