"""Events as records: CloudEvents 1.0 in the structured mode of its Kafka binding. Pure."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import Struct

HEADERS: Final = (("content-type", b"application/cloudevents+json; charset=UTF-8"),)
_JSON: Final = msgspec.json.Encoder()


class Record(Struct, frozen=True, kw_only=True):
    id: str  # the event's
    key: bytes  # records with the same key are in one partition, in their order: those of one message
    value: bytes
    event: Mapping[str, Any]


def record_of(event: Mapping[str, Any]) -> Record:
    """Events without a message have keys of their own, so that they spread over all partitions."""
    key = event.get("data", {}).get("message_id") or event["id"]
    return Record(id=event["id"], key=key.encode(), value=_JSON.encode(event), event=event)
