"""Query parameters, pages and cursors."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Final, TypeVar
from urllib.parse import parse_qsl

from msgspec import Struct

from everpost.dialects.faults import Faults, unknown
from everpost.dialects.times import read_instant
from everpost.entrypoints.http.problems import problem
from everpost.model.problem import Problem

PARAMETERS_MAX: Final = 50

_E = TypeVar("_E", bound=StrEnum)


class Parameter(Struct, frozen=True):
    """A query parameter that an operation knows."""

    name: str
    description: str
    schema: Mapping[str, Any]
    required: bool = False
    repeats: bool = False  # given more than once, its values are read as one with commas between


def read_query(raw: bytes, known: Sequence[Parameter]) -> Mapping[str, str] | Problem:
    """The parameters by name. Unknown and repeated ones are refused: ignored, they would widen what was asked for."""
    if not raw:
        return {}
    try:
        pairs = parse_qsl(raw.decode("latin-1"), keep_blank_values=True, max_num_fields=PARAMETERS_MAX, errors="strict")
    except ValueError:
        return problem("bad_parameter", f"the query is not UTF-8, or has more than {PARAMETERS_MAX} parameters")
    faults, names, found = Faults(), {parameter.name: parameter for parameter in known}, dict[str, str]()
    for name, value in pairs:
        if name not in names:
            faults.add(name, unknown(name, names) if names else "unknown; there are no query parameters here")
        elif name in found and not names[name].repeats:
            faults.add(name, "is given twice")
        found[name] = f"{found[name]},{value}" if name in found else value
    return refusal(faults) if faults else found


def refusal(faults: Faults) -> Problem:
    return problem("bad_parameter", errors=faults.problem().errors)


def read_limit(query: Mapping[str, str], default: int, maximum: int, faults: Faults) -> int:
    text = query.get("limit")
    if text is None:
        return default
    if text.isascii() and text.isdecimal() and len(text) < 10 and 1 <= int(text) <= maximum:
        return int(text)
    faults.add("limit", f"must be a number from 1 to {maximum}")
    return default


def read_choice(query: Mapping[str, str], name: str, choices: type[_E], faults: Faults) -> _E | None:
    text = query.get(name)
    if text is None:
        return None
    try:
        return choices(text)
    except ValueError:
        faults.add(name, f"must be one of: {', '.join(choices)}")
        return None


def read_time(query: Mapping[str, str], name: str, faults: Faults) -> float | None:
    text = query.get(name)
    if text is None:
        return None
    return read_instant(float(text) if text.isascii() and text.isdecimal() else text, name, faults)


def cursor(place: str) -> str:
    """A place in a list as callers carry it; what it is made of may change."""
    return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")


def read_cursor(query: Mapping[str, str], name: str, faults: Faults) -> str | None:
    text = query.get(name)
    if not text:
        return None
    try:
        place = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        place = ""
    if not place or cursor(place) != text:
        faults.add(name, "is not a cursor that this API gave")
        return None
    return place


def cursor_of_body(given: str | None) -> str | Problem | None:
    """The same where the cursor stands in a body; None: from the beginning."""
    faults = Faults()
    place = read_cursor({"cursor": given or ""}, "cursor", faults)
    return faults.problem() if faults else place
