"""The audit trail, as the couriers of all webhooks read it: they are at nearly the same place, and read it once."""

from collections.abc import Sequence
from typing import Final

from everpost.engine.trail import Tail, last_seq
from everpost.model.event import Recorded
from everpost.model.limits import RELAY_BATCH_MAX
from everpost.store.port import Store

KEPT_MAX: Final = 4 * RELAY_BATCH_MAX


class Trail:
    """All methods raise StoreUnavailable when the store does."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._tail = Tail(store, KEPT_MAX)
        self._has_begun = False

    async def refresh(self) -> frozenset[str] | None:
        """The webhooks that something new is about; None: nothing is new. At first all is old."""
        if not self._has_begun:
            self._tail.begin(await last_seq(self._store))
            self._has_begun = True
        about: set[str] = set()
        is_new = False
        while found := await self._tail.grow(RELAY_BATCH_MAX):
            is_new = True
            about.update(str(one.event.data["webhook"]) for one in found if "webhook" in one.event.data)
            if len(found) < RELAY_BATCH_MAX:
                break
        return frozenset(about) if is_new else None

    async def read(self, after: int, limit: int) -> Sequence[Recorded]:
        """Events of all projects behind `after`, as far as is known since `refresh`; older ones from the store."""
        if self._has_begun and after >= self._tail.start:
            return self._tail.above(after)[:limit]
        return await self._store.read_events(after, limit)

    async def at(self, seq: int) -> Recorded | None:
        """One event; None: it is no longer kept."""
        found = await self.read(seq - 1, 1)
        return found[0] if found and found[0].seq == seq else None
