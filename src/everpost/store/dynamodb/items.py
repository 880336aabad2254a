"""Values to items and back."""

import zlib
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from everpost.model.delivery import FINAL, Delivery, DeliveryState
from everpost.model.limits import RESOLVE_WITHIN_S_MAX
from everpost.model.message import Message, without_content
from everpost.model.suppression import ALL, Suppression, source_of
from everpost.store.dynamodb.attributes import Item
from everpost.store.dynamodb.keys import Queue, delivery_key, due_shard, head_key, shard_of, suppression_keys
from everpost.store.port import Document

_JSON: Final = msgspec.json.Encoder()
_HEAD: Final = msgspec.json.Decoder(Message)
_DELIVERY: Final = msgspec.json.Decoder(Delivery)

HEAD_BYTES_MAX: Final = 700  # of a head that is left readable: with its keys, one unit of a write


class Keep(msgspec.Struct, frozen=True, kw_only=True):
    """After how long DynamoDB itself deletes what the purge has not got to."""

    messages_s: float
    keys_s: float
    events_s: float


def head_item(message: Message, body: Item) -> Item:
    """`body` says where the content lies. A head of many recipients or headers is compressed: a transaction pays twice
    for each kilobyte."""
    data = _JSON.encode(without_content(message))
    is_large = len(data) > HEAD_BYTES_MAX
    return {
        **head_key(message.id)._asdict(),
        **body,
        "data": None if is_large else data.decode(),
        "packed": zlib.compress(data) if is_large else None,
    }


def to_head(item: Item) -> Message:
    """The message without its content."""
    return _HEAD.decode(zlib.decompress(item["packed"]) if "packed" in item else item["data"])


def delivery_item(delivery: Delivery, shards: int) -> Item:
    """What is final is due once more: for the purge."""
    is_final = delivery.state in FINAL
    queue = Queue.OLD if is_final else Queue.LIVE
    due_at = delivery.created_at if is_final else delivery.due_at
    return {
        **delivery_key(delivery.id)._asdict(),
        "version": delivery.version,
        "state": delivery.state.value,
        "due_shard": None if due_at is None else due_shard(queue, shard_of(delivery.id, shards)),
        "due_at": due_at,
        "data": _JSON.encode(delivery).decode(),
    }


def to_delivery(item: Item) -> Delivery:
    """A claim writes the version and the due time alone."""
    delivery = _DELIVERY.decode(item["data"])
    if item["version"] == delivery.version:
        return delivery
    return replace(delivery, version=item["version"], due_at=float(item["due_at"]))


def state_of(item: Item) -> DeliveryState:
    return DeliveryState(item["state"])


def to_document(item: Item) -> Document:
    return Document(item["value"], item["version"])


def to_suppression(item: Item, address: str) -> Suppression:
    """Who asks by the address knows it, whether it is kept or not."""
    return Suppression(
        project=item["project"],
        address=address,
        stream=item.get("stream", ALL),
        source=source_of(item.get("source", ""), item["reason"]),
        reason=item["reason"],
        created_at=float(item["created_at"]),
        expires_at=optional(item.get("ends_at"), float),
    )


def suppression_items(one: Suppression, shards: int) -> tuple[Item, Item]:
    """By which it holds, and by which it is listed. The first one waits for its end, if it has one."""
    by_digest, listed = suppression_keys(one.project, one.address, one.stream)
    item = {
        "project": one.project,
        "address": one.address.lower(),
        "stream": one.stream or None,
        "source": one.source.value,
        "reason": one.reason,
        "created_at": one.created_at,
        "ends_at": one.expires_at,
    }
    waits = {
        "due_shard": due_shard(Queue.ENDING, shard_of(by_digest.pk, shards)),
        "due_at": one.expires_at,
    }
    ends = {} if one.expires_at is None else waits
    return {**by_digest._asdict(), **item, **ends}, {**listed._asdict(), **item}


def until(keep: Keep | None, ends_at: float) -> int | None:
    """The TTL of what belongs to a mail whose last delivery ends by then, or is resolved soon after."""
    return None if keep is None else int(ends_at + RESOLVE_WITHIN_S_MAX + keep.messages_s)


def events_until(keep: Keep | None, at: float) -> int | None:
    """As `until`, of events that lie apart from their message, or belong to none."""
    return None if keep is None else int(at + RESOLVE_WITHIN_S_MAX + keep.events_s)


def optional(value: Any, kind: type[Any]) -> Any:
    return None if value is None else kind(value)
