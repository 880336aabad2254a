"""When keys were last used: a document for each, beside that of the key, so that neither stands in the other's way.

It is written once a minute, in a task that no request waits for.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import msgspec
from msgspec import Struct

from everpost.store.port import Document, Store, StoreUnavailable

NOTED_S: Final = 60.0
"""How old a time that is told may be."""
KNOWN_MAX: Final = 1024
USED: Final = "/used"  # behind the name of the key's own document
_NEVER: Final = Document(b"0", 0)


class Use(Struct, frozen=True):
    at: float
    version: int


class KeyUses:
    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock
        self._known: dict[str, Use] = {}  # by the name of the key's document
        self._tasks: set[asyncio.Task[None]] = set()

    def learn(self, name: str, document: Document | None) -> None:
        """What the store holds, as it was just read."""
        if len(self._known) >= KNOWN_MAX:
            self._known.clear()
        self._known[name] = used(document)

    def note(self, name: str) -> None:
        """That the key is used now, if what the store holds is old."""
        now, known = self._clock(), self._known.get(name)
        if known is None or 0 <= now - known.at < NOTED_S:
            return
        self._known[name] = Use(now, known.version + 1)
        task = asyncio.create_task(self._write(name, now, known.version), name="key-use")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def settled(self) -> None:
        """Returns when nothing is being written. Never fails."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _write(self, name: str, now: float, was: int) -> None:
        """Not repeated: the next read shows whether it is still to be done."""
        with suppress(StoreUnavailable):
            await self._store.write_config(name + USED, msgspec.json.encode(now), was)


def used(document: Document | None) -> Use:
    found = document or _NEVER
    return Use(msgspec.json.decode(found.value, type=float), found.version)
