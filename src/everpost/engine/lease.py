"""One process at a time: who holds a lease in the store does the work, the others stand by.

A lease is a document: who holds it, and until when by that process's clock. A standby does not rest on that clock: it
takes a lease over when the document has stood unchanged for the whole of its length, measured by the standby's own
monotonic clock. Only at its first look, when it knows nothing else, does it believe an end that has passed.

A lease alone keeps nobody from doing what it began before it lost it: a process that was frozen wakes and goes on.
So what is done under a lease must be harmless when done twice, and what is written of it must be fenced by versions.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

import msgspec
from msgspec import Struct

from everpost.engine.clock import Clock
from everpost.store.port import Document, Store, StoreUnavailable

LEASE_S: Final = 15.0
RENEW_S: Final = 5.0  # how old it may be before it is renewed, which may fail for the rest of its length
LOOK_S: Final = 1.0  # how often that is looked at
RELEASE_S: Final = 2.0  # a store that takes longer to hear of the end is left to find out by itself
_FOLDER: Final = "lease/"


class _Term(Struct, frozen=True, kw_only=True):
    holder: str | None  # None: it was given back
    ends_at: float


class _Seen(Struct, frozen=True):
    document: Document
    at: float  # when it was first seen like this, by the monotonic clock


class Lease:
    """One process's view of the lease `lease/NAME`. What has nothing to do need not hold it: then it ends by itself,
    without a write, and whoever has work next takes it."""

    def __init__(self, name: str, store: Store, clock: Clock) -> None:
        self._name = _FOLDER + name
        self._store = store
        self._clock = clock
        self._me = f"{clock.entropy():020x}"
        self._own: Document | None = None  # as this process has written it last; None: it does not know of any
        self._own_at = 0.0  # when that write began, by the monotonic clock
        self._seen: _Seen | None = None  # somebody else's

    @property
    def is_fresh(self) -> bool:
        """Whether it is held and need not be renewed yet."""
        return self._own is not None and self._clock.monotonic() - self._own_at < RENEW_S

    async def hold(self) -> bool:
        """To be asked before each piece of work: whether it is this process's to do. Takes the lease where it is free
        or has ended, renews it where it is due; costs nothing while it is fresh. Raises StoreUnavailable: then nobody
        knows."""
        if self.is_fresh:
            return True
        was = await self._version()
        return was is not None and await self._write(was)

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Renews the lease for as long as the block runs, however long that is."""
        renewing = asyncio.create_task(self._renew(), name="lease")
        try:
            yield
        finally:
            renewing.cancel()
            await asyncio.gather(renewing, return_exceptions=True)

    async def release(self) -> None:
        """Gives it back, so that another process takes it at once. Never fails: at worst it ends by itself."""
        own, self._own = self._own, None
        if own is None:
            return
        term = _Term(holder=None, ends_at=self._clock.now())
        with suppress(StoreUnavailable, TimeoutError):
            async with asyncio.timeout(RELEASE_S):
                await self._store.write_config(self._name, msgspec.json.encode(term), own.version)

    async def _renew(self) -> None:
        """Until it is lost. The block goes on all the same: what it does may be done twice."""
        while True:
            await asyncio.sleep(LOOK_S)
            with suppress(StoreUnavailable):
                if not await self.hold():
                    return

    async def _version(self) -> int | None:
        """Of the document that may be written over; None: it is somebody else's."""
        if self._own is not None:
            return self._own.version
        document = (await self._store.read_config(self._name)).get(self._name)
        if document is None:
            return 0
        term = msgspec.json.decode(document.value, type=_Term)
        if term.holder in (None, self._me) or self._has_ended(document, term):
            return document.version
        return None

    def _has_ended(self, document: Document, term: _Term) -> bool:
        now, seen = self._clock.monotonic(), self._seen
        if seen is not None and seen.document == document:
            return now - seen.at >= LEASE_S
        self._seen = _Seen(document, now)
        return seen is None and term.ends_at <= self._clock.now()

    async def _write(self, was: int) -> bool:
        self._own = None  # until the answer is there, nobody knows whose it is
        at = self._clock.monotonic()
        term = _Term(holder=self._me, ends_at=self._clock.now() + LEASE_S)
        self._own = await self._store.write_config(self._name, msgspec.json.encode(term), was)
        if self._own is None:
            return False
        self._own_at = at
        self._seen = _Seen(self._own, at)
        return self._clock.monotonic() - at < LEASE_S  # or else it has ended while it was written
