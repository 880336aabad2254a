"""The audit trail, in memory."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Sequence
from itertools import islice

from everpost.model.event import Event, Recorded
from everpost.store.port import Notice


class Trail:
    def __init__(self) -> None:
        self._events: list[Recorded] = []
        self._events_of: dict[str | None, dict[str, Recorded]] = defaultdict(dict)  # by message and event id
        self._papers: dict[str | None, dict[str, bytes]] = defaultdict(dict)  # by the same
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

    def note(self, notice: Notice) -> bool:
        """False, having changed nothing, if it is known."""
        event = notice.event
        if event.id in self._events_of[event.message_id]:
            return False
        self.append([event, *notice.further])
        if notice.paper:
            self._papers[event.message_id][event.id] = notice.paper
        return True

    def paper(self, event_id: str, message_id: str | None) -> bytes | None:
        return self._papers.get(message_id, {}).get(event_id)

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
            self._papers.pop(id_, None)
        self._events = [one for one in self._events if one.event.message_id not in message_ids]

    def forget_others(self, before: float, limit: int) -> None:
        """The oldest of those that belong to no message."""
        others = self._events_of[None]
        for id_ in list(islice((id_ for id_, one in others.items() if one.event.at < before), limit)):
            self._events.remove(others.pop(id_))
            self._papers[None].pop(id_, None)

    def forget_papers(self, message_id: str) -> None:
        self._papers.pop(message_id, None)

    def forget_other_papers(self, before: float, limit: int) -> None:
        """The oldest of those that belong to no message."""
        papers, events = self._papers[None], self._events_of[None]
        old = sorted((events[id_].event.at, events[id_].seq, id_) for id_ in papers if events[id_].event.at < before)
        for _, _, id_ in old[:limit]:
            del papers[id_]
