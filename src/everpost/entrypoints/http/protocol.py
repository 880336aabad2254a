"""uvicorn's protocol, with bounds on what a client may do before it is heard, and answers that leave as one piece.

Every connection has an instant by which it must have done what is waited for: a whole head, then a whole body, then,
after the answer, another head. `sweep` ends those that are late. What is no sound request is refused at once: an
ambiguous one could be read in another way by a proxy in front, and carry a second request past it.
"""

import asyncio
from collections.abc import Collection
from math import inf
from typing import Any, Final, cast

import msgspec
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from everpost.entrypoints.http.problems import bare
from everpost.model import limits

ROOM_SHARE: Final = 16  # of all connections that one in so many makes room for, so that looking for them costs little


class Refused(Exception):
    """Raised within the parser, which then gives up. The code is one of `problems.CODES`."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail


class Protocol(HttpToolsProtocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(cast("asyncio.Transport", JoinedWrites(cast("asyncio.Transport", transport))))
        self._refused: Refused | None = None
        self._stuck_since: float | None = None  # what was answered is not read
        self._received = 0  # of the request that is being read, framing included
        self._in_head = True
        self._is_whole = True  # nothing is being read
        self._wait(limits.REQUEST_HEAD_S_MAX)
        if self.limit_concurrency is not None and len(self.connections) >= self.limit_concurrency:
            make_room(cast("Collection[Protocol]", self.connections))

    @property
    def due_at(self) -> float:
        """When, by the loop's clock, the client must have done what is waited for; infinite while it waits for us."""
        return self._due_at

    def end_if_late(self, now: float) -> None:
        if self._stuck_since is not None:
            if now - self._stuck_since > limits.ANSWER_READ_S_MAX:
                self.transport.abort()
        elif now > self._due_at:
            self.end("the request did not come in time")

    def end(self, why: str) -> None:
        """Tells the client, if it has begun to speak; the next time it is cut off, whether it has read that or not."""
        if self.transport.is_closing():
            self.transport.abort()
            return
        self._wait(0)
        if self._received:
            self._refuse(Refused("request_timeout", why))
        else:
            self.transport.close()

    # --- what comes in ------------------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return  # it has been refused
        self._received += len(data)
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self._in_head and self._received > limits.REQUEST_HEAD_BYTES_MAX:
            self._refuse(_head_too_large())
        elif self._received > limits.REQUEST_WIRE_BYTES_MAX:
            self._refuse(Refused("body_too_large", f"at most {limits.BODY_BYTES_MAX} bytes are read of one request"))

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head = True
        self._is_whole = False

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._in_head:
            return  # a trailer, which must not pass for a header (RFC 9110 6.5.1): it comes after the decisions
        if len(self.headers) >= limits.REQUEST_HEADERS_MAX:
            raise self._noted(_head_too_large())
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_head = False
        if len(self.pipeline) >= limits.PIPELINED_MAX:
            detail = f"more than {limits.PIPELINED_MAX} requests wait for the answers before theirs"
            raise self._noted(Refused("bad_request", detail))
        self._check_head()
        self._wait(limits.REQUEST_BODY_S_MAX)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._received = 0
        self._is_whole = True
        if not self._is_answered:
            self._due_at = inf

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._is_answered:
            self._wait(limits.REQUEST_HEAD_S_MAX)
        elif not self._is_whole:
            self._wait(limits.REQUEST_BODY_S_MAX)

    def _check_head(self) -> None:
        if self._received > limits.REQUEST_HEAD_BYTES_MAX:
            size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
            if size > limits.REQUEST_HEAD_BYTES_MAX:
                raise self._noted(_head_too_large())
        hosts, codings = 0, []
        for name, value in self.headers:
            if name == b"host":
                hosts += 1
            elif name == b"transfer-encoding":
                codings.append(value.lower())
        is_old = self.parser.get_http_version() == "1.0"
        if hosts > 1 or not (hosts or is_old):
            raise self._noted(Refused("bad_request", "a request has one Host header (RFC 9112 3.2)"))
        if codings and (is_old or codings != [b"chunked"]):
            raise self._noted(Refused("bad_request", "the only transfer coding that is read is chunked, given once"))

    @property
    def _is_answered(self) -> bool:
        return (cycle := self._last_cycle) is not None and cycle.response_complete

    @property
    def _is_being_answered(self) -> bool:
        return (cycle := self._last_cycle) is not None and cycle.response_started and not cycle.response_complete

    @property
    def _last_cycle(self) -> RequestResponseCycle | None:
        return self.cycle

    def _wait(self, seconds: float) -> None:
        self._due_at = self.loop.time() + seconds

    # --- what goes out ------------------------------------------------------------------------------------------------

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stuck_since = self.loop.time()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._stuck_since = None

    def send_400_response(self, msg: str) -> None:
        """Uvicorn calls it when its parser has given up."""
        self._refuse(self._refused or Refused("bad_request", msg))

    def _noted(self, refused: Refused) -> Refused:
        self._refused = refused
        return refused

    def _refuse(self, refused: Refused) -> None:
        if self._is_being_answered:
            self.transport.abort()  # what would follow could be taken for part of that answer
            return
        given = bare(refused.code, refused.detail)
        body = msgspec.json.encode(given)
        head = b"content-type: application/problem+json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(body)
        self.transport.write(STATUS_LINE[given["status"]] + head + body)
        self.transport.close()

    def _unsupported_upgrade_warning(self) -> None:
        """Nothing is upgraded here, and who asks for it need not fill the log."""


def sweep(connections: Collection[Protocol], now: float) -> None:
    """Ends the connections whose clients are late. To be called every second or so."""
    for connection in tuple(connections):
        connection.end_if_late(now)


def make_room(connections: Collection[Protocol]) -> None:
    """Ends some of those who have been waited for the longest: whoever has something to say has said it by now."""
    waited_for = [connection for connection in connections if connection.due_at < inf]
    waited_for.sort(key=lambda connection: connection.due_at)
    for connection in waited_for[: max(1, len(waited_for) // ROOM_SHARE)]:
        connection.end("others needed the connection")


def _head_too_large() -> Refused:
    bytes_max, headers_max = limits.REQUEST_HEAD_BYTES_MAX, limits.REQUEST_HEADERS_MAX
    return Refused("head_too_large", f"at most {bytes_max} bytes and {headers_max} headers are read before a body")


class JoinedWrites:
    """A transport that holds a write back for the one that follows, but not beyond this turn of the loop.

    Two writes are two calls of the kernel, two packets, and two times that whoever reads them wakes up.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._held = b""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        if self._held:
            held, self._held = self._held, b""
            self._transport.write(held + data)
        elif data:
            self._held = data
            self._loop.call_soon(self._flush)

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._held and not self._transport.is_closing():
            self._transport.write(self._held)
        self._held = b""
