"""Deleting what is past its time, found by the index in which it waits for that. A stale index harms nothing: what it
shows is looked at, and deleted only as it was seen."""

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence

from everpost.model.message import Message, Removed
from everpost.model.removal import without_addresses, without_bodies
from everpost.store.dynamodb.accepting import entries
from everpost.store.dynamodb.attributes import Item
from everpost.store.dynamodb.changes import RARE
from everpost.store.dynamodb.claims import Claims
from everpost.store.dynamodb.keys import (
    AFTER_CONTENT,
    EVENTS,
    OLD_QUEUES,
    Key,
    Listing,
    Part,
    Queue,
    listing_pk,
    message_of_pk,
    queues_with,
    shard_of,
)
from everpost.store.dynamodb.outbox import Outbox, to_events
from everpost.store.dynamodb.place import Place
from everpost.store.dynamodb.reads import partition
from everpost.store.dynamodb.removal import Found, Removal
from everpost.store.dynamodb.sequencer import Sequencer
from everpost.store.dynamodb.table import ConditionFailed, Range
from everpost.store.dynamodb.writes import PRESENT, Write
from everpost.store.port import Bounds


class Purge:
    def __init__(self, place: Place, claims: Claims, removal: Removal, outbox: Outbox, sequencer: Sequencer) -> None:
        self._table = place.table
        self._shards = place.shards
        self._claims = claims
        self._removal = removal
        self._outbox = outbox
        self._sequencer = sequencer

    async def run(self, bounds: Bounds, limit: int) -> int:
        """Of events that lie apart from their message the time that was set for the table takes care."""

        async def without_bodies_(pk: str) -> bool:
            return await self._remove(pk, Part.BODIES, Removed.CONTENT, without_bodies)

        async def without_addresses_(pk: str) -> bool:
            return await self._remove(
                pk, Part.ADDRESSES, Removed.RECIPIENTS, lambda message: without_addresses(message, bounds.salt)
            )

        gone = await self._each(OLD_QUEUES, bounds.messages, limit, self._delete)
        gone += await self._free_keys(bounds.keys, limit)
        for part, before, remove in (
            (Part.BODIES, bounds.bodies, without_bodies_),
            (Part.ADDRESSES, bounds.addresses, without_addresses_),
            (Part.EVENTS, bounds.events, self._remove_events),
        ):
            if before is not None:
                gone += await self._each(queues_with(part), before, limit, remove)
        return gone

    async def _each(
        self, queues: Sequence[str], before: float, limit: int, remove: Callable[[str], Awaitable[bool]]
    ) -> int:
        """Runs `remove` on the oldest messages until it has done something for `limit` of them."""
        gone = 0
        seen: set[str] = set()
        while gone < limit:
            waiting = await self._claims.waiting(queues, limit + len(seen), before)
            pks = dict.fromkeys(item["pk"] for item in waiting if item["due_at"] < before)
            some = [pk for pk in pks if pk not in seen][: limit - gone]
            if not some:
                break
            seen.update(some)
            gone += sum(await self._table.together(remove, some))
        return gone

    async def _free_keys(self, before: float, limit: int) -> int:
        waiting = await self._claims.waiting([Queue.KEYS], limit, before)
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
        found = Found.of(await self._told(pk))
        if found is None or not found.is_final:
            return False
        states = Counter(item["state"] for item in found.deliveries)
        writes = [
            Write.delete(_key(found.head), PRESENT),
            *(Write.delete(_key(item), "#version = :seen", seen=item["version"]) for item in found.deliveries),
            Write.put(self._outbox.purged(found.message.id, states)),
        ]
        await self._removal.forget_answers(found)
        if not await self._done(writes):
            return False
        await self._removal.delete_content(found)
        rest = [_key(item) for item in found.items if item is not found.head and item not in found.deliveries]
        await self._table.delete_all([*rest, *self._listed(found)])
        return True

    async def _remove(self, pk: str, part: Part, removed: Removed, without: Callable[[Message], Message]) -> bool:
        """False if there was nothing to remove, or not yet."""
        found = Found.of(await partition(self._table, message_of_pk(pk)))
        if found is None or not found.is_final:
            return False
        if removed in found.message.removed:
            await self._removal.mark(found, part)
            return False
        return await self._removal.rewrite(found, without(found.message), part)

    async def _remove_events(self, pk: str) -> bool:
        """What they say of the deliveries' states stays, since they are counted by it."""
        found = Found.of(await self._told(pk))
        if found is None or not found.is_final:
            return False
        told = [item for item in found.items if item["sk"].startswith(EVENTS) and to_events(item)]
        for item in told:
            await self._table.write(Write.update(_key(item), "SET #events = :none REMOVE #paper", PRESENT, none="[]"))
        await self._removal.mark(found, Part.EVENTS)
        return bool(told)

    async def _told(self, pk: str) -> list[Item]:
        """All of a message but its content. What has happened is numbered before it is forgotten."""
        of = Range(pk=pk, first=AFTER_CONTENT)
        items = await self._table.query(of)
        if any(item["sk"].startswith(EVENTS) and "seq" not in item for item in items):
            await self._sequencer.run_for(pk)
            items = await self._table.query(of)
        return items

    def _listed(self, found: Found) -> list[Key]:
        """Its places in the lists, those of states that it has left included."""
        message = found.message
        states = RARE.intersection(state for item in found.items for state in item.get("states", {}).values())
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
