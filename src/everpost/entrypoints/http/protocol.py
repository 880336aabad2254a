"""HTTP/1.1 straight to the door: what a request costs here is paid for each mail.

uvicorn opens the sockets and stops the server; the requests of a connection are read, answered one after the other and
written here. An answer leaves as one piece: two writes are two calls of the kernel, two packets, and two times that
whoever reads them wakes up.

Every connection has an instant by which it must have done what is waited for: a whole head, then a whole body, then,
after the answer, another head. `sweep` ends those that are late; no request pays for a timer.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Collection
from functools import partial
from math import inf
from typing import Any, cast

import httptools
from uvicorn import Config
from uvicorn.server import ServerState

from everpost.entrypoints.http.call import Call, Reply
from everpost.entrypoints.http.door import Door, fields_of
from everpost.entrypoints.http.exchange import BODY_WAITING_MAX, Exchange, written
from everpost.entrypoints.http.gate import CLOSE
from everpost.entrypoints.http.pouring import Pouring
from everpost.entrypoints.http.punctuality import Punctual, make_room
from everpost.entrypoints.http.soundness import Refused, check_head, head_too_large, refusal, target
from everpost.model import limits

_log = logging.getLogger(__name__)


class Protocol(asyncio.Protocol):
    """One connection. Its methods are called by the event loop, by httptools (`on_…`) and by uvicorn (`shutdown`)."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],  # noqa: ARG002  of ASGI's lifespan, which this server has not
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._door = cast("Door", config.app)
        self._server = server_state
        self._loop = _loop or asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self._url = b""
        self._reading: Exchange | None = None  # what comes next belongs to it
        self._answering: Exchange | None = None
        self._waiting: deque[Exchange] = deque()  # requests that were sent without waiting for the answer before
        self._is_new = False  # `_answering` has not been begun
        self._ends = False  # with the answers that are owed
        self._refused: Refused | None = None
        self._received = 0  # of the request that is being read, framing included
        self._in_head = True
        self._is_whole = True  # nothing is being read
        self._connections_max = config.limit_concurrency
        self._due_at = inf
        self._is_read_paused = False
        self._writable: asyncio.Future[None] | None = None  # while the caller does not read …
        self._stuck_since: float | None = None  # … since then
        self._pouring = Pouring(self)

    @property
    def due_at(self) -> float:
        """When, by the loop's clock, the client must have done what is waited for; infinite while it waits for us."""
        return self._due_at

    # --- the event loop's side ----------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self._server.connections.add(cast("Any", self))
        self._wait(limits.REQUEST_HEAD_S_MAX)
        if self._is_crowded:
            make_room(cast("Collection[Punctual]", self._server.connections))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  whatever the reason
        self._server.connections.discard(cast("Any", self))
        for exchange in (self._reading, self._answering, *self._waiting):
            if exchange is not None:
                exchange.leave()
        self._waiting.clear()
        self._reading = self._answering = None
        self.resume_writing()
        self._pouring.stop()
        del self._parser  # which holds this object, as this object holds it

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return  # it has been refused
        self._received += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._ends = True  # it is answered as any request, and what follows it is not HTTP
        except httptools.HttpParserError:
            self._refuse(self._refused or Refused("bad_request", "this is not HTTP/1.1"))
            return
        if self._in_head and self._received > limits.REQUEST_HEAD_BYTES_MAX:
            self._refuse(head_too_large())
        elif self._received > limits.REQUEST_WIRE_BYTES_MAX:
            self._refuse(Refused("body_too_large", f"at most {limits.BODY_BYTES_MAX} bytes are read of one request"))
        elif self._is_new and self._answering is not None:
            self._begin(self._answering)

    def pause_writing(self) -> None:
        self._writable = self._loop.create_future()
        self._stuck_since = self._loop.time()

    def resume_writing(self) -> None:
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        self._writable = self._stuck_since = None

    # --- httptools' side ----------------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        self._url = b""
        self._reading = Exchange(self)
        self._in_head = True
        self._is_whole = False

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        exchange = self._reading
        if exchange is None or not self._in_head:
            return  # a trailer, which must not pass for a header (RFC 9110 6.5.1): it comes after the decisions
        if len(exchange.headers) >= limits.REQUEST_HEADERS_MAX:
            raise self._noted(head_too_large())
        name = name.lower()
        exchange.headers.append((name, value))
        if name == b"expect" and value.lower() == b"100-continue":
            exchange.expects_word = True

    def on_headers_complete(self) -> None:
        exchange = self._reading
        if exchange is None:
            return
        self._in_head = False
        is_old = self._parser.get_http_version() == "1.0"
        faulty = check_head(self._url, exchange.headers, self._received, is_old=is_old)
        if faulty is None and self._is_crowded:
            faulty = Refused("too_many_connections", f"at most {self._connections_max} are served at once")
        if faulty is not None:
            raise self._noted(faulty)
        exchange.method = self._parser.get_method().decode("ascii")
        exchange.path, exchange.query = target(self._url)
        exchange.keep_alive = not is_old and self._parser.should_keep_alive()
        self._wait(limits.REQUEST_BODY_S_MAX)
        self._queue(exchange)

    def on_body(self, body: bytes) -> None:
        if self._reading is not None and self._reading.take(body) > BODY_WAITING_MAX:
            self.pause_reading()

    def on_message_complete(self) -> None:
        self._received = 0
        self._is_whole = True
        if self._answering is not None:
            self._due_at = inf
        if self._reading is not None:
            self._reading.end()

    # --- the exchange's side ------------------------------------------------------------------------------------------

    def pause_reading(self) -> None:
        if not self._is_read_paused:
            self._is_read_paused = True
            self.transport.pause_reading()

    def resume_reading(self) -> None:
        if self._is_read_paused:
            self._is_read_paused = False
            self.transport.resume_reading()

    def write(self, data: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(data)

    async def writable(self) -> None:
        while self._writable is not None:
            await self._writable

    # --- our side -----------------------------------------------------------------------------------------------------

    def shutdown(self) -> None:
        """Ends the connection, but not before what is being answered has been."""
        self._ends = True
        self._pouring.stop()
        if self._answering is None:
            self.transport.close()

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

    @property
    def _is_crowded(self) -> bool:
        return self._connections_max is not None and len(self._server.connections) >= self._connections_max

    def _wait(self, seconds: float) -> None:
        self._due_at = self._loop.time() + seconds

    def _noted(self, refused: Refused) -> Refused:
        self._refused = refused
        return refused

    def _queue(self, exchange: Exchange) -> None:
        if self._answering is None:
            self._answering = exchange
            self._is_new = True
        elif len(self._waiting) < limits.PIPELINED_MAX:
            self._waiting.append(exchange)
            self.pause_reading()
        else:
            detail = f"more than {limits.PIPELINED_MAX} requests wait for the answers before theirs"
            raise self._noted(Refused("bad_request", detail))

    def _begin(self, exchange: Exchange) -> None:
        self._is_new = False
        refusal_ = self._door.gate.refusal(exchange)
        if refusal_ is not None:
            self.write(refusal_)
            self._ended(exchange)
            return
        self._door.gate.turns.begin(partial(self._start, exchange))

    def _start(self, exchange: Exchange) -> None:
        task = self._loop.create_task(self._answer(exchange))
        self._server.tasks.add(task)
        task.add_done_callback(self._server.tasks.discard)

    async def _answer(self, exchange: Exchange) -> None:
        started = time.perf_counter()
        try:
            call = await self._door.deal(exchange)
            await self.writable()
            if call.reply is not None:
                self._write(call, call.reply, exchange)
            self._door.tell(call, time.perf_counter() - started)
            if call.reply is not None and call.reply.stream is not None:
                await self._pouring.run(call.reply.stream)
        except Exception:  # noqa: BLE001  the top of a connection: a bug costs this one, not the server
            _log.exception("a connection broke")
            self.transport.abort()
        self._ended(exchange)

    def _write(self, call: Call, reply: Reply, exchange: Exchange) -> None:
        fields = [*self._server.default_headers, *fields_of(call, reply)]
        is_told = CLOSE[0] in reply.headers
        if is_told or not exchange.keep_alive or (self._ends and not self._waiting):
            exchange.keep_alive = False
            fields += () if is_told else CLOSE
        self.write(written(reply.status, fields, b"" if exchange.method == "HEAD" else reply.body))

    def _ended(self, exchange: Exchange) -> None:
        """It is answered: on to the next one, if there is one, or is to be one."""
        exchange.leave()
        self._server.total_requests += 1
        self._answering = None
        if self.transport.is_closing() or not exchange.keep_alive:
            self.transport.close()
            return
        self.resume_reading()
        if self._waiting:
            self._answering = self._waiting.popleft()
            self._begin(self._answering)
            if not self._is_whole:
                self._wait(limits.REQUEST_BODY_S_MAX)
        else:
            self._wait(limits.REQUEST_HEAD_S_MAX)

    def _refuse(self, refused: Refused) -> None:
        """Told where what is being read is to be answered next: else it would be taken for another request's answer."""
        reading, is_next = self._reading, self._is_new or self._answering in (None, self._reading)
        if is_next and (self._is_whole or reading is None or not reading.is_over):
            self.write(refusal(refused, self._server.default_headers))
        self.transport.close()
