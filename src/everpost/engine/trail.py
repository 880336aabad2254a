"""The end of the audit trail in memory, and places in the trail: what was read once is there for all who read on."""

from bisect import bisect_right
from collections.abc import Sequence
from operator import attrgetter
from typing import Final

from everpost.model.event import Recorded
from everpost.store.port import Store

CLOCKS_OFF_S: Final = 60.0
"""By which the instants of events may be out of the trail's order: they come from several machines."""
_SEQ = attrgetter("seq")


class Tail:
    """The latest events, without a gap, from the place behind `start` to `end`; at most `most` of them. None is known
    before `begin`."""

    def __init__(self, store: Store, most: int) -> None:
        self._store = store
        self._most = most
        self._kept: list[Recorded] = []
        self.start = 0

    @property
    def end(self) -> int:
        return self._kept[-1].seq if self._kept else self.start

    def begin(self, at: int) -> None:
        """Behind this place."""
        self._kept, self.start = [], at

    async def grow(self, most: int) -> Sequence[Recorded]:
        """The next events, as many as there are and at most so many; they are kept. Raises StoreUnavailable."""
        found = await self._store.read_events(self.end, most)
        self._kept += found
        if (surplus := len(self._kept) - self._most) > 0:
            self.start = self._kept[surplus - 1].seq
            del self._kept[:surplus]
        return found

    def above(self, after: int) -> Sequence[Recorded]:
        """Of what is kept; `after` must not be below `start`."""
        return self._kept[bisect_right(self._kept, after, key=_SEQ) :]


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
