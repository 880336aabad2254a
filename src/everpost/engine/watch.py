"""Those who wait for the end of a message."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain

from everpost.model.change import Change


class Watches:
    def __init__(self) -> None:
        self._events: dict[str, list[asyncio.Event]] = defaultdict(list)  # by message
        self.over = False  # the process stops: nobody should wait for anything any more

    @contextmanager
    def watch(self, message_id: str) -> Iterator[asyncio.Event]:
        """An event that is set whenever something was written of the message in this process, and when that stops."""
        event = asyncio.Event()
        self._events[message_id].append(event)
        try:
            yield event
        finally:
            self._events[message_id].remove(event)
            if not self._events[message_id]:
                del self._events[message_id]

    def wake(self, changes: Sequence[Change]) -> None:
        for change in changes:
            for event in self._events.get(change.delivery.message_id, ()):
                event.set()

    def end(self) -> None:
        self.over = True
        for event in chain.from_iterable(self._events.values()):
            event.set()
