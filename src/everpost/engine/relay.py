"""Room 7: the audit trail to its sinks, at least once and in order, each sink at its own pace."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any, Final

from everpost.engine.lease import Lease
from everpost.engine.ports import Ports
from everpost.model.event import Recorded
from everpost.model.limits import RELAY_BATCH_MAX
from everpost.sinks.port import Sink
from everpost.store.port import Document, StoreUnavailable
from everpost.wakeup.port import Wakeup

IDLE_S_MAX: Final = 2.0  # events of other processes are relayed within this time
RETRY_S_MIN: Final = 0.5
RETRY_S_MAX: Final = 60.0
_PREFIX: Final = "cursor/"
_log = logging.getLogger(__name__)

Render = Callable[[Recorded], Mapping[str, Any]]


class Relay:
    """Brings one sink up to date and keeps it there, while no other process does so.

    The lease that says whose turn it is saves work; that nothing is left out does not rest on it. Each process puts
    events in order, from a place up to which all were put before; the cursor is written after the sink has taken them,
    and by its version, so that nobody who was frozen moves it back.
    """

    def __init__(self, sink: Sink, ports: Ports, news: Wakeup, render: Render) -> None:
        self.sink = sink
        self._ports = ports
        self._news = news
        self._render = render
        ports.news.subscribe(news)
        self._lease = Lease(f"relay/{sink.name}", ports.store, ports.clock)
        self._stands_by = False  # another process relays
        self._cursor = 0  # all events up to here were put, by whomever
        self._version: int | None = None  # of the cursor in the store; None: somebody may have moved it

    async def run(self) -> None:
        """Until cancelled. A sink that fails is tried again, later and later; nothing is left out."""
        try:
            await self._keep_up()
        finally:
            await self._lease.release()

    async def _keep_up(self) -> None:
        pause_s = RETRY_S_MIN
        while True:
            try:
                if not await self.step():
                    await self._idle()
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

    async def _idle(self) -> None:
        """News wake the one who relays; to the others they would be questions without end."""
        if self._stands_by:
            await asyncio.sleep(IDLE_S_MAX)
        else:
            await self._news.wait(IDLE_S_MAX)

    async def catch_up(self) -> int:
        """Hands over all that there is, unless another process does; returns how many events that were."""
        self._version = None
        total = 0
        try:
            while count := await self.step():
                total += count
        finally:
            await self._lease.release()
        return total

    async def step(self) -> int:
        """Hands over the next events; returns how many. The cursor moves after the sink has taken them."""
        if not self._lease.is_fresh and not await self._is_on_duty():
            return 0
        if self._version is None:
            await self._read_cursor()
        events = await self._ports.store.read_events(self._cursor, RELAY_BATCH_MAX)
        if not events:
            return 0
        buried = self.sink.buried
        async with self._lease.kept():
            await self.sink.put([self._render(event) for event in events])
        self._ports.observer.relayed(self.sink.name, len(events), self.sink.buried - buried)
        self._cursor = events[-1].seq
        await self._write_cursor()
        return len(events)

    async def lag_s(self) -> float:
        """How old the next event is that the sink has not taken; 0: it has all. By the store, since another process may
        be the one that relays. Two reads by key."""
        document = await self._kept_cursor()
        cursor = 0 if document is None else int(document.value)
        waiting = await self._ports.store.read_events(cursor, 1)
        return max(0.0, self._ports.clock.now() - waiting[0].event.at) if waiting else 0.0

    async def _is_on_duty(self) -> bool:
        """Whether there is anything to do, and it is for this process to do it: an idle system writes nothing."""
        if not await self._is_waiting():
            return False
        await self._read_cursor()
        if not await self._is_waiting():
            return False
        self._version = None  # until it is this process's turn, the cursor may move
        self._stands_by = not await self._lease.hold()
        return not self._stands_by

    async def _is_waiting(self) -> bool:
        return bool(await self._ports.store.read_events(self._cursor, 1))

    async def _read_cursor(self) -> None:
        """What this process has put may be further on than what it could write down."""
        document = await self._kept_cursor()
        if document is None:
            self._version = 0
        else:
            self._cursor = max(self._cursor, int(document.value))
            self._version = document.version

    async def _kept_cursor(self) -> Document | None:
        name = _PREFIX + self.sink.name
        return (await self._ports.store.read_config(name)).get(name)

    async def _write_cursor(self) -> None:
        was, self._version = self._version, None
        value = str(self._cursor).encode()
        document = await self._ports.store.write_config(_PREFIX + self.sink.name, value, was)
        if document is not None:
            self._version = document.version
