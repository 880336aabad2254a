"""What is due when, in memory."""

from collections.abc import Iterator
from heapq import heapify, heappop, heappush

from everpost.model.delivery import Delivery

_STALE_MAX = 1024  # entries that may outnumber the valid ones before the heap is built anew

_Entry = tuple[float, str, int, str]  # due_at, message id, position, delivery id


class DueQueue:
    """Each delivery's place is that of the last `put`; entries that this made stale are dropped as they are met."""

    def __init__(self) -> None:
        self._heap: list[_Entry] = []
        self._due_at: dict[str, float] = {}

    def put(self, delivery: Delivery) -> None:
        due_at = delivery.due_at
        if due_at is None:
            self._due_at.pop(delivery.id, None)
            return
        if self._due_at.get(delivery.id) == due_at:
            return
        self._due_at[delivery.id] = due_at
        heappush(self._heap, _entry(due_at, delivery.id))
        if len(self._heap) > 2 * len(self._due_at) + _STALE_MAX:
            self._heap = [_entry(at, id_) for id_, at in self._due_at.items()]
            heapify(self._heap)

    def take(self, now: float, room: int) -> list[str]:
        """Removes up to `room` deliveries that are due, the longest due first."""
        taken: list[str] = []
        for due_at, _, _, id_ in self._valid():
            if due_at > now or len(taken) >= room:
                break
            heappop(self._heap)
            del self._due_at[id_]
            taken.append(id_)
        return taken

    def oldest_at(self) -> float | None:
        return next((due_at for due_at, *_ in self._valid()), None)

    def _valid(self) -> Iterator[_Entry]:
        """The top of the heap, again and again, until it is empty."""
        while self._heap:
            entry = self._heap[0]
            if self._due_at.get(entry[3]) == entry[0]:
                yield entry
            else:
                heappop(self._heap)


def _entry(due_at: float, delivery_id: str) -> _Entry:
    message_id, _, position = delivery_id.partition(".")
    return (due_at, message_id, int(position), delivery_id)
