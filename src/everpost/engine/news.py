"""Tells every relay that events may be waiting: those of this process, and by its peers those of others."""

import asyncio

from everpost.wakeup.port import Peers, Topic, Wakeup


class News:
    def __init__(self) -> None:
        self._wakeups: list[Wakeup] = []
        self._untold = asyncio.Event()  # to peers

    def subscribe(self, wakeup: Wakeup) -> None:
        self._wakeups.append(wakeup)

    def nudge(self) -> None:
        """Events were written here."""
        self.heard()
        self._untold.set()

    def heard(self) -> None:
        """They were, wherever that was."""
        for wakeup in self._wakeups:
            wakeup.nudge()

    async def spread(self, peers: Peers) -> None:
        """Until cancelled: tells peers of what this process has written."""
        while True:
            await self._untold.wait()
            self._untold.clear()
            await peers.tell(Topic.NEWS)
            await asyncio.sleep(peers.pause_s)
