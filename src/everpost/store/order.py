"""Time as order of ids."""

from typing import Final

from everpost.model.ids import message_id

_AT_MAX: Final = float((1 << 48) // 1000 - 1)  # what the milliseconds of an id can tell


def first_id(at: float) -> str:
    """Below the ids of all messages made in the millisecond of `at` or later, above those of all earlier ones."""
    return message_id(min(max(at, 0.0), _AT_MAX), 0)
