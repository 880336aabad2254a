"""Bodies of requests, read into what the sandbox itself takes."""

import re
from typing import Final, TypeVar

import msgspec

from everpost.dialects.faults import Faults, decode
from everpost.entrypoints.http.call import Call
from everpost.entrypoints.http.problems import problem
from everpost.model.problem import FieldError, Problem

_T = TypeVar("_T")
_SIGNS: Final = {">=": "at least", "<=": "at most", ">": "more than", "<": "less than"}
_BOUND: Final = re.compile(r"Expected `\w+`( of length)? ([<>]=?) (\S+)")


async def read(call: Call, type_: type[_T]) -> _T | Problem:
    """The body, or what is wrong with it: all of it, and of what is beyond its bounds the first."""
    body = await call.body()
    if isinstance(body, Problem):
        return body
    faults = Faults()
    try:
        found = decode(body or b"{}", msgspec.json.Decoder(type_), faults)
    except msgspec.ValidationError as error:  # what is beyond its bounds, which alone `decode` leaves to msgspec
        words, _, path = str(error).partition(" - at `$.")
        return problem("validation_failed", errors=[FieldError(path.rstrip("`"), _BOUND.sub(_bound, words))])
    return faults.problem() if faults else found


def _bound(words: re.Match[str]) -> str:
    of_length, sign, bound = words.groups()
    limit = f"{_SIGNS[sign]} {bound}"
    return f"must have {limit} entries" if of_length else f"must be {limit}"
