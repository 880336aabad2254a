"""RESP2, the protocol of Valkey and Redis: https://valkey.io/topics/protocol/. Pure."""

from collections.abc import Sequence
from typing import Final, TypeAlias

from msgspec import Struct

CRLF: Final = b"\r\n"
DEPTH_MAX: Final = 8  # arrays within arrays


class Refusal(Struct, frozen=True):
    """An error that the server has answered."""

    text: str

    @property
    def code(self) -> str:
        return self.text.partition(" ")[0]


Reply: TypeAlias = "bytes | int | Refusal | list[Reply] | None"
Argument: TypeAlias = str | bytes | int | float
Command: TypeAlias = Sequence[Argument]


class Malformed(Exception):
    """What came is not RESP2."""


def rendered(command: Command) -> bytes:
    """The command as it goes out: an array of strings of bytes."""
    parts = [b"*%d" % len(command)]
    for argument in command:
        data = argument if isinstance(argument, bytes) else str(argument).encode()
        parts += (b"$%d" % len(data), data)
    return CRLF.join(parts) + CRLF


def read(data: bytes, at: int = 0, depth: int = 0) -> tuple[Reply, int] | None:
    """The reply that begins at `at`, and where it ends; None: it is not whole yet. Raises Malformed."""
    end = data.find(CRLF, at)
    if end < 0:
        return None
    kind, line = data[at : at + 1], data[at + 1 : end]
    match kind:
        case b"+":
            return line, end + 2
        case b"-":
            return Refusal(line.decode(errors="replace")), end + 2
        case b":":
            return _number(line), end + 2
        case b"$":
            return _string(data, _number(line), end + 2)
        case b"*":
            return _array(data, _number(line), end + 2, depth + 1)
        case _:
            raise Malformed(f"a reply begins with {kind!r}")


def _number(line: bytes) -> int:
    try:
        return int(line)
    except ValueError as error:
        raise Malformed(f"{line[:20]!r} is no number") from error


def _string(data: bytes, length: int, at: int) -> tuple[Reply, int] | None:
    if length < 0:
        return None, at
    end = at + length
    if len(data) < end + 2:
        return None
    return data[at:end], end + 2


def _array(data: bytes, length: int, at: int, depth: int) -> tuple[Reply, int] | None:
    if length < 0:
        return None, at
    if depth > DEPTH_MAX:
        raise Malformed("arrays lie too deep in one another")
    found: list[Reply] = []
    for _ in range(length):
        item = read(data, at, depth)
        if item is None:
            return None
        reply, at = item
        found.append(reply)
    return found, at
