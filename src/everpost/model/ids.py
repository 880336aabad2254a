"""Identifiers: time-ordered, so that new rows land at the right edge of every index.

A message id is `em_` and 26 characters of Crockford's base 32 (48 bits of milliseconds, 80 bits of chance, as in a
UUIDv7 or ULID). Below it, ids spell out where they belong: delivery `em_….0`, its third attempt `em_….0.3`.
"""

import re
from functools import lru_cache
from typing import Final

_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS: Final = tuple(first + second for first in _ALPHABET for second in _ALPHABET)
CORRELATION_KEY: Final = "everpost_id"
"""The name under which a provider keeps the delivery's id beside the caller's metadata."""

MESSAGE_PREFIX: Final = "em_"
_CACHED_MAX: Final = 16  # milliseconds: that of now, and a few that somebody has asked for
MESSAGE_ID_CHARS: Final = len(MESSAGE_PREFIX) + 26
DELIVERY_ID: Final = re.compile(rf"{MESSAGE_PREFIX}[{_ALPHABET}]{{26}}\.[0-9]{{1,9}}")


def message_id(at: float, chance: int) -> str:
    """The id of a message accepted at `at`; `chance` is a number of 80 random bits."""
    return _prefix(int(at * 1000)) + "".join([_PAIRS[(chance >> shift) & 1023] for shift in range(70, -1, -10)])


@lru_cache(_CACHED_MAX)
def _prefix(milliseconds: int) -> str:
    """What the ids of one millisecond have in common."""
    return MESSAGE_PREFIX + "".join([_PAIRS[(milliseconds >> shift) & 1023] for shift in range(40, -1, -10)])


def delivery_id(message: str, position: int) -> str:
    return f"{message}.{position}"


def attempt_id(delivery: str, number: int) -> str:
    """`number` counts from 1."""
    return f"{delivery}.{number}"


def message_of(delivery: str) -> str:
    """The message that a delivery id (or an attempt id) belongs to."""
    return delivery.partition(".")[0]
