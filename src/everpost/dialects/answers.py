"""What every dialect of a provider answers with, and how it collects what is wrong with a request."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from msgspec import Struct, field

from everpost.model.message import Address
from everpost.model.problem import FieldError, Problem


class Rendered(Struct, frozen=True, kw_only=True):
    """An HTTP answer in the form of somebody's API."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


def render_json(status: int, value: Any, headers: Mapping[str, str] | None = None) -> Rendered:
    body = msgspec.json.encode(value)
    return Rendered(status=status, headers={"content-type": "application/json", **(headers or {})}, body=body)


def invalid(errors: Iterable[FieldError]) -> Problem:
    return Problem(code="invalid_request", status=400, title="The request is not valid", errors=tuple(errors))


def sound_addresses(name: str, found: Iterable[Address | str], errors: list[FieldError]) -> tuple[Address, ...]:
    """The addresses that could be read; what is wrong with the others goes to `errors`."""
    sound = []
    for at, each in enumerate(found):
        if isinstance(each, str):
            errors.append(FieldError(f"{name}[{at}]", each))
        else:
            sound.append(each)
    return tuple(sound)
