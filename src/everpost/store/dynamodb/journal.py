"""The audit trail as it is read: by number across all messages, or of one message."""

from itertools import chain
from typing import Final

import msgspec

from everpost.model.event import Event, Recorded
from everpost.store.dynamodb.attributes import Item
from everpost.store.dynamodb.items import suppression_items
from everpost.store.dynamodb.keys import (
    BUCKET_EVENTS,
    EVENTS,
    JOURNAL_HEAD,
    bucket_of,
    message_pk,
    page_key,
    recorded_key,
)
from everpost.store.dynamodb.outbox import Outbox, in_order, to_events
from everpost.store.dynamodb.place import Place
from everpost.store.dynamodb.sequencer import LAST, Sequencer
from everpost.store.dynamodb.table import ConditionFailed, Range
from everpost.store.dynamodb.writes import ABSENT, Write
from everpost.store.port import Notice

UNPLACED: Final = 0  # of an event whose number is not known yet
_EVENTS: Final = msgspec.json.Decoder(list[Event])


class Journal:
    def __init__(self, place: Place, outbox: Outbox, sequencer: Sequencer) -> None:
        self._table = place.table
        self._shards = place.shards
        self._outbox = outbox
        self._sequencer = sequencer

    async def record(self, event: Event) -> None:
        """Left out if it is known."""
        await self._write_new(event, Write.put(self._outbox.recorded(event), ABSENT))

    async def note(self, notice: Notice) -> bool:
        """Its events lie in one item, with the paper, and go with it."""
        put = Write.put(self._outbox.noted(notice), ABSENT)
        barred = chain.from_iterable(suppression_items(one, self._shards) for one in notice.suppressions)
        return await self._write_new(notice.event, put, *map(Write.put, barred))

    async def paper(self, event_id: str, message_id: str | None) -> bytes | None:
        item = await self._table.get(recorded_key(event_id, message_id))
        return None if item is None else item.get("paper")

    async def _write_new(self, event: Event, *writes: Write) -> bool:
        """False, having changed nothing, if the event is known: as one of this kind, or as one that came with a
        change."""
        if event.message_id is not None:
            of = Range(pk=message_pk(event.message_id), first=EVENTS, last=EVENTS + LAST)
            known = await self._table.query(of)
            if any(one.id == event.id for some in known for one in to_events(some)):
                return False
        try:
            if len(writes) == 1:
                await self._table.write(writes[0])
            else:
                await self._table.transact(writes)
        except ConditionFailed:
            return False
        return True

    async def read(self, after: int, limit: int, project: str | None, message_id: str | None) -> list[Recorded]:
        if message_id is not None:
            return await self._of_message(message_id, after, limit, project)
        await self._sequencer.run(limit)
        head = await self._sequencer.head()
        found: list[Recorded] = []
        oldest = head.oldest
        number = max(after + 1, oldest * BUCKET_EVENTS)
        while number < head.next and len(found) < limit:
            pages = await self._pages(number, limit - len(found) if project is None else None)
            if not pages:  # these have outlived their time
                oldest += number <= max(oldest * BUCKET_EVENTS, 1)
                number = (bucket_of(number) + 1) * BUCKET_EVENTS
                continue
            told = [one for page in pages for one in _recorded(page) if number <= one.seq]
            found += [one for one in told if project in (None, one.event.project)]
            number = told[-1].seq + 1
        if head.oldest < oldest <= bucket_of(head.next):
            await self._table.write(Write.update(JOURNAL_HEAD, "SET #oldest = :oldest", oldest=oldest))
        return found[:limit]

    async def _pages(self, number: int, events_max: int | None) -> list[Item]:
        """Of the number's bucket, from that number on; a page has at least one event."""
        first = page_key(number)
        return await self._table.query(Range(pk=first.pk, first=first.sk), events_max)

    async def _of_message(self, message_id: str, after: int, limit: int, project: str | None) -> list[Recorded]:
        pk = message_pk(message_id)
        events = Range(pk=pk, first=EVENTS, last=EVENTS + LAST)
        items = await self._table.query(events)
        if any("seq" not in item for item in items):
            await self._sequencer.run_for(pk)
            items = await self._table.query(events)
        told = [one for item in in_order(items) for one in recorded_of(item)]
        return [one for one in told if one.seq > after and project in (None, one.event.project)][:limit]


def recorded_of(item: Item) -> list[Recorded]:
    """The events of one item of a message."""
    events = to_events(item)
    if "seq" not in item:
        return [Recorded(UNPLACED, event) for event in events]
    return [Recorded(number, event) for number, event in enumerate(events, item["seq"])]


def _recorded(page: Item) -> list[Recorded]:
    return [Recorded(number, event) for number, event in enumerate(_EVENTS.decode(page["events"]), page["first"])]
