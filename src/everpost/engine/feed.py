"""The audit trail as it grows, for many readers in one process: one of them asks the store, on behalf of all.

The last events are kept. A reader that is further back (it has just come, or reads slowly) reads its own way through
the store until it is near enough; so nobody waits for it, and nothing is kept for it.
"""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from everpost.engine.news import News
from everpost.engine.trail import Tail, last_seq
from everpost.model.event import Recorded
from everpost.model.limits import STREAM_RECENT_MAX
from everpost.store.port import Store, StoreUnavailable

LOOK_S: Final = 2.0  # events that nobody has told of are found within this time
PAGE: Final = 200
_log = logging.getLogger(__name__)


class Feed:
    """Costs nothing while nobody reads."""

    def __init__(self, store: Store, news: News) -> None:
        self._store = store
        self._stirred = asyncio.Event()
        self._reading: asyncio.Task[None] | None = None
        self._grown = asyncio.Event()  # set, and replaced, when more is known
        self._tail = Tail(store, STREAM_RECENT_MAX)
        self.position: int | None = None  # the end of the trail, as far as is known; None: not at all
        self._readers: set[Reader] = set()
        news.subscribe(self)

    @property
    def readers(self) -> int:
        return len(self._readers)

    def nudge(self) -> None:
        self._stirred.set()

    def open(self, after: int | None, project: str | None = None, message_id: str | None = None) -> "Reader":
        """A reader of the events above `after` (None: of those to come), of all projects when `project` is None. It
        has to be closed."""
        reader = Reader(self, self._store, self.position if after is None else after, project, message_id)
        self._readers.add(reader)
        if self._reading is None:
            self._reading = asyncio.create_task(self._run(), name="feed")
        return reader

    def leave(self, reader: "Reader") -> None:
        self._readers.discard(reader)
        if not self._readers and self._reading is not None:
            self._reading.cancel()
            self._reading, self.position = None, None
            self._tail.begin(0)  # and keeps nothing

    async def grown(self, from_: int | None, timeout_s: float) -> bool:
        """Whether more is known than `from_`, now or within the time."""
        if self.position == from_:
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout_s):
                    await self._grown.wait()
        return self.position != from_

    def above(self, cursor: int) -> Sequence[Recorded] | None:
        """The events above it, up to `position`; None: they are not all kept."""
        return self._tail.above(cursor) if cursor >= self._tail.start else None

    async def _run(self) -> None:
        while True:
            try:
                if self.position is None:
                    self._begin(await last_seq(self._store))
                self._stirred.clear()
                await self._read_on()
            except StoreUnavailable as error:
                _log.warning("streams of events wait for the store", extra={"error": str(error)})
            except Exception:
                _log.exception("events could not be read; it is tried again")
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._stirred.wait()

    async def _read_on(self) -> None:
        while await self._tail.grow(PAGE):
            self._move(self._tail.end)

    def _begin(self, end: int) -> None:
        self._tail.begin(end)
        for reader in self._readers:
            reader.begin(end)
        self._move(end)

    def _move(self, position: int) -> None:
        self.position = position
        grown, self._grown = self._grown, asyncio.Event()
        grown.set()


class Reader:
    def __init__(
        self, feed: Feed, store: Store, after: int | None, project: str | None, message_id: str | None
    ) -> None:
        self._feed = feed
        self._store = store
        self._cursor = after  # None: where the trail ends, once that is known
        self._project = project
        self._message_id = message_id

    def begin(self, end: int) -> None:
        if self._cursor is None:
            self._cursor = end

    async def next(self, within_s: float) -> Sequence[Recorded]:
        """The next events, oldest first; none if there were none within the time. Raises StoreUnavailable."""
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + within_s
        while True:
            seen = self._feed.position
            if seen is None or self._cursor is None:
                is_behind = False
            elif page := await self._look(self._cursor, seen):
                return page
            else:
                is_behind = self._cursor < seen
            if not is_behind:
                left_s = ends_at - loop.time()
                if left_s <= 0 or not await self._feed.grown(seen, left_s):
                    return ()

    def close(self) -> None:
        self._feed.leave(self)

    async def _look(self, cursor: int, end: int) -> Sequence[Recorded]:
        if (kept := self._feed.above(cursor)) is not None:
            self._cursor = max(cursor, end)
            return [one for one in kept if self._is_wanted(one)]
        found = await self._store.read_events(cursor, PAGE, self._project, self._message_id)
        last = found[-1].seq if found else cursor
        self._cursor = last if len(found) == PAGE else max(last, end)  # all there was up to the end that was known
        return found

    def _is_wanted(self, recorded: Recorded) -> bool:
        event = recorded.event
        return self._project in (None, event.project) and self._message_id in (None, event.message_id)
