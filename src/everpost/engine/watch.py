"""Those who wait for the end of a message."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import Final

from msgspec.structs import replace

from everpost.model.change import Change
from everpost.model.event import Recorded
from everpost.store.port import Stored

UNPLACED: Final = 0
"""The place in the audit trail of an event that is known here before anybody has asked the store for it."""


class Watch:
    """What this process has written of a message; `stirred` is set with each change, and when the process stops."""

    def __init__(self) -> None:
        self.stirred = asyncio.Event()
        self._changes: list[Change] = []

    def add(self, change: Change) -> None:
        self._changes.append(change)
        self.stirred.set()

    def follow(self, stored: Stored) -> Stored | None:
        """What the changes since the last call have made of the message. None: there were none, or others have been
        written in between, so that the store has to be asked."""
        changes, self._changes = self._changes, []
        deliveries = {delivery.id: delivery for delivery in stored.deliveries}
        events = list(stored.events)
        for change in changes:
            before = deliveries.get(change.delivery.id)
            if before is None or before.version != change.was:
                return None
            deliveries[before.id] = change.delivery
            events += [Recorded(UNPLACED, event) for event in change.events]
        return replace(stored, deliveries=tuple(deliveries.values()), events=tuple(events)) if changes else None


class Watches:
    def __init__(self) -> None:
        self._watches: dict[str, list[Watch]] = defaultdict(list)  # by message
        self.over = False  # the process stops: nobody should wait for anything any more

    @contextmanager
    def watch(self, message_id: str) -> Iterator[Watch]:
        watch = Watch()
        self._watches[message_id].append(watch)
        try:
            yield watch
        finally:
            self._watches[message_id].remove(watch)
            if not self._watches[message_id]:
                del self._watches[message_id]

    def are_on(self, message_id: str) -> bool:
        return message_id in self._watches

    def wake(self, changes: Sequence[Change]) -> None:
        """Tells of changes that are on disk."""
        for change in changes:
            for watch in self._watches.get(change.delivery.message_id, ()):
                watch.add(change)

    def end(self) -> None:
        self.over = True
        for watch in chain.from_iterable(self._watches.values()):
            watch.stirred.set()
