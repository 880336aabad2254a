"""The audit trail, as several readers at nearly the same place read it: what was read once is read by all."""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import islice
from operator import attrgetter
from typing import Final

from everpost.model.event import Recorded
from everpost.model.limits import RELAY_BATCH_MAX
from everpost.store.port import Store

KEPT_MAX: Final = 4 * RELAY_BATCH_MAX
CLOCKS_OFF_S: Final = 60.0
"""By which the instants of events may be out of the trail's order: they come from several machines."""
_SEQ = attrgetter("seq")


class Trail:
    """All methods raise StoreUnavailable when the store does."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._kept: list[Recorded] = []  # the latest ones, without a gap …
        self._start: int | None = None  # … behind this number

    async def refresh(self) -> frozenset[str] | None:
        """The webhooks that something new is about; None: nothing is new. At first all is old."""
        if self._start is None:
            self._start = await last_seq(self._store)
        about: set[str] = set()
        is_new = False
        while found := await self._store.read_events(self._end, RELAY_BATCH_MAX):
            is_new = True
            about.update(str(one.event.data["webhook"]) for one in found if "webhook" in one.event.data)
            self._kept += found
            self._trim()
            if len(found) < RELAY_BATCH_MAX:
                break
        return frozenset(about) if is_new else None

    async def read(self, after: int, limit: int) -> Sequence[Recorded]:
        """Events of all projects behind `after`, as far as is known since `refresh`; older ones from the store."""
        if self._start is not None and after >= self._start:
            first = bisect_right(self._kept, after, key=_SEQ)
            return list(islice(self._kept, first, first + limit))
        return await self._store.read_events(after, limit)

    async def at(self, seq: int) -> Recorded | None:
        """One event; None: it is no longer kept."""
        found = await self.read(seq - 1, 1)
        return found[0] if found and found[0].seq == seq else None

    @property
    def _end(self) -> int:
        return self._kept[-1].seq if self._kept else self._start or 0

    def _trim(self) -> None:
        surplus = len(self._kept) - KEPT_MAX
        if surplus > 0:
            self._start = self._kept[surplus - 1].seq
            del self._kept[:surplus]


async def last_seq(store: Store) -> int:
    """The number of the latest event; 0: there is none. By looks at single events, about two for each doubling."""
    low, step = 0, 1
    while found := await store.read_events(low + step - 1, 1):
        low, step = found[0].seq, 2 * step
    high = low + step  # none has this number, nor a higher one
    while high - low > 1:
        found = await store.read_events((low + high) // 2 - 1, 1)
        low, high = (found[0].seq, high) if found else (low, (low + high) // 2)
    return low


async def seq_before(store: Store, at: float, last: int) -> int:
    """A place in the trail up to `last` behind which everything lies that happened at or after `at`, and little
    else."""
    low, high = 0, last
    while high - low > 1:
        middle = (low + high) // 2
        found = await store.read_events(middle, 1)
        if found and found[0].event.at < at - CLOCKS_OFF_S:
            low = max(middle, min(found[0].seq, high - 1))
        else:
            high = middle
    return low
