"""The audit trail as it grows, for many readers in one process: one of them asks the store, on behalf of all.

The last events are kept. A reader that is further back (it has just come, or reads slowly) reads its own way through
the store until it is near enough; so nobody waits for it, and nothing is kept for it.
"""

import asyncio
import logging
from bisect import bisect_right
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from everpost.engine.news import News
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
        self._recent: list[Recorded] = []  # all events above `floor`, up to `position`
        self.floor = 0
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
            self._reading, self.position, self._recent = None, None, []

    async def grown(self, from_: int | None, timeout_s: float) -> bool:
        """Whether more is known than `from_`, now or within the time."""
        if self.position == from_:
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout_s):
                    await self._grown.wait()
        return self.position != from_

    def above(self, cursor: int) -> Sequence[Recorded]:
        """Of what is kept; `cursor` must not be below `floor`."""
        return self._recent[bisect_right(self._recent, cursor, key=_seq) :]

    async def _run(self) -> None:
        while True:
            try:
                if self.position is None:
                    self._begin(await self._end())
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
        while page := await self._store.read_events(self.position or 0, PAGE):
            self._recent += page
            if (excess := len(self._recent) - STREAM_RECENT_MAX) > 0:
                self.floor = self._recent[excess - 1].seq
                del self._recent[:excess]
            self._move(page[-1].seq)

    def _begin(self, end: int) -> None:
        self.floor = end
        for reader in self._readers:
            reader.begin(end)
        self._move(end)

    def _move(self, position: int) -> None:
        self.position = position
        grown, self._grown = self._grown, asyncio.Event()
        grown.set()

    async def _end(self) -> int:
        """The last event's place, found by halving: some dozens of small questions, once."""
        low, high = 0, 1
        while page := await self._store.read_events(high, 1):
            low, high = page[0].seq, 2 * page[0].seq
        while low < high:
            middle = (low + high) // 2
            page = await self._store.read_events(middle, 1)
            low, high = (page[0].seq, high) if page else (low, middle)
        return high


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
        if cursor >= self._feed.floor:
            found: Sequence[Recorded] = [one for one in self._feed.above(cursor) if self._is_wanted(one)]
            self._cursor = max(cursor, end)
            return found
        found = await self._store.read_events(cursor, PAGE, self._project, self._message_id)
        last = found[-1].seq if found else cursor
        self._cursor = last if len(found) == PAGE else max(last, end)  # all there was up to the end that was known
        return found

    def _is_wanted(self, recorded: Recorded) -> bool:
        event = recorded.event
        return self._project in (None, event.project) and self._message_id in (None, event.message_id)


def _seq(recorded: Recorded) -> int:
    return recorded.seq
