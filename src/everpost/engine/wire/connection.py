"""One HTTP/1.1 connection: what was written, what was read, and whether it can be used again."""

import asyncio
from typing import Any, Final, cast

import httptools

from everpost.model.limits import ANSWER_BODY_BYTES_MAX, ANSWER_HEAD_BYTES_MAX
from everpost.providers.contract import HttpResponse

TAIL_BYTES: Final = 16 * 1024
"""The last piece of a large request. It is held back until everything before it has left our buffers: a provider
that has not been given it can't have read the whole request, whatever happens."""


class Broken(Exception):
    """The connection can't give an answer any more."""


class Connection(asyncio.Protocol):
    def __init__(self) -> None:
        self.idle_since = 0.0
        self.reusable = False
        self._transport: asyncio.Transport | None = None
        self._lost: str | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self._changed: asyncio.Future[None] | None = None
        self._headers: dict[str, str] = {}
        self._start_answer()

    # --- asyncio's side -----------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # what create_connection gives; uvloop's is no subclass
        self._transport.set_write_buffer_limits(high=0)

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def data_received(self, data: bytes) -> None:
        if self._response is not None or self._changed is None:
            self._fail("data that nobody has asked for")  # a late answer, or a broken server: never to be used again
            return
        if not self._headers_done:
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(f"not an HTTP answer: {error}")
            return
        if not self._headers_done and self._head_bytes > ANSWER_HEAD_BYTES_MAX:
            self._fail(f"an answer with a head of more than {ANSWER_HEAD_BYTES_MAX} bytes")

    def eof_received(self) -> bool:
        if self._headers_done and self._ends_with_connection and self._response is None:
            self._finish(reusable=False)
        self._fail("closed by the provider")
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(f"lost: {exc}" if exc else "closed")

    # --- httptools' side ----------------------------------------------------------------------------------------------

    def on_header(self, name: bytes, value: bytes) -> None:
        key = name.decode("latin-1").lower()
        text = value.decode("latin-1")
        self._headers[key] = f"{self._headers[key]}, {text}" if key in self._headers else text

    def on_headers_complete(self) -> None:
        self._headers_done = True
        chunked = "chunked" in self._headers.get("transfer-encoding", "").lower()
        self._ends_with_connection = not chunked and "content-length" not in self._headers

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        if self._body_bytes > ANSWER_BODY_BYTES_MAX:
            self._fail(f"an answer with a body of more than {ANSWER_BODY_BYTES_MAX} bytes")
            return
        self._body.append(body)

    def on_message_complete(self) -> None:
        if self._lost is not None:
            return
        if 100 <= self._parser.get_status_code() < 200:
            self._headers, self._headers_done = {}, False
            return
        self._finish(reusable=self._parser.should_keep_alive())

    # --- our side -----------------------------------------------------------------------------------------------------

    @property
    def is_usable(self) -> bool:
        return self._lost is None and self._transport is not None and not self._transport.is_closing()

    def begin(self) -> None:
        """From now on an answer is expected."""
        self._start_answer()
        self._changed = asyncio.get_running_loop().create_future()

    def write(self, data: bytes) -> None:
        """Hands over bytes; raises Broken, having written none, if the connection is known to be lost."""
        if not self.is_usable or self._transport is None:
            raise Broken(self._lost or "closing")
        self._transport.write(data)

    async def flushed(self) -> None:
        """Everything written has left this process, or the connection has been lost, or answered early."""
        while self._lost is None and self._response is None and not self._writable.is_set():
            waiter = asyncio.ensure_future(self._writable.wait())
            either: set[asyncio.Future[Any]] = {waiter, self._future()}
            try:
                await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            finally:
                waiter.cancel()

    async def answer(self) -> HttpResponse:
        """The whole answer; raises Broken."""
        if self._response is None and self._lost is None:
            await asyncio.shield(self._future())
        if self._response is not None:
            return self._response
        raise Broken(self._lost or "closed")

    @property
    def has_answer(self) -> bool:
        return self._response is not None

    def abort(self) -> None:
        self._lost = self._lost or "given up"
        if self._transport is not None:
            self._transport.abort()

    def _future(self) -> asyncio.Future[None]:
        if self._changed is None:
            raise Broken("no answer is expected")
        return self._changed

    def _start_answer(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._headers = {}
        self._headers_done = False
        self._ends_with_connection = False
        self._head_bytes = 0
        self._body: list[bytes] = []
        self._body_bytes = 0
        self._response: HttpResponse | None = None

    def _finish(self, *, reusable: bool) -> None:
        status = self._parser.get_status_code()
        self._response = HttpResponse(status=status, headers=self._headers, body=b"".join(self._body))
        self.reusable = reusable
        self._wake()

    def _fail(self, reason: str) -> None:
        if self._lost is None:
            self._lost = reason
        self.reusable = False
        self._wake()
        if self._transport is not None and not self._transport.is_closing():
            self._transport.abort()

    def _wake(self) -> None:
        if self._changed is not None and not self._changed.done():
            self._changed.set_result(None)
