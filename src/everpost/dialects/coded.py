"""Base64 (RFC 4648) that may be large."""

import binascii
from typing import Final

PIECE_CHARS: Final = 1024 * 1024
"""Read in one step, of some milliseconds, in which no other thread of the process can do anything; a multiple of 4."""


def from_base64(text: str | bytes) -> bytes:
    """What was encoded; nothing is read leniently, blanks neither. Raises ValueError."""
    if len(text) <= PIECE_CHARS:
        return binascii.a2b_base64(text, strict_mode=True)
    pieces = [text[at : at + PIECE_CHARS] for at in range(0, len(text), PIECE_CHARS)]
    try:
        found = [binascii.a2b_base64(piece, strict_mode=True) for piece in pieces]
    except ValueError:
        found = []
    if len(found) < len(pieces) or any(len(each) < PIECE_CHARS // 4 * 3 for each in found[:-1]):
        return binascii.a2b_base64(text, strict_mode=True)  # which says what is wrong with the whole of it
    return b"".join(found)
