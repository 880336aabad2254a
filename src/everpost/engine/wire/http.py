"""HTTP/1.1 to providers: a pool of connections, a deadline for each phase, no retry and no redirect.

What a Fault says is what a failover rests on: `maybe_sent=False` is given only where the last piece of the request was
never handed to the network.
"""

import asyncio
import re
import ssl
from collections import deque
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from everpost.engine.wire.connection import Connection
from everpost.engine.wire.dial import dial
from everpost.engine.wire.guard import Guard
from everpost.engine.wire.stream import Broken
from everpost.model.account import Timeouts
from everpost.model.limits import ANSWER_BODY_BYTES_MAX
from everpost.providers.contract import Answer, Fault, HttpRequest, HttpResponse, Phase

TAIL_BYTES: Final = 16 * 1024
"""The last piece of a large request. It is held back until everything before it has left our buffers: a provider
that has not been given it can't have read the whole request, whatever happens."""

IDLE_S: Final = 15.0  # a connection that was idle for longer is not used again: providers close theirs later than this
CONNECTIONS_MAX: Final = 256  # to one origin
ADDRESSES_MAX: Final = 256  # URLs that need not be read again: mails go to one of each account
PORTS: Final = {"http": 80, "https": 443}

_NOT_IN_URL: Final = re.compile(r"[^!-~]")  # a blank or a line break would end the target, and more would follow
_TOKEN: Final = re.compile(r"[\w!#$%&'*+.^`|~-]+", re.ASCII)  # RFC 9110 5.6.2
_NOT_IN_VALUE: Final = re.compile(r"[\x00-\x1f\x7f]")


class _Origin:
    """The connections to one scheme, host and port."""

    def __init__(self, host: str, port: int, tls: ssl.SSLContext | None) -> None:
        self.host = host
        self.port = port
        self.tls = tls
        self.slots = asyncio.Semaphore(CONNECTIONS_MAX)
        self.idle: deque[Connection] = deque()  # the one that has waited longest is on the left


class _Address(NamedTuple):
    """What a URL says."""

    scheme: str
    host: str
    port: int
    named: str  # the host as its header has it
    target: str


class Connections(NamedTuple):
    """How many there are."""

    busy: int  # carry a request, or are being opened for one
    idle: int


class _Prepared(NamedTuple):
    origin: _Origin
    payload: bytes
    bodyless: bool  # so is the answer


class HttpTransport:
    def __init__(
        self,
        monotonic: Callable[[], float],
        tls: ssl.SSLContext,
        guard: Guard | None = None,
        body_bytes_max: int = ANSWER_BODY_BYTES_MAX,
    ) -> None:
        """`body_bytes_max`: of an answer."""
        self._monotonic = monotonic
        self._tls = tls
        self._guard = guard
        self._body_bytes_max = body_bytes_max
        self._origins: dict[tuple[str, str, int], _Origin] = {}
        self._busy = 0

    async def send(self, request: HttpRequest, timeouts: Timeouts, not_after: float) -> Answer:
        """Raises ValueError for a request that no HTTP server may be given: a fault of ours."""
        prepared = self._prepared(request)
        slots = prepared.origin.slots
        if slots.locked():
            try:
                async with asyncio.timeout(timeouts.connect_s):
                    await slots.acquire()
            except TimeoutError:
                return _not_sent(Phase.CONNECT, f"no free connection within {timeouts.connect_s:g} s")
        else:
            await slots.acquire()  # at once
        self._busy += 1
        try:
            return await self._carry(prepared, timeouts, not_after)
        finally:
            self._busy -= 1
            slots.release()

    @property
    def connections(self) -> Connections:
        return Connections(self._busy, sum(len(origin.idle) for origin in self._origins.values()))

    def close(self) -> None:
        for origin in self._origins.values():
            while origin.idle:
                origin.idle.pop().abort()

    async def _carry(self, prepared: _Prepared, timeouts: Timeouts, not_after: float) -> Answer:
        origin = prepared.origin
        connection = self._idle(origin)
        if connection is None:
            make = partial(Connection, self._body_bytes_max)
            dialled = await dial(make, origin.host, origin.port, origin.tls, timeouts.connect_s, self._guard)
            if isinstance(dialled, Fault):
                return dialled
            connection = dialled
        try:
            answer = await self._exchange(connection, prepared, timeouts, not_after)
        except BaseException:
            connection.abort()
            raise
        self._put_back(origin, connection, reusable=isinstance(answer, HttpResponse))
        return answer

    # --- connections --------------------------------------------------------------------------------------------------

    def _origin(self, scheme: str, host: str, port: int) -> _Origin:
        key = (scheme, host, port)
        if key not in self._origins:
            self._origins[key] = _Origin(host, port, self._tls if scheme == "https" else None)
        return self._origins[key]

    def _idle(self, origin: _Origin) -> Connection | None:
        """One that can be used, as far as can be known without waiting: the caller writes at once."""
        while origin.idle:
            connection = origin.idle.pop()
            if self._is_fresh(connection) and connection.is_usable and connection.is_quiet:
                return connection
            connection.abort()
        return None

    def _put_back(self, origin: _Origin, connection: Connection, *, reusable: bool) -> None:
        while origin.idle and not self._is_fresh(origin.idle[0]):
            origin.idle.popleft().abort()
        if reusable and connection.reusable and connection.is_usable:
            connection.idle_since = self._monotonic()
            origin.idle.append(connection)
        else:
            connection.abort()

    def _is_fresh(self, connection: Connection) -> bool:
        return self._monotonic() - connection.idle_since < IDLE_S

    # --- one exchange -------------------------------------------------------------------------------------------------

    async def _exchange(
        self, connection: Connection, prepared: _Prepared, timeouts: Timeouts, not_after: float
    ) -> Answer:
        if self._monotonic() > not_after:
            return _not_sent(Phase.DEADLINE, "the time for this attempt was over before its first byte")
        connection.begin(bodyless=prepared.bodyless)
        try:
            most = prepared.payload[:-TAIL_BYTES]
            early = await _all_but_the_tail(connection, most, timeouts)
            if early is not None:
                return early
            connection.try_for(timeouts.answer_s)
            connection.write(prepared.payload[-TAIL_BYTES:])
        except Broken as broken:
            return _not_sent(Phase.WRITE, str(broken))
        # From here on a provider may have read it all.
        try:
            async with asyncio.timeout(timeouts.answer_s):
                return await connection.answer()
        except TimeoutError:
            return _maybe_sent(Phase.ANSWER, f"no answer within {timeouts.answer_s:g} s")
        except Broken as broken:
            return _maybe_sent(Phase.ANSWER, str(broken))

    def _prepared(self, request: HttpRequest) -> _Prepared:
        address = _address(request.url)
        if not _TOKEN.fullmatch(request.method):
            raise ValueError(f"a method that can't be sent: {request.method!r}")
        headers = {"Host": address.named, **request.headers}
        if request.body or request.method not in ("GET", "HEAD"):
            headers["Content-Length"] = str(len(request.body))
        for name, value in headers.items():
            if not _TOKEN.fullmatch(name) or _NOT_IN_VALUE.search(value):
                raise ValueError(f"a header that can't be sent: {name!r}")
        lines = [
            f"{request.method} {address.target} HTTP/1.1",
            *(f"{name}: {value}" for name, value in headers.items()),
        ]
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
        origin = self._origin(address.scheme, address.host, address.port)
        return _Prepared(origin, head + request.body, bodyless=request.method == "HEAD")


@lru_cache(ADDRESSES_MAX)
def _address(url: str) -> _Address:
    parts = urlsplit(url)
    if _NOT_IN_URL.search(url) or parts.scheme not in PORTS or not parts.hostname:
        raise ValueError("not an http or https address with a host, in printable ASCII")
    port = parts.port or PORTS[parts.scheme]
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return _Address(
        scheme=parts.scheme,
        host=parts.hostname,
        port=port,
        named=host if port == PORTS[parts.scheme] else f"{host}:{port}",
        target=(parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
    )


async def _all_but_the_tail(connection: Connection, most: bytes, timeouts: Timeouts) -> Answer | None:
    """None: it has left this process, and the tail may follow. Raises Broken."""
    if not most:
        return None
    connection.try_for(timeouts.write_s)
    try:
        async with asyncio.timeout(timeouts.write_s):
            await connection.write_all(most)
    except TimeoutError:
        return _not_sent(Phase.WRITE, f"the body did not go out within {timeouts.write_s:g} s")
    if not connection.has_answer:
        return None
    connection.reusable = False  # the rest of the request would stand before the next one
    answer = await connection.answer()
    if answer.status >= 400:  # refused before all of it was read: 401, 413
        return answer
    return _maybe_sent(Phase.WRITE, f"{answer.status} before the request was written, which can't be meant for it")


def _not_sent(phase: Phase, text: str) -> Fault:
    return Fault(phase=phase, maybe_sent=False, text=text)


def _maybe_sent(phase: Phase, text: str) -> Fault:
    return Fault(phase=phase, maybe_sent=True, text=text)
