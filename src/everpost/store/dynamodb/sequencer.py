"""Gives events their numbers, without gaps and without a second one, whoever else tries to at the same time.

One transaction moves the head of the journal from the number that was seen, writes the pages and takes the marks away:
it holds whole, or somebody else was first and nothing has changed. A sequencer that dies leaves nothing behind.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate, groupby
from typing import Final

import msgspec
from msgspec import Struct

from everpost.model.event import Event
from everpost.store.dynamodb.attributes import Item
from everpost.store.dynamodb.items import events_until
from everpost.store.dynamodb.keys import EVENTS, JOURNAL_HEAD, Key, bucket_of, page_key
from everpost.store.dynamodb.outbox import in_order, state_changes, to_events
from everpost.store.dynamodb.place import Place
from everpost.store.dynamodb.schema import JOURNAL_INDEX
from everpost.store.dynamodb.table import ConditionFailed, Range
from everpost.store.dynamodb.writes import ABSENT, Write

MARKS_MAX: Final = 60  # event items that are numbered at once; a transaction takes 100 items, pages and head included
EVENTS_MAX: Final = 1000  # in these items
ROUNDS_MAX: Final = 50  # of one run
PAGE_EVENTS_MAX: Final = 100  # of one page, which has to stay an item
MARKED: Final = "attribute_exists(#unsequenced_at)"
LAST: Final = chr(0x10FFFF)  # sorts behind every other character
_JSON: Final = msgspec.json.Encoder()


class Head(Struct, frozen=True, kw_only=True):
    """How far the journal has come."""

    round: int = 0  # how often it was written: 0, never
    next: int = 1  # the number of the next event
    oldest: int = 0  # the first bucket that may have pages
    tally: Mapping[str, int] = {}  # deliveries by state, as these events tell it


class _Unnumbered(Struct, frozen=True):
    item: Item
    tally: Mapping[str, int]  # what it makes of the deliveries by state
    events: Sequence[Event]

    @property
    def key(self) -> Key:
        return Key(self.item["pk"], self.item["sk"])


class Sequencer:
    def __init__(self, place: Place) -> None:
        self._table = place.table
        self._marks = [f"u{shard}" for shard in range(place.shards)]
        self._keep = place.keep

    async def head(self) -> Head:
        item = await self._table.get(JOURNAL_HEAD)
        if item is None:
            return Head()
        return Head(round=item["round"], next=item["next"], oldest=item.get("oldest", 0), tally=item["tally"])

    async def run(self, events_max: int) -> None:
        """Numbers what the index shows: until there is no more, or so many events."""
        told = 0
        for _ in range(ROUNDS_MAX):
            marks, horizon = await self._find()
            pending = await self._read(marks, horizon)
            if not pending:
                return
            if await self._number(pending):  # else somebody else was at it: what is left is looked for anew
                told += sum(len(one.events) for one in pending)
            if told >= events_max:
                return

    async def run_for(self, pk: str) -> None:
        """Numbers all that one partition holds, whether an index shows it or not."""
        for _ in range(ROUNDS_MAX):
            pending = await self._read([pk], math.inf)
            if not pending:
                return
            await self._number(pending)

    async def _find(self) -> tuple[list[str], float]:
        """The partitions of the oldest marks, and up to which stamp these are all."""

        async def of_shard(mark: str) -> list[Item]:
            names = ("unsequenced_shard", "unsequenced_at")
            return await self._table.query(Range(pk=mark, index=JOURNAL_INDEX, names=names), MARKS_MAX)

        found = [item for items in await self._table.together(of_shard, self._marks) for item in items]
        found.sort(key=lambda item: item["unsequenced_at"])
        horizon = found[MARKS_MAX - 1]["unsequenced_at"] if len(found) >= MARKS_MAX else math.inf
        return [item["pk"] for item in found[:MARKS_MAX]], horizon

    async def _read(self, pks: Sequence[str], horizon: float) -> list[_Unnumbered]:
        """What these partitions hold without a number, in the order in which it was written."""

        async def of_partition(pk: str) -> list[_Unnumbered]:
            items = in_order(await self._table.query(Range(pk=pk, first=EVENTS, last=EVENTS + LAST)))
            tallies = state_changes(items)
            told = zip(items, tallies, strict=True)
            return [_Unnumbered(item, tally, to_events(item)) for item, tally in told if "seq" not in item]

        parts = await self._table.together(of_partition, dict.fromkeys(pks))
        found = sorted((one for part in parts for one in part), key=lambda one: one.item["unsequenced_at"])
        early = [one for one in found if one.item["unsequenced_at"] <= horizon] or found
        events = accumulate(len(one.events) for one in early)
        room = sum(count <= EVENTS_MAX for count in events)
        return early[: max(1, min(room, MARKS_MAX))]

    async def _number(self, pending: Sequence[_Unnumbered]) -> bool:
        """False, having changed nothing, if somebody else has numbered some of it meanwhile."""
        head = await self.head()
        number = head.next
        tally = dict(head.tally)
        numbered: list[tuple[int, Event]] = []
        writes = []
        for one in pending:
            writes.append(_marked(one, number))
            numbered += enumerate(one.events, number)
            number += len(one.events)
            for state, count in one.tally.items():
                tally[state] = tally.get(state, 0) + count
        writes += [Write.put(page, ABSENT) for page in self._pages(numbered)]
        change = "SET #round = :round, #next = :next, #tally = :tally"
        values = {"round": head.round + 1, "next": number, "tally": tally}
        if head.round == 0:
            writes.append(Write.update(JOURNAL_HEAD, change, ABSENT, **values))
        else:
            writes.append(Write.update(JOURNAL_HEAD, change, "#round = :was", **values, was=head.round))
        try:
            await self._table.transact(writes)
        except ConditionFailed:
            return False
        return True

    def _pages(self, numbered: Sequence[tuple[int, Event]]) -> Iterator[Item]:
        def place(one: tuple[int, Event]) -> tuple[int, int]:
            return bucket_of(one[0]), (one[0] - numbered[0][0]) // PAGE_EVENTS_MAX

        for _, some in groupby(numbered, key=place):
            page = list(some)
            yield {
                **page_key(page[-1][0])._asdict(),
                "first": page[0][0],
                "events": _JSON.encode([event for _, event in page]).decode(),
                "expires_at": events_until(self._keep, max(event.at for _, event in page)),
            }


def _marked(one: _Unnumbered, number: int) -> Write:
    """The mark goes; what tells no event goes with it."""
    if "gone" in one.item:
        return Write.delete(one.key, MARKED)
    change = "SET #seq = :seq REMOVE #unsequenced_shard, #unsequenced_at"
    return Write.update(one.key, change, MARKED, seq=number)
