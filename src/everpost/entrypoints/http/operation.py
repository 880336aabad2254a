"""An operation of the API: one row says how it is reached, who may call it, what answers it and how it is told."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from msgspec import Struct

from everpost.dialects.dropins.contract import Dropin
from everpost.entrypoints.http.call import JSON, Call, Reply
from everpost.entrypoints.http.query import Parameter
from everpost.model.key import Scope
from everpost.model.problem import Problem

Handler = Callable[[Call], Awaitable[Reply | Problem]]


class Answer(Struct, frozen=True, kw_only=True):
    """A good answer. `schema` is a type of the dialects; None: see the content type."""

    status: int
    description: str
    schema: Any = None
    content_type: bytes = JSON
    headers: Mapping[str, str] = {}  # always there
    optional_headers: Mapping[str, str] = {}
    links: Mapping[str, str] = {}  # operations that take this answer's `id`, and what for


class Operation(Struct, frozen=True, kw_only=True):
    id: str
    method: str
    path: str
    tag: str
    summary: str
    handle: Handler
    scope: Scope | None  # None: everybody may
    description: str = ""
    places: Mapping[str, Mapping[str, Any]] = {}  # schemas of the path's variable parts that are more than text
    query: tuple[Parameter, ...] = ()
    headers: tuple[Parameter, ...] = ()
    body: type | None = None  # bytes: of a form that is not ours
    body_required: bool = True
    media_type: str = "application/json"  # of the body
    example: Mapping[str, Any] | None = None  # of the body
    answers: tuple[Answer, ...]
    problems: tuple[str, ...] = ()  # of `problems.CODES`, beside those of every operation, or of every one with a body
    legacy: bool = False  # problems are told in the form of the original API
    dropin: Dropin | None = None  # problems are told, and keys given, in the form of somebody else's API
    takes_mail: bool = False  # bounded by `Admission`
    is_traced: bool = True  # where a key is needed: what is asked again and again by machines has no story


def open_page(
    id_: str, path: str, summary: str, handle: Handler, *, schema: Any = None, content_type: bytes = JSON
) -> Operation:
    """A page, or what belongs to one: for everybody, since it shows nothing that a key would be needed for."""
    return Operation(
        id=id_,
        method="GET",
        path=path,
        tag="Pages",
        summary=summary,
        handle=handle,
        scope=None,
        answers=(Answer(status=200, description="Here.", schema=schema, content_type=content_type),),
        problems=("not_found",) if "{" in path else (),
    )
