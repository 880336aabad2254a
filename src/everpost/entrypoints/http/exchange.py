"""One request on a connection, and the bytes of its answer."""

import asyncio
from collections.abc import Iterable
from http import HTTPStatus
from typing import Final, Protocol

from everpost.entrypoints.http.admission import Permit
from everpost.entrypoints.http.call import Disconnected

BODY_WAITING_MAX: Final = 64 * 1024  # bytes of a body that nobody has read yet, before no more are let in
CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
_LINES: Final = {status.value: b"HTTP/1.1 %d %b" % (status, status.phrase.encode()) for status in HTTPStatus}


class Connection(Protocol):
    """What an exchange asks of the connection that it is on."""

    def resume_reading(self) -> None: ...

    def write(self, data: bytes) -> None: ...


class Exchange:
    """A request as it comes in. What comes of a body that nobody wants any more is dropped."""

    __slots__ = (
        "_body",
        "_connection",
        "_gone",
        "_waiter",
        "_whole",
        "expects_word",
        "headers",
        "keep_alive",
        "method",
        "path",
        "permit",
        "query",
    )

    def __init__(self, connection: Connection) -> None:
        self.method = ""
        self.path = ""
        self.query = b""
        self.headers: list[tuple[bytes, bytes]] = []
        self.keep_alive = True
        self.permit: Permit | None = None
        self.expects_word = False  # the caller sends its body when it is told so
        self._connection = connection
        self._body = b""
        self._whole = False
        self._gone = False
        self._waiter: asyncio.Future[None] | None = None

    @property
    def is_over(self) -> bool:
        """It is answered, or the caller has gone."""
        return self._gone

    async def piece(self) -> tuple[bytes, bool]:
        while not self._body and not self._whole and not self._gone:
            if self.expects_word:
                self.expects_word = False
                self._connection.write(CONTINUE)
            self._connection.resume_reading()
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        if self._gone:
            raise Disconnected
        body, self._body = self._body, b""
        return body, not self._whole

    def take(self, body: bytes) -> int:
        """A piece of its body has come; returns how many bytes wait to be read."""
        if not self._gone:
            self._body = self._body + body if self._body else body
            self._wake()
        return len(self._body)

    def end(self) -> None:
        """Its body is whole."""
        self._whole = True
        self._wake()

    def leave(self) -> None:
        """Nothing more is wanted of it."""
        self._gone = True
        self._body = b""
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


def written(status: int, fields: Iterable[tuple[bytes, bytes]], body: bytes) -> bytes:
    """The whole answer."""
    lines = [_LINES[status], *[name + b": " + value for name, value in fields], b"", body]
    return b"\r\n".join(lines)
