"""Where each kind of item lies. A partition is what is read or written together; nothing busy shares one.

| pk | sk | item |
|---|---|---|
| `m#<message id>` | `h` | the message without its content |
| | `c#<token>` | its content, unless that lies in S3 |
| | `d#<position>` | a delivery |
| | `e#…` | events that were written together |
| | `k` | the idempotency key whose answer is kept |
| `k#<key>` | `<scope>` | an idempotency key |
| `l<shard>#<kind>#<project>#<value>` | `<message id>` | entry of a list: all, by recipient, tag or rare state |
| `x#<digest>` | `x` | a suppression, by the digest of its project, address and stream |
| `l#<project>` | `<address>` | the same once more, as long as the address is kept: the list that people look through |
| | `<address>`, NUL, `<stream>` | that of a stream, behind the one for all mail |
| `a#<name>` | `<message id>` | that the message needs this attachment, which lies outside the store |
| `q#<account>#<unit>` | `q` | use of a quota |
| `quotas` | `<account>#<unit>` | that this quota has been used at all |
| `doc` | `<name>` | a document |
| `v#<event id>`, `t#<message id>` | `e#…` | events of no message; what a purge has taken away |
| `journal` | `head` | the next number, and the deliveries by state |
| `j#<bucket>` | `<number>` | a page of numbered events; the number is that of its last one |
"""

import string
from enum import StrEnum
from itertools import combinations
from typing import Final, NamedTuple
from zlib import crc32

from everpost.model.ids import delivery_id, message_of
from everpost.model.suppression import digest_of

SHARDS: Final = 8
"""Partitions that an index or a list is spread over. One takes 1,000 writes a second, and a mail makes three in its
busiest index: enough for 2,600 mails a second. Entries stay where they are, so this number is part of the schema."""

BUCKET_EVENTS: Final = 1000  # numbers whose pages share a partition of the journal
NUMBER_DIGITS: Final = 16
_DIGITS: Final = string.digits
_LETTERS: Final = string.ascii_lowercase


class Key(NamedTuple):
    pk: str
    sk: str


class Queue(StrEnum):
    """What the index `due` is used for."""

    LIVE = "live"  # deliveries that somebody must look at, from `due_at` on
    OLD = "old"  # final ones, by the time of their creation
    KEYS = "keys"  # idempotency keys, by the same
    ENDING = "ending"  # suppressions that end, by that time


class Part(StrEnum):
    """Of a message, with a time of its own. What is gone of it stands in the name of the queue that it waits in."""

    BODIES = "b"
    ADDRESSES = "a"
    EVENTS = "e"


OLD_QUEUES: Final = tuple(
    Queue.OLD + "".join(gone) for count in range(len(Part) + 1) for gone in combinations(sorted(Part), count)
)


class Listing(StrEnum):
    ALL = "a"
    RECIPIENT = "r"
    TAG = "t"
    STATE = "s"


HEAD: Final = "h"
EVENTS: Final = "e#"
DELIVERY: Final = "d#"
CONTENT: Final = "c#"
AFTER_CONTENT: Final = "d"  # sorts behind every content, and before everything else of a message
ANSWERED: Final = "k"
CONFIG: Final = "doc"
QUOTAS: Final = "quotas"
JOURNAL_HEAD: Final = Key("journal", "head")


def message_pk(message_id: str) -> str:
    return f"m#{message_id}"


def message_of_pk(pk: str) -> str:
    return pk.removeprefix(message_pk(""))


def head_key(message_id: str) -> Key:
    return Key(message_pk(message_id), HEAD)


def content_key(message_id: str, token: str) -> Key:
    return Key(message_pk(message_id), CONTENT + token)


def delivery_key(id_: str) -> Key:
    return Key(message_pk(message_of(id_)), DELIVERY + id_.partition(".")[2])


def delivery_of(key: Key) -> str:
    return delivery_id(key.pk.removeprefix("m#"), int(key.sk.removeprefix(DELIVERY)))


def idempotency_key(scope: str, key: str) -> Key:
    return Key(f"k#{key}", scope)


def suppression_key(digest: bytes) -> Key:
    return Key(f"x#{digest.hex()}", "x")


def suppressions_pk(project: str) -> str:
    return f"l#{project}"


def listed_sk(address: str, stream: str) -> str:
    return f"{address}\0{stream}" if stream else address


def suppression_keys(project: str, address: str, stream: str) -> tuple[Key, Key]:
    """By which it holds, and by which it is listed."""
    by_digest = suppression_key(digest_of(project, address, stream))
    return by_digest, Key(suppressions_pk(project), listed_sk(address.lower(), stream))


def answered_key(message_id: str) -> Key:
    return Key(message_pk(message_id), ANSWERED)


def attachment_pk(name: str) -> str:
    return f"a#{name}"


def attachment_key(name: str, message_id: str) -> Key:
    return Key(attachment_pk(name), message_id)


def quota_key(account: str, unit: str) -> Key:
    return Key(f"q#{_within(account, unit)}", "q")


def listing_pk(shard: int, kind: Listing, project: str, value: str = "") -> str:
    return f"l{shard}#{kind}#{_within(project, value)}"


def system_event_pk(event_id: str) -> str:
    return f"v#{event_id}"


def recorded_key(event_id: str, message_id: str | None) -> Key:
    """Of an event that belongs to no change."""
    if message_id is None:
        return Key(system_event_pk(event_id), EVENTS)
    return Key(message_pk(message_id), f"{EVENTS}r.{event_id}")


def purged_pk(message_id: str) -> str:
    return f"t#{message_id}"


def bucket_of(number: int) -> int:
    return number // BUCKET_EVENTS


def page_key(number: int) -> Key:
    """`number` is that of the page's last event."""
    return Key(f"j#{bucket_of(number)}", f"{number:0{NUMBER_DIGITS}}")


def shard_of(id_: str, shards: int) -> int:
    """The same for everything of a message."""
    return crc32(message_of(id_).encode()) % shards


def due_shard(queue: str, shard: int) -> str:
    return f"{queue}{shard}"


def queues_with(part: Part) -> list[str]:
    """Where final deliveries wait whose messages still have this part."""
    return [queue for queue in OLD_QUEUES if part not in queue.removeprefix(Queue.OLD)]


def less(due_shard_: str, part: Part) -> str:
    """Where a final delivery waits after this part of its message has gone."""
    queue, shard = due_shard_.rstrip(_DIGITS), due_shard_.lstrip(_LETTERS)
    return Queue.OLD + "".join(sorted({*queue.removeprefix(Queue.OLD), part})) + shard


def _within(whose: str, what: str) -> str:
    """No two pairs look the same, whatever is in them."""
    return f"{len(whose)}:{whose}#{what}"
