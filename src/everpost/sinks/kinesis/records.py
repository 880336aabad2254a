"""Events as records, and which of them may go out together. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec
from msgspec import Struct

from everpost.model.limits import (
    KINESIS_BATCH_BYTES_MAX,
    KINESIS_KEY_CHARS_MAX,
    KINESIS_RECORD_BYTES_MAX,
    KINESIS_RECORDS_MAX,
)

_JSON: Final = msgspec.json.Encoder()


class Record(Struct, frozen=True, kw_only=True):
    id: str  # the event's
    key: str  # records with the same key keep their order: those of one message
    data: bytes
    event: Mapping[str, Any]

    @property
    def size_bytes(self) -> int:
        """As Kinesis counts it."""
        return len(self.data) + len(self.key.encode())

    @property
    def is_too_large(self) -> bool:
        return self.size_bytes > KINESIS_RECORD_BYTES_MAX


def record_of(event: Mapping[str, Any]) -> Record:
    """Events without a message have keys of their own, so that they spread over all shards."""
    key = event.get("data", {}).get("message_id") or event["id"]
    return Record(id=event["id"], key=key[:KINESIS_KEY_CHARS_MAX], data=_JSON.encode(event), event=event)


def next_batch(pending: Iterable[Record]) -> list[Record]:
    """What one request may carry: of each key the first one alone, since of the records of a request any may fail, and
    an event must not overtake an earlier one of its message."""
    batch: list[Record] = []
    keys: set[str] = set()
    size_bytes = 0
    for record in pending:
        if record.key in keys:
            continue
        size_bytes += record.size_bytes
        if len(batch) == KINESIS_RECORDS_MAX or size_bytes > KINESIS_BATCH_BYTES_MAX:
            break
        keys.add(record.key)
        batch.append(record)
    return batch
