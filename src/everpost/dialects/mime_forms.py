"""The forms in which a mail can be carried, the most faithful one first.

As it stands it loses nothing, and few providers take that; what is read of it can be written anew for all of them, and
some let nobody choose a Message-ID. Which form is accepted is the engine's to say (`engine/forms.py`): the one that the
most accounts can carry.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Final, NamedTuple

from msgspec.structs import replace

from everpost.dialects import raw
from everpost.dialects.mime_orders import Orders, stripped
from everpost.dialects.mime_parts import Part
from everpost.dialects.mime_reader import read
from everpost.model.message import Address, Draft
from everpost.model.problem import Problem

_MESSAGE_ID: Final = "Message-ID"
_DOMAIN: Final = re.compile(r"@([A-Za-z0-9.-]+)")


class Stamp(NamedTuple):
    """What is added to a mail that says neither when it was written nor which one it is (RFC 6409 8)."""

    at: float | None  # None: nobody knows, and it goes without
    name: str | None  # that no other mail has; None: the same


class Forms(NamedTuple):
    drafts: Sequence[Draft]
    unread: Problem | None  # why the mail can't be written anew


def forms_of(data: bytes, whole: Part, orders: Orders, recipients: Sequence[Address], stamp: Stamp) -> Forms:
    """`whole` is what `data` was taken apart into, without our own header fields."""
    as_it_stands = raw.parse(_stamped(stripped(data), whole, stamp), [each.email for each in recipients])
    as_read = read(whole, recipients)
    drafts = [] if isinstance(as_it_stands, Problem) else [as_it_stands]
    if isinstance(as_read, Draft):
        bare = {name: value for name, value in as_read.headers.items() if name != _MESSAGE_ID}
        drafts += [as_read] if bare == as_read.headers else [as_read, replace(as_read, headers=bare)]
    return Forms([orders.given_to(draft) for draft in drafts], as_read if isinstance(as_read, Problem) else None)


def _stamped(data: bytes, whole: Part, stamp: Stamp) -> bytes:
    added = []
    if stamp.at is not None and not whole.all("date"):
        added.append(f"Date: {format_datetime(datetime.fromtimestamp(int(stamp.at), UTC))}\r\n")
    domain = _DOMAIN.search(whole.first("from"))
    if stamp.name is not None and domain is not None and not whole.all("message-id"):
        added.append(f"{_MESSAGE_ID}: <{stamp.name}@{domain[1]}>\r\n")
    return "".join(added).encode("ascii") + data
