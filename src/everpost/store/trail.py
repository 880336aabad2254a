"""The audit trail, in memory."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Sequence
from itertools import islice

from everpost.model.event import Event, Recorded


class Trail:
    def __init__(self) -> None:
        self._events: list[Recorded] = []
        self._events_of: dict[str | None, dict[str, Recorded]] = defaultdict(dict)  # by message and event id
        self._seq = 0

    def append(self, events: Sequence[Event]) -> None:
        for event in events:
            self._seq += 1
            recorded = Recorded(self._seq, event)
            self._events.append(recorded)
            self._events_of[event.message_id][event.id] = recorded

    def record(self, events: Sequence[Event]) -> None:
        """Leaves out what is known."""
        for event in events:
            if event.id not in self._events_of[event.message_id]:
                self.append([event])

    def of(self, message_id: str) -> tuple[Recorded, ...]:
        return tuple(self._events_of.get(message_id, {}).values())

    def read(self, after: int, limit: int, project: str | None, message_id: str | None) -> list[Recorded]:
        told = self._events if message_id is None else self.of(message_id)
        start = bisect_left(told, after + 1, key=lambda recorded: recorded.seq)
        wanted = (one for one in islice(told, start, None) if project in (None, one.event.project))
        return list(islice(wanted, limit))

    def forget(self, message_ids: Collection[str]) -> None:
        for id_ in message_ids:
            self._events_of.pop(id_, None)
        self._events = [one for one in self._events if one.event.message_id not in message_ids]

    def forget_others(self, before: float, limit: int) -> None:
        """The oldest of those that belong to no message."""
        others = self._events_of[None]
        for id_ in list(islice((id_ for id_, one in others.items() if one.event.at < before), limit)):
            self._events.remove(others.pop(id_))
