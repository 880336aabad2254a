"""HTTP/1.1 to providers: a pool of connections, a deadline for each phase, no retry and no redirect.

What a Fault says is what a failover rests on: `maybe_sent=False` is given only where the last piece of the request was
never handed to the network.
"""

import asyncio
import re
import socket
import ssl
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from everpost.engine.wire.connection import TAIL_BYTES, Broken, Connection
from everpost.model.account import Timeouts
from everpost.providers.contract import Answer, Fault, HttpRequest, HttpResponse, Phase

IDLE_S: Final = 15.0  # a connection that was idle for longer is not used again: providers close theirs later than this
CONNECTIONS_MAX: Final = 256  # to one origin
PORTS: Final = {"http": 80, "https": 443}

_FORBIDDEN: Final = re.compile(r"[\x00-\x1f\x7f]")


class _Origin:
    """The connections to one scheme, host and port."""

    def __init__(self, host: str, port: int, tls: ssl.SSLContext | None) -> None:
        self.host = host
        self.port = port
        self.tls = tls
        self.slots = asyncio.Semaphore(CONNECTIONS_MAX)
        self.idle: list[Connection] = []


class HttpTransport:
    def __init__(self, monotonic: Callable[[], float], tls: ssl.SSLContext) -> None:
        self._monotonic = monotonic
        self._tls = tls
        self._origins: dict[tuple[str, str, int], _Origin] = {}

    async def send(self, request: HttpRequest, timeouts: Timeouts, not_after: float) -> Answer:
        """Raises ValueError for a request that no HTTP server may be given: a fault of ours."""
        scheme, host, port, head = _prepared(request)
        origin = self._origin(scheme, host, port)
        payload = head + request.body
        try:
            async with asyncio.timeout(timeouts.connect_s):
                await origin.slots.acquire()
        except TimeoutError:
            return _not_sent(Phase.CONNECT, f"no free connection within {timeouts.connect_s:g} s")
        try:
            connection = await self._connected(origin, timeouts)
            if isinstance(connection, Fault):
                return connection
            try:
                answer = await self._exchange(connection, payload, timeouts, not_after)
            except BaseException:
                connection.abort()
                raise
            self._put_back(origin, connection, reusable=isinstance(answer, HttpResponse))
            return answer
        finally:
            origin.slots.release()

    def close(self) -> None:
        for origin in self._origins.values():
            for connection in origin.idle:
                connection.abort()
            origin.idle.clear()

    # --- connections --------------------------------------------------------------------------------------------------

    def _origin(self, scheme: str, host: str, port: int) -> _Origin:
        key = (scheme, host, port)
        if key not in self._origins:
            self._origins[key] = _Origin(host, port, self._tls if scheme == "https" else None)
        return self._origins[key]

    async def _connected(self, origin: _Origin, timeouts: Timeouts) -> Connection | Fault:
        while origin.idle:
            connection = origin.idle.pop()
            if self._monotonic() - connection.idle_since < IDLE_S and connection.is_usable:
                await asyncio.sleep(0)  # lets the loop see a close that has arrived but was not read yet
                if connection.is_usable:
                    return connection
            connection.abort()
        try:
            async with asyncio.timeout(timeouts.connect_s):
                server_name = origin.host if origin.tls else None
                _, connection = await asyncio.get_running_loop().create_connection(
                    Connection, origin.host, origin.port, ssl=origin.tls, server_hostname=server_name
                )
        except TimeoutError:
            return _not_sent(Phase.CONNECT, f"no connection within {timeouts.connect_s:g} s")
        except socket.gaierror as error:
            return _not_sent(Phase.DNS, str(error))
        except ssl.SSLError as error:
            return _not_sent(Phase.TLS, str(error))
        except OSError as error:
            return _not_sent(Phase.TLS if origin.tls and not error.errno else Phase.CONNECT, str(error))
        return connection

    def _put_back(self, origin: _Origin, connection: Connection, *, reusable: bool) -> None:
        if reusable and connection.reusable and connection.is_usable:
            connection.idle_since = self._monotonic()
            origin.idle.append(connection)
        else:
            connection.abort()

    # --- one exchange -------------------------------------------------------------------------------------------------

    async def _exchange(self, connection: Connection, payload: bytes, timeouts: Timeouts, not_after: float) -> Answer:
        if self._monotonic() > not_after:
            return _not_sent(Phase.DEADLINE, "the time for this attempt was over before its first byte")
        connection.begin()
        early = await self._all_but_the_tail(connection, payload[:-TAIL_BYTES], timeouts)
        if early is not None:
            return early
        try:
            connection.write(payload[-TAIL_BYTES:])
        except Broken as broken:
            return _not_sent(Phase.WRITE, str(broken))
        # From here on a provider may have read it all.
        try:
            async with asyncio.timeout(timeouts.answer_s):
                return await connection.answer()
        except TimeoutError:
            return _maybe_sent(f"no answer within {timeouts.answer_s:g} s")
        except Broken as broken:
            return _maybe_sent(str(broken))

    async def _all_but_the_tail(self, connection: Connection, most: bytes, timeouts: Timeouts) -> Answer | None:
        """None: it has left this process, and the tail may follow."""
        if not most:
            return None
        try:
            connection.write(most)
            async with asyncio.timeout(timeouts.write_s):
                await connection.flushed()
        except TimeoutError:
            return _not_sent(Phase.WRITE, f"the body did not go out within {timeouts.write_s:g} s")
        except Broken as broken:
            return _not_sent(Phase.WRITE, str(broken))
        if connection.has_answer:  # refused before all of it was read: 401, 413
            connection.reusable = False
            return await connection.answer()
        return None if connection.is_usable else _not_sent(Phase.WRITE, "lost before the whole body was written")


def _prepared(request: HttpRequest) -> tuple[str, str, int, bytes]:
    parts = urlsplit(request.url)
    if parts.scheme not in PORTS or not parts.hostname:
        raise ValueError(f"not an http or https address with a host: {parts.scheme}://{parts.hostname}")
    port = parts.port or PORTS[parts.scheme]
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    named = host if port == PORTS[parts.scheme] else f"{host}:{port}"
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    headers = {"Host": named, **request.headers}
    if request.body or request.method not in ("GET", "HEAD"):
        headers["Content-Length"] = str(len(request.body))
    lines = [f"{request.method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    if any(_FORBIDDEN.search(line) for line in lines):
        raise ValueError("a control character in the head of a request")
    return parts.scheme, parts.hostname, port, ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _not_sent(phase: Phase, text: str) -> Fault:
    return Fault(phase=phase, maybe_sent=False, text=text)


def _maybe_sent(text: str) -> Fault:
    return Fault(phase=Phase.ANSWER, maybe_sent=True, text=text)
