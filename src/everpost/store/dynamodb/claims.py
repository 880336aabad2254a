"""The queue: what the index shows as due is taken by conditional updates, so that of two who see it one gets it."""

import logging
from collections.abc import Sequence
from itertools import chain
from typing import Final

from everpost.model.delivery import Delivery
from everpost.store.dynamodb.attributes import Item
from everpost.store.dynamodb.bodies import Bodies
from everpost.store.dynamodb.items import to_delivery, to_head
from everpost.store.dynamodb.keys import Key, Queue, due_shard, head_key
from everpost.store.dynamodb.place import Place
from everpost.store.dynamodb.schema import DUE_INDEX
from everpost.store.dynamodb.table import ConditionFailed, Range
from everpost.store.dynamodb.writes import Write
from everpost.store.port import Claim, Claimed, StoreUnavailable

_log: Final = logging.getLogger(__name__)


class Claims:
    def __init__(self, place: Place, bodies: Bodies) -> None:
        self._table = place.table
        self._shards = place.shards
        self._bodies = bodies

    async def take(self, now: float, lease_s: float, room: int) -> Claim:
        queue = await self.waiting([Queue.LIVE], room + 1)
        due = [item for item in queue if item["due_at"] <= now][:room]
        left = queue[len(due) :]

        async def lease(item: Item) -> Delivery | None:
            return await self._lease(item, now + lease_s)

        leased = [one for one in await self._table.together(lease, due) if one is not None]
        return Claim(tuple(await self._whole(leased)), float(left[0]["due_at"]) if left else None)

    async def waiting(self, queues: Sequence[str], limit: int, last: float | None = None) -> list[Item]:
        """The first `limit` of each queue's shards, all in order, up to `last`: a hint, as every index."""

        async def of_shard(of_queue: str) -> list[Item]:
            of = Range(pk=of_queue, last=last, index=DUE_INDEX, names=("due_shard", "due_at"))
            return await self._table.query(of, limit)

        shards = [due_shard(queue, shard) for queue in queues for shard in range(self._shards)]
        return sorted(chain(*await self._table.together(of_shard, shards)), key=_place)

    async def _lease(self, item: Item, until: float) -> Delivery | None:
        """None: somebody else has it, or it is no longer due. If the answer is lost, so is the lease: nobody is told of
        the delivery before it ends."""
        change = Write.update(
            Key(item["pk"], item["sk"]),
            "SET #due_at = :until, #version = #version + :one",
            "#due_shard = :queue AND #due_at = :seen",
            until=until,
            one=1,
            queue=item["due_shard"],
            seen=item["due_at"],
        )
        try:
            return to_delivery(await self._table.write(change, "ALL_NEW"))
        except ConditionFailed:
            return None

    async def _whole(self, deliveries: Sequence[Delivery]) -> list[Claimed]:
        heads = await self._table.get_all(head_key(one.message_id) for one in deliveries)
        keys = {pk: self._bodies.key_of(head) for (pk, _), head in heads.items()}
        contents = await self._table.get_all(key for key in keys.values() if key is not None)

        async def join(delivery: Delivery) -> Claimed | None:
            """None if the content can't be had now: one mail that can't be read must not stop the queue."""
            head = heads[head_key(delivery.message_id)]
            key = keys[head["pk"]]
            try:
                message = await self._bodies.join(to_head(head), head, contents.get(key) if key else None)
            except StoreUnavailable as error:
                told = {"delivery": delivery.id, "error": str(error)}
                _log.warning("a mail can't be read; it is looked at again when its lease ends", extra=told)
                return None
            return Claimed(delivery, message)

        return [one for one in await self._table.together(join, deliveries) if one is not None]


def _place(item: Item) -> tuple[float, str, int]:
    """The longest due first; of one instant the older message, and positions as numbers."""
    _, _, position = item["sk"].partition("#")
    return float(item["due_at"]), item["pk"], int(position) if position.isdigit() else 0
