"""Instants as callers write them."""

from datetime import datetime
from typing import Annotated, Final

import msgspec

from everpost.dialects.faults import Faults, quoted

_MILLISECONDS_FROM: Final = 100_000_000_000  # as seconds: the year 5138
_Zoned = Annotated[datetime, msgspec.Meta(tz=True)]
_EXAMPLE: Final = "write it as 2030-01-31T09:00:00Z or in seconds since 1970"


def read_instant(value: float | str | None, path: str, faults: Faults) -> float | None:
    """Seconds since the Unix epoch of an RFC 3339 time with its zone, or of a number of seconds."""
    if value is None:
        return None
    if isinstance(value, str):
        try:
            return _bounded(msgspec.convert(value, _Zoned).timestamp(), path, faults)
        except msgspec.ValidationError:
            faults.add(path, f"{quoted(value)} is not an RFC 3339 time with a zone; {_EXAMPLE}")
            return None
    return _bounded(float(value), path, faults)


def _bounded(at: float, path: str, faults: Faults) -> float | None:
    if 0 <= at < _MILLISECONDS_FROM:
        return at
    hint = "it looks like milliseconds" if at >= _MILLISECONDS_FROM else "it lies before 1970"
    faults.add(path, f"is no sensible time ({hint}); {_EXAMPLE}")
    return None
