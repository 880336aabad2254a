"""Deleting what is past its time, found by the index in which it waits for that. A stale index harms nothing: what it
shows is looked at, and deleted only as it was seen."""

from collections import Counter
from collections.abc import Sequence

from everpost.model.delivery import FINAL
from everpost.store.dynamodb.accepting import entries
from everpost.store.dynamodb.attributes import Item
from everpost.store.dynamodb.bodies import Bodies
from everpost.store.dynamodb.changes import RARE
from everpost.store.dynamodb.claims import Claims
from everpost.store.dynamodb.items import state_of, to_head
from everpost.store.dynamodb.keys import (
    AFTER_CONTENT,
    DELIVERY,
    EVENTS,
    HEAD,
    Key,
    Listing,
    Queue,
    listing_pk,
    shard_of,
)
from everpost.store.dynamodb.outbox import Outbox
from everpost.store.dynamodb.place import Place
from everpost.store.dynamodb.sequencer import Sequencer
from everpost.store.dynamodb.table import ConditionFailed, Range
from everpost.store.dynamodb.writes import PRESENT, Write


class Purge:
    def __init__(self, place: Place, claims: Claims, bodies: Bodies, outbox: Outbox, sequencer: Sequencer) -> None:
        self._table = place.table
        self._shards = place.shards
        self._claims = claims
        self._bodies = bodies
        self._outbox = outbox
        self._sequencer = sequencer

    async def run(self, before: float, keys_before: float, limit: int) -> int:
        waiting = await self._claims.waiting(Queue.OLD, limit, before)
        old = list(dict.fromkeys(item["pk"] for item in waiting if item["due_at"] < before))
        gone = 0
        while old and gone < limit:
            some, old = old[: limit - gone], old[limit - gone :]
            gone += sum(await self._table.together(self._delete, some))
        return gone + await self._free_keys(keys_before, limit)

    async def _free_keys(self, before: float, limit: int) -> int:
        waiting = await self._claims.waiting(Queue.KEYS, limit, before)
        keys = [item for item in waiting if item["due_at"] < before]

        async def free(item: Item) -> bool:
            """Not if it was freed and taken anew, which the index does not show yet."""
            key = Key(item["pk"], item["sk"])
            try:
                await self._table.write(Write.delete(key, "#due_at = :seen", seen=item["due_at"]))
            except ConditionFailed:
                return False
            return True

        return sum(await self._table.together(free, keys[:limit]))

    async def _delete(self, pk: str) -> bool:
        """False, having changed nothing, if one of its deliveries is not final."""
        items = await self._told(pk)
        head = next((item for item in items if item["sk"] == HEAD), None)
        deliveries = [item for item in items if item["sk"].startswith(DELIVERY)]
        if head is None or any(state_of(item) not in FINAL for item in deliveries):
            return False
        states = Counter(item["state"] for item in deliveries)
        writes = [
            Write.delete(_key(head), PRESENT),
            *(Write.delete(_key(item), "#version = :seen", seen=item["version"]) for item in deliveries),
            Write.put(self._outbox.purged(to_head(head).id, states)),
        ]
        if not await self._done(writes):
            return False
        await self._bodies.delete(head)
        content = self._bodies.key_of(head)
        rest = [_key(item) for item in items if item is not head and item not in deliveries]
        await self._table.delete_all([*rest, *self._listed(items, head), *([content] if content else [])])
        return True

    async def _told(self, pk: str) -> list[Item]:
        """All of a message but its content. What has happened is numbered before it is forgotten."""
        of = Range(pk=pk, first=AFTER_CONTENT)
        items = await self._table.query(of)
        if any(item["sk"].startswith(EVENTS) and "seq" not in item for item in items):
            await self._sequencer.run_for(pk)
            items = await self._table.query(of)
        return items

    def _listed(self, items: Sequence[Item], head: Item) -> list[Key]:
        """Its places in the lists, those of states that it has left included."""
        message = to_head(head)
        states = RARE.intersection(state for item in items for state in item.get("states", {}).values())
        shard = shard_of(message.id, self._shards)
        rare = [listing_pk(shard, Listing.STATE, message.project, state) for state in sorted(states)]
        return [Key(pk, message.id) for pk in rare] + [_key(item) for item in entries(message, self._shards, None)]

    async def _done(self, writes: Sequence[Write]) -> bool:
        try:
            await self._table.transact(writes)
        except ConditionFailed:
            return False
        return True


def _key(item: Item) -> Key:
    return Key(item["pk"], item["sk"])
