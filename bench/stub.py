"""A provider that costs next to nothing: it reads requests whole and answers them after a while, as SendGrid would.

`python bench/stub.py SECONDS…` opens a port for each answer time and prints the ports; `smtp:SECONDS` opens one that
speaks SMTP and takes so long for its reply to the final dot. What it was sent is counted, so that a run can tell
whether every mail was handed over exactly once: `GET /count` says how many there were, and how many different ones, by
their subjects. It keeps no records: whoever asks it for a mail is told 404.
"""

import asyncio
import json
import re
import sys
from collections import deque
from functools import partial
from typing import cast

import uvloop

_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n", re.IGNORECASE)
_SUBJECT = re.compile(rb'(?:"subject": ?"|(?:^|\n)Subject: )([^"\r]+)')
_MAIL = b"POST /v3/mail/send "
NO_RECORDS = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
_SMTP = "smtp:"
_BYE = b"221 2.0.0 bye\r\n"


class Books:
    def __init__(self) -> None:
        self.taken = 0
        self.ids: set[bytes] = set()

    def note(self, mail: bytes) -> None:
        self.taken += 1
        subject = _SUBJECT.search(mail)
        if subject:
            self.ids.add(subject[1])

    def take(self, request: bytes) -> bytes:
        self.note(request)
        return b"HTTP/1.1 202 Accepted\r\nX-Message-Id: stub-%d\r\nContent-Length: 0\r\n\r\n" % self.taken

    def told(self) -> bytes:
        body = json.dumps({"taken": self.taken, "different": len(self.ids)}).encode()
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body


class Party(asyncio.Protocol):
    """The other end of one connection: answers come in their order, each after the same while."""

    def __init__(self, books: Books, delay_s: float) -> None:
        self._books = books
        self._delay_s = delay_s
        self._data = b""
        self._answers: deque[bytes] = deque()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def _answer_later(self, answer: bytes) -> None:
        self._answers.append(answer)
        if self._delay_s:
            asyncio.get_running_loop().call_later(self._delay_s, self._answer_next)
        else:
            self._answer_next()

    def _answer_next(self) -> None:
        self._transport.write(self._answers.popleft())


class Connection(Party):
    """Of a provider's HTTP API."""

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
        elif request.startswith(_MAIL):
            self._answer_later(self._books.take(request))
        else:  # a question: Everpost looks for some of what was accepted
            self._answer_later(NO_RECORDS)


class Session(Party):
    """Of a mail server. Commands that are pipelined are answered one by one, as they come."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._in_mail = False
        self._transport.write(b"220 stub ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        self._data += data
        while (end := self._data.find(b"\r\n.\r\n" if self._in_mail else b"\r\n")) >= 0:
            size = end + (5 if self._in_mail else 2)
            part, self._data = self._data[:size], self._data[size:]
            if self._in_mail:
                self._in_mail = False
                self._books.note(part)
                self._answer_later(b"250 2.0.0 Ok: queued\r\n")
            else:
                self._obey(part[:4].upper())

    def _answer_next(self) -> None:
        is_over = self._answers[0] == _BYE
        super()._answer_next()
        if is_over:
            self._transport.close()

    def _obey(self, command: bytes) -> None:
        if command == b"DATA":
            self._in_mail = True
            self._transport.write(b"354 go on\r\n")
        elif command == b"EHLO":
            self._transport.write(b"250-stub\r\n250-PIPELINING\r\n250 8BITMIME\r\n")
        elif command == b"QUIT":
            self._answer_later(_BYE)  # it may come together with the final dot, and must not overtake that
        else:
            self._transport.write(b"250 2.0.0 Ok\r\n")


async def serve(wanted: list[str]) -> None:
    books, loop, ports = Books(), asyncio.get_running_loop(), []
    for words in wanted:
        party = partial(Session if words.startswith(_SMTP) else Connection, books, float(words.removeprefix(_SMTP)))
        server = await loop.create_server(party, "127.0.0.1", 0)
        ports.append(server.sockets[0].getsockname()[1])
    print(json.dumps(ports), flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(sys.argv[1:]))
