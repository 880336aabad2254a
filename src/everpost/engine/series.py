"""Keeps the figures over time: follows the audit trail, one process at a time, and reads them for those who ask."""

import asyncio
import logging
import math
from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import Struct

from everpost.core.ranges import names_of, series_of
from everpost.core.series import TIERS, Name, Page, Tally, add, packed, pages_of, sampled, tallied, unpacked
from everpost.engine.lease import Lease
from everpost.engine.ports import Ports
from everpost.engine.trail import last_seq, seq_before
from everpost.model.limits import SERIES_BATCH_MAX
from everpost.model.series import Range, Series
from everpost.store.port import Store, StoreUnavailable

EVERY_S: Final = 5.0  # what happens shows in the figures within this time, and no document is written more often
CALLS_S: Final = 45.0  # the same where a function counts, which is called each minute, and for much of the mail
SAMPLE_S: Final = 15.0  # the queue is looked at so often
OVERDUE_S: Final = 1.0  # mail that has waited less was about to go
PRUNED_MAX: Final = 100  # spans of time whose pages are deleted in one step, of each tier
_FOLDER: Final = "series/"
_PLACE: Final = "series-place"
_log = logging.getLogger(__name__)


class Place(Struct, frozen=True, kw_only=True):
    """How far the one who counts has got."""

    seq: int  # all events up to here are counted
    at: float  # when that was
    sampled_at: float = 0.0
    kept_from: dict[str, int] = {}  # by tier: pages before this index are deleted


class Recorder:
    """Counts events into pages, and deletes pages that are past their time.

    The lease saves work. That nothing is left out or counted twice rests on the pages: each is written by its version
    with the number of the last event that it has taken, and the place in the trail after all of them.
    """

    def __init__(self, ports: Ports, batch: int = SERIES_BATCH_MAX) -> None:
        self._ports = ports
        self._store = ports.store
        self._lease = Lease("series", ports.store, ports.clock)
        self._batch = batch
        self._looked_at = -math.inf  # when the queue was looked at last, by the monotonic clock

    async def run(self) -> None:
        """Until cancelled."""
        try:
            while True:
                try:
                    await self._to_the_end()
                except StoreUnavailable as error:
                    _log.warning("the figures over time wait for the store", extra={"error": str(error)})
                except Exception:
                    _log.exception("events were not counted; it is tried again")
                await asyncio.sleep(EVERY_S)
        finally:
            await self._lease.release()

    async def catch_up(self) -> None:
        """Counts all that there is, unless another process does, or somebody has not long ago."""
        place, _ = await self._place()
        if self._ports.clock.now() - place.at < CALLS_S:
            return
        try:
            await self._to_the_end()
        finally:
            await self._lease.release()

    async def _to_the_end(self) -> None:
        while await self.step():
            pass

    async def step(self) -> bool:
        """Counts the next events; False: there is nothing more, or it is another process's turn."""
        place, version = await self._place()
        now = self._ports.clock.now()
        sample = await self._sample(place, now)
        if not sample and not await self._store.read_events(place.seq, 1):
            return False
        if not await self._lease.hold():
            return False
        events = await self._store.read_events(place.seq, self._batch)
        end = events[-1].seq if events else place.seq
        whole = tallied(events)

        async def count(name: Name) -> bool:
            page, was = await read_page(self._store, name)
            fresh = whole if page.seq <= place.seq else tallied(each for each in events if each.seq > page.seq)
            has_grown = add(page, name, fresh)
            if not add(page, name, sample) and not has_grown:
                return True
            page.seq = max(page.seq, end)
            return await self._store.write_config(_document(name), packed(page), was) is not None

        written = await asyncio.gather(*map(count, pages_of(whole, now) | pages_of(sample, now)))
        if not all(written):
            return False  # somebody else is at it
        after = Place(
            seq=end,
            at=now,
            sampled_at=now if sample else place.sampled_at,
            kept_from=await self._prune(place.kept_from, now),
        )
        stored = await self._store.write_config(_PLACE, msgspec.json.encode(after), version)
        return stored is not None and len(events) == self._batch

    async def _place(self) -> tuple[Place, int]:
        """With its version. Who begins counts what is in the trail of the time that is kept."""
        document = (await self._store.read_config(_PLACE)).get(_PLACE)
        if document is not None:
            return msgspec.json.decode(document.value, type=Place), document.version
        first_at = self._ports.clock.now() - max(tier.kept_s for tier in TIERS)
        return Place(seq=await seq_before(self._store, first_at, await last_seq(self._store)), at=0.0), 0

    async def _sample(self, place: Place, now: float) -> Tally:
        """Nothing where nothing waits: an idle system writes nothing. Nor where it was looked not long ago, by whatever
        process has written it down, or by this one."""
        monotonic = self._ports.clock.monotonic()
        if now - place.sampled_at < SAMPLE_S or monotonic - self._looked_at < SAMPLE_S:
            return {}
        self._looked_at = monotonic
        due_at = (await self._store.counts()).oldest_due_at
        age_s = 0.0 if due_at is None else now - due_at
        return sampled(round(age_s, 1), now) if age_s >= OVERDUE_S else {}

    async def _prune(self, kept_from: dict[str, int], now: float) -> dict[str, int]:
        """Deletes pages whose time is over, of all projects; after a long rest in several steps."""
        kept = {}
        for tier in TIERS:
            index = tier.index(now - tier.kept_s)
            was = kept_from.get(tier.name, index)
            kept[tier.name] = min(index, was + PRUNED_MAX)
            for gone in range(was, kept[tier.name]):
                for name in await self._store.read_config(_folder(tier.name, gone)):
                    await self._store.write_config(name, None, None)
        return kept


async def read_series(store: Store, project: str, range_: Range, now: float) -> Series:
    """Costs a few reads by key, however much mail there was. Raises StoreUnavailable."""
    names = names_of(range_, project, now)
    pages: Sequence[tuple[Page, int]] = await asyncio.gather(*(read_page(store, name) for name in names))
    return series_of(range_, [(name, page) for name, (page, _) in zip(names, pages, strict=True)], now)


async def read_page(store: Store, name: Name) -> tuple[Page, int]:
    """With its version; one that is not there is empty."""
    document = (await store.read_config(_document(name))).get(_document(name))
    return (Page(), 0) if document is None else (unpacked(document.value), document.version)


def _folder(tier: str, index: int) -> str:
    return f"{_FOLDER}{tier}/{index}/"


def _document(name: Name) -> str:
    """Without an end of its own a project's name would begin others'."""
    return f"{_folder(name.tier.name, name.index)}{name.project}/"
