"""One request on its way through this room, and the answer to it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

import msgspec
from msgspec import Struct

from everpost.dialects.answers import Rendered
from everpost.engine.accept import Acceptor
from everpost.engine.bulk import Bulk
from everpost.engine.clock import Clock
from everpost.engine.console import Console
from everpost.engine.desk import Desk
from everpost.engine.feed import Feed
from everpost.engine.groups import Groups
from everpost.engine.ingest import Ingestor
from everpost.engine.intake import Intake
from everpost.engine.key_desk import KeyDesk
from everpost.engine.keys import Keyring
from everpost.entrypoints.http.admission import Permit
from everpost.entrypoints.http.figures import Figures
from everpost.entrypoints.http.inbox import Inbox
from everpost.entrypoints.http.origins import Origins
from everpost.entrypoints.http.problems import problem
from everpost.model.key import Caller, Scope
from everpost.model.limits import BODY_BYTES_MAX
from everpost.model.message import Origin
from everpost.model.problem import Problem
from everpost.traces.port import NO_SPAN, UNTRACED, Span, Tracer

if TYPE_CHECKING:
    from everpost.engine.webhooks.registry import Registry

JSON: Final = b"application/json"
PROBLEM_JSON: Final = b"application/problem+json"
HTML: Final = b"text/html; charset=utf-8"

NOBODY: Final = Caller(project="", who="", scope=Scope.READ)
_UNKNOWN_ORIGIN: Final = Origin()
_ENCODER: Final = msgspec.json.Encoder()

Headers = Sequence[tuple[bytes, bytes]]
T = TypeVar("T")


class Disconnected(Exception):
    """The caller has gone before the end of its request."""


class Incoming(Protocol):
    """A request as a server hands it over."""

    method: str
    path: str  # decoded
    query: bytes
    permit: Permit | None  # of one that brings mail

    @property
    def headers(self) -> Headers:
        """Names in lower case."""
        ...

    async def piece(self) -> tuple[bytes, bool]:
        """The next piece of the body, and whether more follow. Raises Disconnected."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Services:
    """What this room needs of the others."""

    acceptor: Acceptor
    console: Console
    desk: Desk
    bulk: Bulk
    intake: Intake
    groups: Groups
    keyring: Keyring | None  # None: whoever reaches the loopback interface is the administrator of `default`
    clock: Clock
    metrics: Figures
    ingestor: Ingestor | None = None  # None: no provider's events are taken here
    inbox: Inbox | None  # what the sandbox providers have taken
    version: str
    feed: Feed | None = None  # None: nobody can keep an answer open here
    origins: Origins = field(default_factory=Origins)  # of pages elsewhere that may call
    webhooks: "Registry | None" = None  # None: there are none to be managed here
    keys: KeyDesk | None = None  # as `webhooks`
    tracer: Tracer = UNTRACED


class Stream(Protocol):
    """A body that comes piece by piece, without an end of its own. It has to be closed."""

    @property
    def last_words(self) -> bytes:
        """What is said to the caller when it ends for reasons of ours."""
        ...

    async def piece(self) -> bytes | None:
        """Waits for the next one; None: it ends here."""
        ...

    def close(self) -> None: ...


class Reply(Struct, frozen=True, kw_only=True):
    status: int
    body: bytes
    content_type: bytes = JSON
    headers: Headers = ()
    cache: bytes = b"no-store"  # the header Cache-Control
    stream: Stream | None = None  # in place of the body


@dataclass(slots=True)
class Call:
    """A request. What stands below `services` is filled in as it is dealt with."""

    incoming: Incoming
    services: Services
    origin: Origin = _UNKNOWN_ORIGIN
    caller: Caller = NOBODY
    query: Mapping[str, str] = field(default_factory=dict)
    places: Mapping[str, str] = field(default_factory=dict)  # the variable parts of the path
    template: str = ""
    message_id: str | None = None
    reply: Reply | None = None
    span: Span = NO_SPAN
    _headers: Mapping[bytes, bytes] = field(init=False)  # of a repeated one the first

    def __post_init__(self) -> None:
        self._headers = dict(reversed(self.incoming.headers))

    @property
    def request_id(self) -> str:
        return self.origin.request or ""

    def header(self, name: bytes) -> str | None:
        """The value of a header, `name` in lower case; of a repeated one the first."""
        value = self._headers.get(name)
        return None if value is None else _text(value)

    def headers(self, name: bytes) -> list[str]:
        if name not in self._headers:
            return []
        return [_text(value) for key, value in self.incoming.headers if key == name]

    def place(self, name: str) -> str:
        """A variable part of the path."""
        return self.places[name]

    def may_wait(self) -> bool:
        """Whether it may wait for a hand-over, which so many may at the same time."""
        return self.incoming.permit is not None and self.incoming.permit.wait()

    async def body(self, bytes_max: int = BODY_BYTES_MAX) -> bytes | Problem:
        """The whole body. One that is too large is refused as soon as that shows, and never held whole."""
        announced = self.header(b"content-length") or "0"
        if announced.isdecimal() and int(announced) > bytes_max:
            return _too_large(bytes_max)
        piece, more = await self.incoming.piece()
        if not more:
            return piece if len(piece) <= bytes_max else _too_large(bytes_max)
        pieces, size = [piece], len(piece)
        while more:
            piece, more = await self.incoming.piece()
            pieces.append(piece)
            size += len(piece)
            if size > bytes_max:
                return _too_large(bytes_max)
        return b"".join(pieces)

    async def aside(self, body: bytes, work: Callable[[], T]) -> T:
        """What `work` makes of a body: elsewhere than in the event loop if that takes time."""
        return await self.services.acceptor.aside.run(len(body), work)


def json(status: int, value: Any, headers: Headers = ()) -> Reply:
    return Reply(status=status, body=encode(value), headers=headers)


def replied(rendered: Rendered, extra: Headers = ()) -> Reply:
    """What a dialect has rendered, as an answer."""
    told = {name.lower(): value for name, value in rendered.headers.items()}
    kind = told.pop("content-type", JSON.decode()).encode()
    headers = [*((name.encode(), value.encode()) for name, value in told.items()), *extra]
    return Reply(status=rendered.status, body=rendered.body, content_type=kind, headers=headers)


def encode(value: Any) -> bytes:
    return _ENCODER.encode(value)


def _text(value: bytes) -> str:
    return value.decode("latin-1").strip()


def _too_large(bytes_max: int) -> Problem:
    size = f"{bytes_max / 2**20:g} MiB" if bytes_max >= 2**20 else f"{bytes_max / 2**10:g} KiB"
    return problem("body_too_large", f"at most {size} ({bytes_max} bytes) are read of one such request")
