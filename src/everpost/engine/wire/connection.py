"""One HTTP/1.1 connection: the answer to the request that was written last, and whether another one may follow."""

import ssl

import httptools

from everpost.engine.wire.stream import Broken, Stream
from everpost.model.limits import ANSWER_BODY_BYTES_MAX, ANSWER_HEAD_BYTES_MAX
from everpost.providers.contract import HttpResponse


class Connection(Stream):
    def __init__(self, body_bytes_max: int = ANSWER_BODY_BYTES_MAX) -> None:
        super().__init__()
        self._body_bytes_max = body_bytes_max
        self.idle_since = 0.0
        self.reusable = False
        self._start_answer(bodyless=False)

    def begin(self, *, bodyless: bool) -> None:
        """From now on an answer is expected; `bodyless` if it has none, whatever its head says: that to HEAD."""
        self._start_answer(bodyless=bodyless)
        self._expecting = True

    async def answer(self) -> HttpResponse:
        """The whole answer; raises Broken."""
        while self._response is None:
            if self._lost is not None:
                raise Broken(self._lost)
            await self._change()
        return self._response

    # --- asyncio's side -----------------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        try:
            self._feed(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._give_up(f"not an HTTP answer: {error}")

    def eof_received(self) -> bool:
        if self._is_open and self._ends_with_connection and self._was_closed_properly():
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
                self._give_up(f"an answer with a head of more than {ANSWER_HEAD_BYTES_MAX} bytes")
                return
        if self._received > ANSWER_HEAD_BYTES_MAX + self._body_bytes_max:
            self._give_up(f"an answer with a body of more than {self._body_bytes_max} bytes")
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
        if not self._expecting:
            self._give_up("an answer that nobody has asked for")  # a late one, or a second one

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._headers_done:
            return  # a trailer, which no header may be overwritten by (RFC 9110 6.5.1), or another answer
        key = name.decode("latin-1").lower()
        text = value.decode("latin-1")
        self._headers[key] = f"{self._headers[key]}, {text}" if key in self._headers else text

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        self._headers_done = True
        if status < 200 or not self._is_open:
            return
        if self._bodyless:
            self._finish(reusable=False)  # the parser waits for a body
            return
        chunked = "chunked" in self._headers.get("transfer-encoding", "").lower()
        self._ends_with_connection = not chunked and "content-length" not in self._headers

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        if not self._is_open:
            return
        if self._parser.get_status_code() < 200:
            self._headers.clear()
            self._headers_done = False
        else:
            self._finish(reusable=self._parser.should_keep_alive())

    # --- our side -----------------------------------------------------------------------------------------------------

    @property
    def _is_open(self) -> bool:
        """Whether the answer may still become whole. What comes after it, even in the same read, is none of it."""
        return self._expecting and self._lost is None

    def _start_answer(self, *, bodyless: bool) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._bodyless = bodyless
        self._headers: dict[str, str] = {}
        self._headers_done = False
        self._ends_with_connection = False
        self._received = 0
        self._body: list[bytes] = []
        self._response: HttpResponse | None = None

    def _finish(self, *, reusable: bool) -> None:
        status = self._parser.get_status_code()
        self._response = HttpResponse(status=status, headers=self._headers, body=b"".join(self._body))
        self.reusable = reusable
        self._answer_is_there()
