"""A whole mail that comes to Amazon SES: it goes out byte for byte where an account takes it so, and is else written
anew of all that was read of it.

Nobody is left out or added: whom the request names is the envelope, and who stands in the mail only where it names
nobody. SES adds what an SDK's users leave out; so it is done here (RFC 6409 8).
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from everpost.dialects.addresses import parse_encoded_list
from everpost.dialects.faults import Faults
from everpost.dialects.fields import read_base64
from everpost.dialects.mime_forms import Forms, Stamp, forms_of
from everpost.dialects.mime_orders import Orders, read_orders, without_orders
from everpost.dialects.mime_parts import Part, take_apart
from everpost.dialects.mime_words import Unreadable, decode_words
from everpost.model.message import Address

PATH: Final = "Content.Raw.Data"
_ORDER: Final = "x-ses-"
_SIGNED_AT: Final = re.compile(r"\d{8}T\d{6}Z")


def read_whole(data: str, envelope: Sequence[Address], stamp: Stamp, faults: Faults) -> tuple[Forms, Orders] | None:
    """None: there are faults. `data` in base64; `envelope`: whom the request names, each once."""
    whole = _in_lines(read_base64(data, PATH, faults), faults)
    if faults:
        return None
    try:
        part = take_apart(whole)
        recipients = envelope or _named(part, faults)
    except Unreadable as unreadable:
        faults.add(PATH, str(unreadable))
        return None
    orders = read_orders(part, faults)
    for name, _ in part.fields:
        if name.lower().startswith(_ORDER):
            faults.add(f"{PATH}.{name[:80]}", "is an order to SES; give what it asks for as a field of the request")
    if not recipients:
        faults.add("Destination", "names nobody, and neither do To, Cc and Bcc of the mail")
    if faults:
        return None
    return forms_of(whole, without_orders(part), orders, recipients, stamp), orders


def stamp_of(signed_at: str, invocation: str | None) -> Stamp:
    """For a mail that says neither when it was written nor which one it is: when its request was signed, and the name
    of that."""
    is_known = _SIGNED_AT.fullmatch(signed_at) is not None
    try:
        at = datetime.strptime(signed_at, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp() if is_known else None
    except ValueError:  # no such day
        at = None
    return Stamp(at, invocation)


def _in_lines(data: bytes, faults: Faults) -> bytes:
    """Each line ended by CRLF. As many libraries write mails, they end by LF alone."""
    whole = data if b"\r" in data else data.replace(b"\n", b"\r\n")
    if not whole.count(b"\r\n") == whole.count(b"\r") == whole.count(b"\n"):
        faults.add(PATH, "has a CR or LF that stands alone beside others, and readers differ in what it means")
    return whole if whole.endswith(b"\r\n") else whole + b"\r\n"


def _named(part: Part, faults: Faults) -> list[Address]:
    """Whom the mail itself names, each once."""
    found: dict[str, Address] = {}
    for name in ("to", "cc", "bcc"):
        for value in part.all(name):
            is_nobody = value.endswith(":;") and '"' not in value  # a group of nobody (RFC 5322 3.4)
            for each in () if is_nobody else parse_encoded_list(value, decode_words):
                if isinstance(each, str):
                    faults.add(f"{PATH}.{name}", each)
                else:
                    found.setdefault(each.email.lower(), each)
    return [*found.values()]
