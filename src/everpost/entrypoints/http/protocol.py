"""HTTP/1.1 straight to the door: what a request costs here is paid for each mail.

uvicorn opens the sockets and stops the server; the requests of a connection are read, answered one after the other and
written here. An answer leaves as one piece: two writes are two calls of the kernel, two packets, and two times that
whoever reads them wakes up.
"""

import asyncio
import logging
import time
from collections import deque
from typing import Any, Final, cast
from urllib.parse import unquote

import httptools
from uvicorn import Config
from uvicorn.server import ServerState

from everpost.entrypoints.http.call import Call, Reply
from everpost.entrypoints.http.door import Door, fields_of
from everpost.entrypoints.http.exchange import BODY_WAITING_MAX, Exchange, written

_BAD_REQUEST: Final = b"Invalid HTTP request received."
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
        self._idle_s = config.timeout_keep_alive
        self._idle_until: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._is_read_paused = False
        self._writable: asyncio.Future[None] | None = None  # while the caller does not read

    # --- the event loop's side ----------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._server.connections.add(cast("Any", self))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  whatever the reason
        self._server.connections.discard(cast("Any", self))
        for exchange in (self._reading, self._answering, *self._waiting):
            if exchange is not None:
                exchange.leave()
        self._waiting.clear()
        self._reading = self._answering = None
        self.resume_writing()
        if self._timer is not None:
            self._timer.cancel()
        del self._parser  # which holds this object, as this object holds it

    def data_received(self, data: bytes) -> None:
        self._idle_until = None
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._ends = True  # it is answered as any request, and what follows it is not HTTP
        except httptools.HttpParserError:
            self._refuse()
            return
        if self._is_new and self._answering is not None:
            self._begin(self._answering)

    def pause_writing(self) -> None:
        self._writable = self._loop.create_future()

    def resume_writing(self) -> None:
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None

    # --- httptools' side ----------------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        self._url = b""
        self._reading = Exchange(self)

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        exchange = self._reading
        if exchange is None:
            return
        name = name.lower()
        exchange.headers.append((name, value))
        if name == b"expect" and value.lower() == b"100-continue":
            exchange.expects_word = True

    def on_headers_complete(self) -> None:
        exchange = self._reading
        if exchange is None:
            return
        exchange.method = self._parser.get_method().decode("ascii")
        exchange.path, exchange.query = _target(self._url)
        exchange.keep_alive = self._parser.get_http_version() != "1.0" and self._parser.should_keep_alive()
        if self._answering is None:
            self._answering = exchange
            self._is_new = True
        else:
            self._waiting.append(exchange)
            self.pause_reading()

    def on_body(self, body: bytes) -> None:
        if self._reading is not None and self._reading.take(body) > BODY_WAITING_MAX:
            self.pause_reading()

    def on_message_complete(self) -> None:
        if self._reading is not None:
            self._reading.end()

    # --- the exchange's side ------------------------------------------------------------------------------------------

    def pause_reading(self) -> None:
        if not self._is_read_paused:
            self._is_read_paused = True
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        if self._is_read_paused:
            self._is_read_paused = False
            self._transport.resume_reading()

    def write(self, data: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(data)

    # --- our side -----------------------------------------------------------------------------------------------------

    def shutdown(self) -> None:
        """Ends the connection, but not before what is being answered has been."""
        self._ends = True
        if self._answering is None:
            self._transport.close()

    def _begin(self, exchange: Exchange) -> None:
        self._is_new = False
        task = self._loop.create_task(self._answer(exchange))
        self._server.tasks.add(task)
        task.add_done_callback(self._server.tasks.discard)

    async def _answer(self, exchange: Exchange) -> None:
        started = time.perf_counter()
        try:
            call = await self._door.deal(exchange)
            while self._writable is not None:
                await self._writable
            if call.reply is not None:
                self._write(call, call.reply, exchange)
            self._door.tell(call, time.perf_counter() - started)
        except Exception:  # noqa: BLE001  the top of a connection: a bug costs this one, not the server
            _log.exception("a connection broke")
            self._transport.abort()
        self._ended(exchange)

    def _write(self, call: Call, reply: Reply, exchange: Exchange) -> None:
        fields = [*self._server.default_headers, *fields_of(call, reply)]
        is_last = not exchange.keep_alive or (self._ends and not self._waiting)
        if is_last or (b"connection", b"close") in reply.headers:
            exchange.keep_alive = False
            if (b"connection", b"close") not in reply.headers:
                fields.append((b"connection", b"close"))
        self.write(written(reply.status, fields, b"" if exchange.method == "HEAD" else reply.body))

    def _ended(self, exchange: Exchange) -> None:
        """It is answered: on to the next one, if there is one, or is to be one."""
        exchange.leave()
        self._server.total_requests += 1
        self._answering = None
        if self._transport.is_closing():
            return
        if not exchange.keep_alive:
            self._transport.close()
            return
        self.resume_reading()
        if self._waiting:
            self._answering = self._waiting.popleft()
            self._begin(self._answering)
        else:
            self._rest()

    def _rest(self) -> None:
        """One timer a connection, not one a request: it looks whether it has come at its time."""
        self._idle_until = self._loop.time() + self._idle_s
        if self._timer is None:
            self._timer = self._loop.call_at(self._idle_until, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._idle_until is None:
            return
        if self._loop.time() < self._idle_until:
            self._timer = self._loop.call_at(self._idle_until, self._look)
        elif not self._transport.is_closing():
            self._transport.close()

    def _refuse(self) -> None:
        _log.warning("a request that is not HTTP")
        fields = [
            *self._server.default_headers,
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"content-length", b"%d" % len(_BAD_REQUEST)),
            (b"connection", b"close"),
        ]
        self.write(written(400, fields, _BAD_REQUEST))
        self._transport.close()


def _target(url: bytes) -> tuple[str, bytes]:
    """Path, decoded, and query. Raises what httptools makes an error of the request of."""
    if url[:1] != b"/" or b"#" in url:
        parsed = httptools.parse_url(url)
        path, query = parsed.path or b"", parsed.query or b""
    else:
        path, _, query = url.partition(b"?")
    text = path.decode("ascii")
    return (unquote(text) if "%" in text else text), query
