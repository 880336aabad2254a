"""Keys of requests that may come again."""

from everpost.model.message import Message
from everpost.store.dynamodb.attributes import Item
from everpost.store.dynamodb.items import Keep
from everpost.store.dynamodb.keys import Queue, due_shard, idempotency_key, shard_of
from everpost.store.dynamodb.table import ConditionFailed, Table
from everpost.store.dynamodb.writes import PRESENT, Write
from everpost.store.port import Conflict, IdempotencyClaim, Same


def key_item(claim: IdempotencyClaim, message: Message, shards: int, keep: Keep | None) -> Item:
    """By its time it is found by the purge."""
    return {
        **idempotency_key(claim.scope, claim.key)._asdict(),
        "fingerprint": claim.fingerprint,
        "message_id": message.id,
        "running_until": claim.running_until,
        "due_shard": due_shard(Queue.KEYS, shard_of(message.id, shards)),
        "due_at": message.created_at,
        "expires_at": None if keep is None else int(message.created_at + keep.keys_s),
    }


def used_before(item: Item, fingerprint: bytes) -> Same | Conflict:
    """What a key with this use means for another request."""
    if item["fingerprint"] != fingerprint:
        return Conflict(item["message_id"])
    until = item.get("running_until")
    return Same(
        message_id=item["message_id"],
        running_until=None if until is None else float(until),
        answer=item.get("answer"),
    )


async def find_key(table: Table, scope: str, key: str, fingerprint: bytes) -> Same | Conflict | None:
    item = await table.get(idempotency_key(scope, key))
    return None if item is None else used_before(item, fingerprint)


async def answer(table: Table, scope: str, key: str, answer: bytes) -> None:
    """Of a key that nobody knows nothing is kept."""
    try:
        await table.write(Write.update(idempotency_key(scope, key), "SET #answer = :answer", PRESENT, answer=answer))
    except ConditionFailed:
        return
