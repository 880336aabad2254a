"""A provider that costs next to nothing: it reads requests whole and answers them after a while, as SendGrid would.

`python bench/stub.py SECONDS…` opens a port for each answer time and prints the ports. What it was sent is counted, so
that a run can tell whether every mail was handed over exactly once: `GET /count` says how many there were, and how
many different ones.
"""

import asyncio
import json
import re
import sys
from collections import deque
from typing import cast

import uvloop

_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n", re.IGNORECASE)
_OURS = re.compile(rb'"everpost_id":"([^"]+)"')


class Books:
    def __init__(self) -> None:
        self.taken = 0
        self.ids: set[bytes] = set()

    def take(self, request: bytes) -> bytes:
        self.taken += 1
        ours = _OURS.search(request)
        if ours:
            self.ids.add(ours[1])
        return b"HTTP/1.1 202 Accepted\r\nX-Message-Id: stub-%d\r\nContent-Length: 0\r\n\r\n" % self.taken

    def told(self) -> bytes:
        body = json.dumps({"taken": self.taken, "different": len(self.ids)}).encode()
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body


class Connection(asyncio.Protocol):
    def __init__(self, books: Books, delay_s: float) -> None:
        self._books = books
        self._delay_s = delay_s
        self._data = b""
        self._answers: deque[bytes] = deque()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._data += data
        while (end := self._data.find(b"\r\n\r\n")) >= 0:
            length = _LENGTH.search(self._data, 0, end + 2)
            size = end + 4 + (int(length[1]) if length else 0)
            if len(self._data) < size:
                return
            request, self._data = self._data[:size], self._data[size:]
            self._answer(request)

    def _answer(self, request: bytes) -> None:
        if request.startswith(b"GET /count"):
            self._transport.write(self._books.told())
            return
        answer = self._books.take(request)
        if self._delay_s:
            self._answers.append(answer)
            asyncio.get_running_loop().call_later(self._delay_s, self._answer_next)
        else:
            self._transport.write(answer)

    def _answer_next(self) -> None:
        self._transport.write(self._answers.popleft())


async def serve(delays: list[float]) -> None:
    books, loop, ports = Books(), asyncio.get_running_loop(), []
    for delay_s in delays:
        server = await loop.create_server(lambda delay_s=delay_s: Connection(books, delay_s), "127.0.0.1", 0)
        ports.append(server.sockets[0].getsockname()[1])
    print(json.dumps(ports), flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve([float(delay) for delay in sys.argv[1:]]))
