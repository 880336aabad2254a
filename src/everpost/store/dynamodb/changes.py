"""What becomes of deliveries: each change one transaction of the delivery, its events and, if it is rare, its place in
the list of that state. It holds if nobody has written since, claims included."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from everpost.model.change import Change
from everpost.model.delivery import Delivery, DeliveryState
from everpost.store.dynamodb.items import delivery_item, until
from everpost.store.dynamodb.keys import Listing, delivery_key, listing_pk, shard_of
from everpost.store.dynamodb.outbox import Outbox
from everpost.store.dynamodb.place import Place
from everpost.store.dynamodb.quotas import Quotas
from everpost.store.dynamodb.table import ConditionFailed
from everpost.store.dynamodb.writes import Write
from everpost.store.port import Written

RARE: Final = frozenset({DeliveryState.FAILED, DeliveryState.HELD, DeliveryState.UNCERTAIN, DeliveryState.CANCELLED})
"""What people look for is what went wrong. Sent deliveries, which are nearly all, do not pay for it."""


class Changes:
    def __init__(self, place: Place, outbox: Outbox, quotas: Quotas) -> None:
        self._table = place.table
        self._shards = place.shards
        self._keep = place.keep
        self._outbox = outbox
        self._quotas = quotas

    async def write(self, changes: Sequence[Change]) -> list[Written]:
        """Those of one delivery one after the other, the others side by side."""
        of_delivery: dict[str, list[int]] = defaultdict(list)
        for place, change in enumerate(changes):
            of_delivery[change.delivery.id].append(place)
        results = [Written.FENCED] * len(changes)

        async def in_turn(places: Sequence[int]) -> None:
            for place in places:
                results[place] = await self._write(changes[place])

        await self._table.together(in_turn, of_delivery.values())
        return results

    async def _write(self, change: Change) -> Written:
        charged = await self._quotas.charge(change.charges)
        if charged is None:  # only the holder of the lease is told about quotas
            return Written.OVER_QUOTA if await self._is_current(change) else Written.FENCED
        try:
            await self._table.transact(self.parts(change))
        except ConditionFailed:
            await self._quotas.give_back(charged)
            return Written.FENCED
        return Written.DONE

    def parts(self, change: Change) -> list[Write]:
        """The writes that make it."""
        delivery = change.delivery
        parts = [
            Write.put(delivery_item(delivery, self._shards), "#version = :was", was=change.was),
            Write.put(self._outbox.changed(delivery, change.events)),
        ]
        if delivery.state in RARE:
            parts.append(Write.put(self._listed(delivery)))
        return parts

    def _listed(self, delivery: Delivery) -> dict[str, object]:
        shard = shard_of(delivery.id, self._shards)
        return {
            "pk": listing_pk(shard, Listing.STATE, delivery.project, delivery.state.value),
            "sk": delivery.message_id,
            "expires_at": until(self._keep, delivery.expires_at),
        }

    async def _is_current(self, change: Change) -> bool:
        item = await self._table.get(delivery_key(change.delivery.id))
        return item is not None and item["version"] == change.was
