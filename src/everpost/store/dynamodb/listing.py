"""Lists of messages: the entries of the narrowest list, newest first over all shards, each looked up and checked.

An entry is a hint. What it leads to is read as it stands, and left out if it does not match. No list narrows by a
state that is common, or by an account: who asks for one that is rare in these has to narrow the time as well, since so
many messages are read in vain and no more.
"""

from collections import deque
from collections.abc import AsyncIterator
from typing import Final

from everpost.model.limits import LIST_LOOKS_MAX
from everpost.store.dynamodb.changes import RARE
from everpost.store.dynamodb.keys import Listing, listing_pk
from everpost.store.dynamodb.place import Place
from everpost.store.dynamodb.reads import get_message
from everpost.store.dynamodb.table import Range, Table
from everpost.store.matching import matches
from everpost.store.order import first_id
from everpost.store.port import Filter, Stored

ENTRIES_MAX: Final = 200  # that are read of a shard at once
TOGETHER: Final = 20  # messages that are looked up side by side


class Lists:
    def __init__(self, place: Place) -> None:
        self._table = place.table
        self._shards = place.shards

    async def page(self, by: Filter, before: str | None, limit: int) -> list[Stored]:
        found: list[Stored] = []
        in_vain = 0
        batch: list[str] = []

        async def look(id_: str) -> Stored | None:
            stored = await get_message(self._table, id_)
            is_meant = stored is not None and stored.message.project == by.project and matches(stored, by)
            return stored if is_meant else None

        async for id_ in self.walk(by, before, limit):
            batch.append(id_)
            if len(batch) < min(TOGETHER, limit - len(found)):
                continue
            looked = await self._table.together(look, batch)
            found += [one for one in looked if one is not None]
            in_vain += looked.count(None)
            batch = []
            if len(found) >= limit or in_vain >= LIST_LOOKS_MAX:
                return found
        return found + [one for one in await self._table.together(look, batch) if one is not None]

    async def walk(self, by: Filter, before: str | None, limit: int) -> AsyncIterator[str]:
        """Ids of the narrowest list, newest first: hints. Up to `limit` are read of each shard at once."""
        kind, value = _narrowest(by)
        first = None if by.created_from is None else first_id(by.created_from)
        ends = [] if before is None else [before]
        if by.created_before is not None:
            ends.append(first_id(by.created_before))
        end = min(ends, default=None)
        if (end is not None and first is not None and first >= end) or end == "" or limit <= 0:
            return
        walks = [
            _Walk(self._table, listing_pk(shard, kind, by.project, value), first, end, min(limit, ENTRIES_MAX))
            for shard in range(self._shards)
        ]
        await self._table.together(_Walk.refill, walks)
        while newest := max((walk for walk in walks if walk.ids), key=lambda walk: walk.ids[0], default=None):
            yield newest.ids.popleft()
            if not newest.ids:
                await newest.refill()


class _Walk:
    """Through the entries of one shard, from the newest below `end`."""

    def __init__(self, table: Table, pk: str, first: str | None, end: str | None, at_once: int) -> None:
        self._table = table
        self._pk = pk
        self._first = first
        self._end = end
        self._at_once = at_once
        self._is_over = False
        self.ids: deque[str] = deque()

    async def refill(self) -> None:
        if self._is_over or (self._first is not None and self._end is not None and self._first > self._end):
            return
        of = Range(pk=self._pk, first=self._first, last=self._end, newest_first=True)
        entries = await self._table.query(of, self._at_once + 1)  # the end itself may be among them
        self.ids.extend(item["sk"] for item in entries if self._end is None or item["sk"] < self._end)
        self._is_over = len(entries) <= self._at_once
        self._end = self.ids[-1] if self.ids else self._end


def _narrowest(by: Filter) -> tuple[Listing, str]:
    if by.recipient is not None:
        return Listing.RECIPIENT, by.recipient.lower()
    if by.tag is not None:
        return Listing.TAG, by.tag
    if by.state in RARE:
        return Listing.STATE, by.state.value
    return Listing.ALL, ""
