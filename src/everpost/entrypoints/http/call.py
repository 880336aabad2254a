"""One request on its way through this room, and the answer to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
from msgspec import Struct

from everpost.engine.accept import Acceptor
from everpost.engine.clock import Clock
from everpost.engine.console import Console
from everpost.engine.keys import Keyring
from everpost.entrypoints.http.asgi_types import Receive, Scope
from everpost.entrypoints.http.inbox import Inbox
from everpost.entrypoints.http.metrics import Metrics
from everpost.entrypoints.http.problems import problem
from everpost.model.key import Caller
from everpost.model.limits import BODY_BYTES_MAX
from everpost.model.message import Origin
from everpost.model.problem import Problem

JSON: Final = b"application/json"
PROBLEM_JSON: Final = b"application/problem+json"
HTML: Final = b"text/html; charset=utf-8"

_ENCODER: Final = msgspec.json.Encoder()

Headers = Sequence[tuple[bytes, bytes]]


class Disconnected(Exception):
    """The caller has gone before the end of its request."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Services:
    """What this room needs of the others."""

    acceptor: Acceptor
    console: Console
    keyring: Keyring | None  # None: whoever reaches the loopback interface is the administrator of `default`
    clock: Clock
    metrics: Metrics
    inbox: Inbox | None  # what the sandbox providers have taken
    version: str


class Reply(Struct, frozen=True, kw_only=True):
    status: int
    body: bytes
    content_type: bytes = JSON
    headers: Headers = ()


@dataclass(slots=True)
class Call:
    """A request. `template`, `message_id` and `reply` are filled in as it is dealt with."""

    scope: Scope
    receive: Receive
    origin: Origin
    services: Services
    caller: Caller
    query: Mapping[str, str] = field(default_factory=dict)
    template: str = ""
    message_id: str | None = None
    reply: Reply | None = None
    _headers: Mapping[bytes, bytes] = field(init=False)  # of a repeated one the first

    def __post_init__(self) -> None:
        self._headers = dict(reversed(self.scope["headers"]))

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
        return [_text(value) for key, value in self.scope["headers"] if key == name]

    def place(self, name: str) -> str:
        """A variable part of the path."""
        return str(self.scope["path_params"][name])

    async def body(self) -> bytes | Problem:
        """The whole body. One that is too large is refused as soon as that shows, and never held whole."""
        announced = self.header(b"content-length") or "0"
        if announced.isdecimal() and int(announced) > BODY_BYTES_MAX:
            return _too_large()
        message = await self._chunk()
        chunk: bytes = message.get("body", b"")
        if not message.get("more_body"):
            return chunk if len(chunk) <= BODY_BYTES_MAX else _too_large()
        chunks, size = [chunk], len(chunk)
        while message.get("more_body"):
            message = await self._chunk()
            chunks.append(message.get("body", b""))
            size += len(chunks[-1])
            if size > BODY_BYTES_MAX:
                return _too_large()
        return b"".join(chunks)

    async def _chunk(self) -> Mapping[str, Any]:
        message = await self.receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        return message


def json(status: int, value: Any, headers: Headers = ()) -> Reply:
    return Reply(status=status, body=encode(value), headers=headers)


def encode(value: Any) -> bytes:
    return _ENCODER.encode(value)


def _text(value: bytes) -> str:
    return value.decode("latin-1").strip()


def _too_large() -> Problem:
    return problem("body_too_large", f"at most {BODY_BYTES_MAX} bytes are read of one request")
