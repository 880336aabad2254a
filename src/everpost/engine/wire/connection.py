"""One HTTP/1.1 connection: the answer to the request that was written last, and whether another one may follow."""

import ssl
from typing import Final

import httptools

from everpost.engine.wire.stream import Broken, Stream
from everpost.model.limits import ANSWER_BODY_BYTES_MAX, ANSWER_HEAD_BYTES_MAX
from everpost.providers.contract import HttpResponse

_SWITCHING_PROTOCOLS: Final = 101


class Connection(Stream):
    def __init__(self) -> None:
        super().__init__()
        self.idle_since = 0.0
        self.reusable = False
        self._asked = False
        self._start_answer(bodyless=False)

    def begin(self, *, bodyless: bool) -> None:
        """From now on an answer is expected; `bodyless` if it has none, whatever its head says: that to HEAD."""
        self._asked = True
        self._start_answer(bodyless=bodyless)

    async def answer(self) -> HttpResponse:
        """The whole answer; raises Broken."""
        while self._response is None:
            if self._lost is not None:
                raise Broken(self._lost)
            await self._change()
        return self._response

    # --- asyncio's side -----------------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        if self._lost is not None:
            return
        if self._answered or not self._asked:
            self._fail("data that nobody has asked for")  # a late answer, or a broken server: never to be used again
            return
        try:
            self._feed(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._fail(f"not an HTTP answer: {error}")

    def eof_received(self) -> bool:
        if self._ends_with_connection and self._was_closed_properly():
            self._finish(reusable=False)
        return super().eof_received()

    def _feed(self, data: bytes) -> None:
        """Counts what comes, framing and trailers included: an answer can't go on for ever in any way."""
        room = ANSWER_HEAD_BYTES_MAX - self._received
        self._received += len(data)
        if not self._headers_done:
            self._parser.feed_data(data[:room])
            data = data[room:]
            if data and not self._headers_done:
                self._fail(f"an answer with a head of more than {ANSWER_HEAD_BYTES_MAX} bytes")
                return
        if self._received > ANSWER_HEAD_BYTES_MAX + ANSWER_BODY_BYTES_MAX:
            self._fail(f"an answer with a body of more than {ANSWER_BODY_BYTES_MAX} bytes")
        elif data:
            self._parser.feed_data(data)

    def _was_closed_properly(self) -> bool:
        """TLS tells an end from a cut (RFC 8446 6.1); plain TCP has no other sign than its end."""
        tls = self._transport.get_extra_info("ssl_object") if self._transport is not None else None
        try:
            return tls is None or tls.read(1) == b""
        except ssl.SSLError:
            return False

    # --- httptools' side ----------------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        if self._answered:
            self._fail("more than one answer")

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._headers_done:
            return  # a trailer, which no header may be overwritten by (RFC 9110 6.5.1), or another answer
        key = name.decode("latin-1").lower()
        text = value.decode("latin-1")
        self._headers[key] = f"{self._headers[key]}, {text}" if key in self._headers else text

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        self._headers_done = True
        if status < 200 or self._answered:
            return
        chunked = "chunked" in self._headers.get("transfer-encoding", "").lower()
        self._ends_with_connection = not chunked and "content-length" not in self._headers
        if self._bodyless:
            self._finish(reusable=False)  # the parser waits for a body

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        if self._lost is not None or self._answered:
            return
        status = self._parser.get_status_code()
        if status == _SWITCHING_PROTOCOLS:
            self._fail("another protocol, which nobody has asked for")
        elif status < 200:
            self._headers.clear()
            self._headers_done = False
        else:
            self._finish(reusable=self._parser.should_keep_alive())

    # --- our side -----------------------------------------------------------------------------------------------------

    def _start_answer(self, *, bodyless: bool) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._bodyless = bodyless
        self._headers: dict[str, str] = {}
        self._headers_done = False
        self._ends_with_connection = False
        self._received = 0
        self._body: list[bytes] = []
        self._response: HttpResponse | None = None
        self._answered = False

    def _finish(self, *, reusable: bool) -> None:
        if self._lost is not None or self._answered:
            return
        status = self._parser.get_status_code()
        self._response = HttpResponse(status=status, headers=self._headers, body=b"".join(self._body))
        self.reusable = reusable and not self._paused  # … and the request has left as a whole
        self._answer_is_there()
