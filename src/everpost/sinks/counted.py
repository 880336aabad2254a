"""A sink that keeps count of what it has taken: figures of all processes, from the one that relays."""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from everpost.sinks.port import Sink

ACCEPTED: Final = ".email.accepted"


class CountedSink:
    """Counts an event when the sink has taken it: twice only where it was put twice."""

    def __init__(self, sink: Sink, clock: Callable[[], float] = time.time) -> None:
        self.name = sink.name
        self._sink = sink
        self._clock = clock
        self._oldest_at: float | None = None  # of the events that the sink has not taken, as far as was tried
        self.accepted = 0  # mails
        self.attempts: Counter[tuple[str, str]] = Counter()  # that have ended, by account and outcome

    @property
    def lag_s(self) -> float:
        """How long the sink has kept the next event waiting; 0: it has taken all that it was given."""
        return 0.0 if self._oldest_at is None else max(0.0, self._clock() - self._oldest_at)

    @property
    def buried(self) -> int:
        return self._sink.buried

    async def put(self, events: Sequence[Mapping[str, Any]]) -> None:
        if events:
            self._oldest_at = datetime.fromisoformat(events[0]["time"]).timestamp()
        await self._sink.put(events)
        self._oldest_at = None
        for event in events:
            self._count(event)

    async def close(self) -> None:
        await self._sink.close()

    def _count(self, event: Mapping[str, Any]) -> None:
        data = event.get("data", {})
        if event["type"].endswith(ACCEPTED):
            self.accepted += 1
        elif "outcome" in data and "account" in data:
            self.attempts[data["account"], data["outcome"]] += 1
