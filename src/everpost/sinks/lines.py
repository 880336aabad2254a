"""JSON lines: one value a line, no newline within a value (RFC 8259 has control characters escaped)."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

_JSON = msgspec.json.Encoder()


def json_lines(events: Sequence[Mapping[str, Any]]) -> bytes:
    return b"".join(_JSON.encode(event) + b"\n" for event in events)
