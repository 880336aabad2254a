"""Tells everybody who brings events on that some may be waiting: those of this process, and by its peers others'."""

import asyncio
from typing import Protocol

from everpost.wakeup.port import Peers, Topic


class Listener(Protocol):
    def nudge(self) -> None:
        """Never blocks, never fails."""
        ...


class News:
    def __init__(self) -> None:
        self._listeners: list[Listener] = []
        self._untold = asyncio.Event()  # to peers

    def subscribe(self, listener: Listener) -> None:
        self._listeners.append(listener)

    def nudge(self) -> None:
        """Events were written here."""
        self.heard()
        self._untold.set()

    def heard(self) -> None:
        """They were, wherever that was."""
        for listener in self._listeners:
            listener.nudge()

    async def spread(self, peers: Peers) -> None:
        """Until cancelled: tells peers of what this process has written."""
        while True:
            await self._untold.wait()
            self._untold.clear()
            await peers.tell(Topic.NEWS)
            await asyncio.sleep(peers.pause_s)
