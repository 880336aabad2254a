"""What a mail's header asks of Everpost itself: fields of our own, which are obeyed and taken out.

They say what the native API's fields of the same name say. A mail that comes by SMTP has no other place for it.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from everpost.dialects.faults import Faults, unknown
from everpost.dialects.fields import check_filled, read_metadata, read_tags
from everpost.dialects.mime_parts import Part
from everpost.dialects.mime_words import Unreadable, decode_words
from everpost.dialects.times import read_instant
from everpost.model import limits
from everpost.model.message import Draft, OnUnknown

OWN_ID: Final = "x-everpost-id"
"""Of a mail that Everpost has sent before: it says nothing of this one."""
IDEMPOTENCY: Final = ("idempotency-key", "resend-idempotency-key")
PREFIX: Final = "x-everpost-"
_KEY: Final = re.compile(rf"[!-~]{{1,{limits.IDEMPOTENCY_KEY_CHARS_MAX}}}")


class Orders(Struct, frozen=True, kw_only=True):
    fields: dict[str, Any]  # of the Draft
    idempotency_key: str | None = None

    def given_to(self, draft: Draft) -> Draft:
        return replace(draft, **self.fields)


class _Order(NamedTuple):
    field: str  # of the Draft
    read: Callable[[str, str, Faults], Any]  # from the value; with the path that a fault is told at
    help: str


def _tags(value: str, path: str, faults: Faults) -> tuple[str, ...]:
    inner = Faults()
    tags = read_tags([tag.strip() for tag in value.split(",")], inner)
    _told(inner, path, faults)
    return tags


def _metadata(value: str, path: str, faults: Faults) -> dict[str, str]:
    try:
        given = msgspec.json.decode(value, type=dict[str, str])
    except (msgspec.DecodeError, ValueError, RecursionError):
        faults.add(path, 'is not a JSON object of strings, such as {"order": "4711"}')
        return {}
    inner = Faults()
    metadata = read_metadata(given, inner)
    _told(inner, path, faults)
    return metadata


def _told(inner: Faults, path: str, faults: Faults) -> None:
    for error in inner.problem().errors:
        faults.add(path, f"{error.field}: {error.message}")


def _route(value: str, path: str, faults: Faults) -> str:
    check_filled(value, limits.TAG_CHARS_MAX, path, faults)
    return value


def _on_unknown(value: str, path: str, faults: Faults) -> OnUnknown | None:
    if value in list(OnUnknown):
        return OnUnknown(value)
    faults.add(path, f"must be one of: {', '.join(OnUnknown)}")
    return None


ORDERS: Final[Mapping[str, _Order]] = {
    "x-everpost-tags": _Order("tags", _tags, "Labels, with commas between."),
    "x-everpost-metadata": _Order("metadata", _metadata, 'A JSON object of strings: `{"order": "4711"}`.'),
    "x-everpost-route": _Order("route", _route, "Name of the route."),
    "x-everpost-send-at": _Order("send_at", read_instant, "When to send it: `2030-01-31T09:00:00Z`."),
    "x-everpost-expires-at": _Order("expires_at", read_instant, "When to give it up, as before."),
    "x-everpost-on-unknown": _Order("on_unknown", _on_unknown, "`resend` or `hold`."),
}
"""By the name of the header field, in lower case."""


def is_order(name: str) -> bool:
    """Whether a header field (its name in lower case) is for Everpost alone."""
    return name.startswith(PREFIX) or name in IDEMPOTENCY


def read_orders(whole: Part, faults: Faults) -> Orders:
    """What the mail asks for, as far as that has no faults."""
    found: dict[str, Any] = {}
    keys: list[str] = []
    for written, raw in whole.fields:
        name = written.lower()
        if not is_order(name) or name == OWN_ID:
            continue
        order = ORDERS.get(name)
        value = _decoded(raw, name, faults)
        if name in IDEMPOTENCY:
            keys.append(value.removeprefix('"').removesuffix('"'))
        elif order is None:
            faults.add(name, unknown(name, ORDERS))
        elif order.field in found:
            faults.add(name, "is given twice")
        else:
            found[order.field] = order.read(value, name, faults)
    return Orders(fields=found, idempotency_key=_key(keys, faults))


def _key(keys: list[str], faults: Faults) -> str | None:
    if not keys:
        return None
    if len(keys) > 1 or not _KEY.fullmatch(keys[0]):
        characters = f"1 to {limits.IDEMPOTENCY_KEY_CHARS_MAX} visible ASCII characters"
        faults.add(IDEMPOTENCY[0], f"must be given once and have {characters}")
    return keys[0]


def _decoded(value: str, name: str, faults: Faults) -> str:
    try:
        return decode_words(value)
    except Unreadable as unreadable:
        faults.add(name, str(unreadable))
        return ""


def without_orders(whole: Part) -> Part:
    return replace(whole, fields=tuple(field for field in whole.fields if not is_order(field[0].lower())))


def stripped(data: bytes) -> bytes:
    """The mail as it came, but for these fields."""
    end = data.find(b"\r\n\r\n")
    lines = (data if end < 0 else data[:end]).split(b"\r\n")
    kept: list[bytes] = []
    is_kept = True
    for line in lines:
        if not line.startswith((b" ", b"\t")):
            is_kept = not is_order(line.partition(b":")[0].rstrip().lower().decode("ascii", "replace"))
        if is_kept:
            kept.append(line)
    if len(kept) == len(lines):
        return data  # which may be large
    return b"\r\n".join(kept) + (b"" if end < 0 else data[end:])
