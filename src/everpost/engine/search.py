"""The audit trail, looked through for what somebody wants to see."""

from collections import deque
from collections.abc import Collection, Sequence

from msgspec import Struct

from everpost.engine.trail import CLOCKS_OFF_S, last_seq, seq_before
from everpost.model.event import EventType, Recorded
from everpost.model.limits import EVENT_LOOKS_MAX, EVENTS_PAGE_MAX
from everpost.store.port import Store


class Sought(Struct, frozen=True, kw_only=True):
    """All given conditions hold together."""

    project: str | None  # None: of all
    message_id: str | None = None
    type: EventType | None = None
    types: Collection[EventType] | None = None  # one of these
    account: str | None = None
    since: float | None = None
    until: float | None = None  # and before that

    def matches(self, recorded: Recorded) -> bool:
        """Of events of that project and message."""
        event = recorded.event
        return (
            self.type in (None, event.type)
            and (self.types is None or event.type in self.types)
            and self.account in (None, event.account)
            and (self.since is None or event.at >= self.since)
            and (self.until is None or event.at < self.until)
        )

    @property
    def is_narrow(self) -> bool:
        given = (self.type, self.types, self.account, self.since, self.until)
        return any(each is not None for each in given)

    def is_past(self, recorded: Recorded) -> bool:
        """Nothing that comes before can match, as far."""
        return self.since is not None and recorded.event.at < self.since - 2 * CLOCKS_OFF_S

    def is_over(self, recorded: Recorded) -> bool:
        """Nothing that follows can match, however much the clocks of machines differ."""
        return self.until is not None and recorded.event.at >= self.until + 2 * CLOCKS_OFF_S


class Found(Struct, frozen=True):
    events: Sequence[Recorded]  # oldest first
    place: int  # where to go on; the same as before: there is no more


async def search(store: Store, sought: Sought, after: int, limit: int) -> Found:
    """Up to `limit` events behind `after`; fewer, maybe none, where many were looked at in vain. Raises
    StoreUnavailable."""
    found: list[Recorded] = []
    place, looks = await _start(store, sought, after), 0
    while looks < EVENT_LOOKS_MAX:
        size = EVENTS_PAGE_MAX if sought.is_narrow else limit
        page = await store.read_events(place, size, sought.project, sought.message_id)
        looks += len(page)
        for one in page:
            if sought.is_over(one):
                return Found(found, place)
            place = max(place, one.seq)
            if sought.matches(one):
                found.append(one)
                if len(found) == limit:
                    return Found(found, place)
        if len(page) < size:
            break
    return Found(found, place)


async def search_back(store: Store, sought: Sought, before: int, limit: int) -> Found:
    """The same backwards: up to `limit` events that do not lie behind the place `before`, newest first. At place 0
    nothing is left."""
    if sought.message_id is not None:
        return await _last_of_a_mail(store, sought, before, limit)
    found: list[Recorded] = []
    place = before
    for _ in range(0, EVENT_LOOKS_MAX, EVENTS_PAGE_MAX):
        low = max(0, place - EVENTS_PAGE_MAX)
        page = await store.read_events(low, EVENTS_PAGE_MAX, sought.project)
        for one in reversed(page):
            if one.seq > place:
                continue
            if sought.is_past(one):
                return Found(found, 0)
            if sought.matches(one):
                found.append(one)
                if len(found) == limit:
                    return Found(found, one.seq - 1)
        place = low
        if place == 0:
            break
    return Found(found, place)


async def _last_of_a_mail(store: Store, sought: Sought, before: int, limit: int) -> Found:
    """Its events lie anywhere in the trail, so that no place tells where the last ones begin: all are read."""
    last: deque[Recorded] = deque(maxlen=limit)
    place, is_full = 0, True
    while is_full and place < before:
        page = await store.read_events(place, EVENTS_PAGE_MAX, sought.project, sought.message_id)
        last.extend(one for one in page if one.seq <= before and sought.matches(one))
        is_full = len(page) == EVENTS_PAGE_MAX
        place = page[-1].seq if page else before
    return Found([*reversed(last)], last[0].seq - 1 if len(last) == limit else 0)


async def _start(store: Store, sought: Sought, after: int) -> int:
    """Not far before the first event of the time that is sought."""
    if sought.since is None or sought.message_id is not None:
        return after
    first = await store.read_events(after, 1)
    if not first or first[0].event.at >= sought.since - CLOCKS_OFF_S:
        return after
    return max(after, await seq_before(store, sought.since, await last_seq(store)))
