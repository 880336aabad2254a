"""Bodies of requests, read into what the sandbox itself takes."""

from typing import TypeVar

import msgspec

from everpost.entrypoints.http.call import Call
from everpost.entrypoints.http.problems import problem
from everpost.model.problem import FieldError, Problem

_T = TypeVar("_T")


async def read(call: Call, type_: type[_T]) -> _T | Problem:
    """The body, or the first thing that is wrong with it."""
    body = await call.body()
    if isinstance(body, Problem):
        return body
    try:
        return msgspec.json.decode(body or b"{}", type=type_)
    except msgspec.ValidationError as error:
        words, _, path = str(error).partition(" - at `$.")
        return problem("validation_failed", errors=[FieldError(path.rstrip("`"), words)])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return problem("bad_json", str(error))
