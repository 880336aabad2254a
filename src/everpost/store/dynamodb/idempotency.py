"""Keys of requests that may come again."""

from contextlib import suppress

from everpost.model.message import Message
from everpost.store.dynamodb.attributes import Item
from everpost.store.dynamodb.items import Keep
from everpost.store.dynamodb.keys import Queue, answered_key, due_shard, idempotency_key, message_pk, shard_of
from everpost.store.dynamodb.table import ConditionFailed, Table
from everpost.store.dynamodb.writes import ABSENT, Write
from everpost.store.port import Conflict, IdempotencyClaim, Same
from everpost.store.uses import KeyUse


def key_write(claim: IdempotencyClaim, message: Message, shards: int, keep: Keep | None) -> Write:
    """Makes a key the message's, if it is free. By its time it is found by the purge."""
    item = {
        **idempotency_key(claim.scope, claim.key)._asdict(),
        "fingerprint": claim.fingerprint,
        "message_id": message.id,
        "running_until": claim.running_until,
        "due_shard": due_shard(Queue.KEYS, shard_of(message.id, shards)),
        "due_at": message.created_at,
        "expires_at": None if keep is None else int(message.created_at + keep.keys_s),
    }
    if claim.since is None:
        return Write.put(item, ABSENT)
    return Write.put(item, f"{ABSENT} OR #due_at < :since", since=claim.since)


def use_of(item: Item | None) -> KeyUse | None:
    if item is None:
        return None
    until = item.get("running_until")
    return KeyUse(
        fingerprint=item["fingerprint"],
        message_id=item["message_id"],
        running_until=None if until is None else float(until),
        answer=item.get("answer"),
        created_at=float(item["due_at"]),
    )


async def find_key(
    table: Table, scope: str, key: str, fingerprint: bytes, since: float | None
) -> Same | Conflict | None:
    use = use_of(await table.get(idempotency_key(scope, key)))
    return None if use is None else use.means(fingerprint, since)


async def vouch(table: Table, scope: str, key: str, message_id: str) -> bool:
    told = Write.update(
        idempotency_key(scope, key), "SET #is_told = :is_told", "#message_id = :mine", mine=message_id, is_told=1
    )
    try:
        await table.write(told)
    except ConditionFailed:
        return False
    return True


async def answer(table: Table, scope: str, key: str, answer: bytes) -> None:
    """Of a key that nobody knows nothing is kept."""
    item = await table.get(idempotency_key(scope, key))
    if item is None:
        return
    message_id = item["message_id"]
    await table.put_all([{**answered_key(message_id)._asdict(), "scope": scope, "key": key}])
    try:
        await table.write(_answered(scope, key, message_id, answer))
    except ConditionFailed:
        return


async def forget_answer(table: Table, answered: Item) -> None:
    """`answered` is the item that tells where it is kept. It goes last, so that a half that was done is found again."""
    message_id = answered["pk"].removeprefix(message_pk(""))
    with suppress(ConditionFailed):  # the key has gone, or was taken anew
        await table.write(_answered(answered["scope"], answered["key"], message_id, None))
    await table.delete_all([answered_key(message_id)])


def _answered(scope: str, key: str, message_id: str, answer: bytes | None) -> Write:
    change, given = ("REMOVE #answer", {}) if answer is None else ("SET #answer = :answer", {"answer": answer})
    return Write.update(idempotency_key(scope, key), change, "#message_id = :mine", mine=message_id, **given)
