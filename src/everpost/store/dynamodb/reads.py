"""Messages and deliveries as they stand."""

from collections.abc import Collection

from everpost.model.delivery import Delivery
from everpost.model.message import Message, Removed
from everpost.store.dynamodb.attributes import Item
from everpost.store.dynamodb.bodies import Bodies
from everpost.store.dynamodb.items import to_delivery, to_head
from everpost.store.dynamodb.journal import recorded_of
from everpost.store.dynamodb.keys import (
    AFTER_CONTENT,
    DELIVERY,
    EVENTS,
    HEAD,
    attachment_pk,
    delivery_key,
    head_key,
    message_pk,
)
from everpost.store.dynamodb.outbox import in_order
from everpost.store.dynamodb.table import Range, Table
from everpost.store.port import Stored


async def partition(table: Table, message_id: str) -> list[Item]:
    """Everything of a message but its content."""
    return await table.query(Range(pk=message_pk(message_id), first=AFTER_CONTENT))


async def get_message(table: Table, message_id: str) -> Stored | None:
    items = await partition(table, message_id)
    head = next((item for item in items if item["sk"] == HEAD), None)
    if head is None:
        return None
    told = in_order([item for item in items if item["sk"].startswith(EVENTS)])
    return Stored(
        message=to_head(head),
        deliveries=tuple(deliveries_of(items)),
        events=tuple(one for item in told for one in recorded_of(item)),
    )


async def read_message(table: Table, bodies: Bodies, project: str, message_id: str) -> Message | None:
    head = await table.get(head_key(message_id))
    if head is None or (message := to_head(head)).project != project:
        return None
    if Removed.CONTENT in message.removed:
        return message
    key = bodies.key_of(head)
    return await bodies.join(message, head, None if key is None else await table.get(key))


def deliveries_of(items: list[Item]) -> list[Delivery]:
    found = (to_delivery(item) for item in items if item["sk"].startswith(DELIVERY))
    return sorted(found, key=lambda one: int(one.id.partition(".")[2]))


async def find_delivery(table: Table, delivery_id: str) -> Delivery | None:
    item = await table.get(delivery_key(delivery_id))
    return None if item is None else to_delivery(item)


async def referenced(table: Table, names: Collection[str]) -> Collection[str]:
    async def is_needed(name: str) -> bool:
        return bool(await table.query(Range(pk=attachment_pk(name)), 1))

    asked = list(dict.fromkeys(names))
    return {name for name, needed in zip(asked, await table.together(is_needed, asked), strict=True) if needed}
