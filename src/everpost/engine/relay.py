"""Room 7: the audit trail to its sinks, at least once and in order, each sink at its own pace."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any, Final

from everpost.engine.ports import Ports
from everpost.model.event import Recorded
from everpost.model.limits import RELAY_BATCH_MAX
from everpost.sinks.port import Sink
from everpost.store.port import StoreUnavailable
from everpost.wakeup.port import Wakeup

IDLE_S_MAX: Final = 2.0  # events of other processes are relayed within this time
RETRY_S_MIN: Final = 0.5
RETRY_S_MAX: Final = 60.0
_PREFIX: Final = "cursor/"
_log = logging.getLogger(__name__)

Render = Callable[[Recorded], Mapping[str, Any]]


class Relay:
    """Brings one sink up to date and keeps it there."""

    def __init__(self, sink: Sink, ports: Ports, news: Wakeup, render: Render) -> None:
        self.sink = sink
        self._ports = ports
        self._news = news
        self._render = render
        ports.news.subscribe(news)
        self._cursor: int | None = None

    async def run(self) -> None:
        """Until cancelled. A sink that fails is tried again, later and later; nothing is left out."""
        pause_s = RETRY_S_MIN
        while True:
            try:
                if not await self.step():
                    await self._news.wait(IDLE_S_MAX)
                pause_s = RETRY_S_MIN
            except StoreUnavailable as error:
                _log.warning("the relay waits for the store", extra={"sink": self.sink.name, "error": str(error)})
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, RETRY_S_MAX)
            except Exception as error:
                self._ports.observer.sink_failed(self.sink.name)
                _log.warning("a sink failed", extra={"sink": self.sink.name, "error": repr(error)})
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, RETRY_S_MAX)

    async def catch_up(self) -> int:
        """Hands over all that there is; returns how many events that were. Another process may have been here since
        the last time, so the store is asked where to begin."""
        self._cursor = None
        total = 0
        while count := await self.step():
            total += count
        return total

    async def step(self) -> int:
        """Hands over the next events; returns how many. The cursor moves after the sink has taken them."""
        if self._cursor is None:
            self._cursor = await self._read_cursor()
        events = await self._ports.store.read_events(self._cursor, RELAY_BATCH_MAX)
        if not events:
            return 0
        buried = self.sink.buried
        await self.sink.put([self._render(event) for event in events])
        self._ports.observer.relayed(self.sink.name, len(events), self.sink.buried - buried)
        self._cursor = events[-1].seq
        await self._ports.store.write_config(_PREFIX + self.sink.name, str(self._cursor).encode(), None)
        return len(events)

    async def lag_s(self) -> float:
        """How old the next event is that the sink has not taken; 0: it has all. By the store, since another process may
        be the one that relays. Two reads by key."""
        name = _PREFIX + self.sink.name
        documents = await self._ports.store.read_config(name)
        cursor = int(documents[name].value) if name in documents else 0
        waiting = await self._ports.store.read_events(cursor, 1)
        return max(0.0, self._ports.clock.now() - waiting[0].event.at) if waiting else 0.0

    async def _read_cursor(self) -> int:
        name = _PREFIX + self.sink.name
        documents = await self._ports.store.read_config(name)
        return int(documents[name].value) if name in documents else 0
