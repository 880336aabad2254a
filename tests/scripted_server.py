"""Raw servers on real sockets: each connection is handled by a script, and everything that a script has read is kept.

The servers run in the loop of the test, so a test and a script meet without waiting for the clock.
"""

import asyncio
import os
import re
import select
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Self

LOOPBACK = "127.0.0.1"
GIVEN_UP_S = 20.0
_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Peer:
    """The server's side of one connection."""

    def __init__(self, server: "ScriptedServer", reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.server = server
        self.number = server.connections
        self._reader = reader
        self._writer = writer

    async def read(self, size: int = 65_536) -> bytes:
        """Some bytes; none at the end."""
        return self._kept(await self._reader.read(size))

    async def read_some(self) -> bytes:
        """Some bytes. Raises IncompleteReadError if the client goes away before."""
        data = await self.read()
        if not data:
            raise asyncio.IncompleteReadError(b"", None)
        return data

    async def read_exactly(self, size: int) -> bytes:
        return self._kept(await self._reader.readexactly(size))

    async def read_until(self, end: bytes) -> bytes:
        return self._kept(await self._reader.readuntil(end))

    async def request(self) -> bytes:
        """One whole HTTP request. Raises IncompleteReadError if the client goes away before."""
        head = await self.read_until(b"\r\n\r\n")
        length = _LENGTH.search(head)
        whole = head + (await self.read_exactly(int(length[1])) if length else b"")
        self.server.requests.append(whole)
        self.server.news.set()
        return whole

    def _kept(self, data: bytes) -> bytes:
        self.server.received += data
        self.server.news.set()
        return data

    def send(self, data: bytes) -> None:
        self._writer.write(data)

    async def drained(self) -> None:
        await self._writer.drain()

    def close(self) -> None:
        """The polite end: what was sent arrives, then comes the end of the stream; over TLS after a close_notify."""
        self._writer.close()

    def cut(self) -> None:
        """The end of the stream without a word: over TLS there is no close_notify. What was sent has left."""
        self._writer.transport.abort()

    def reset(self) -> None:
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self._writer.transport.abort()

    def end_at_once(self) -> None:
        """The end of the stream lies in the client's socket when this returns, before its loop can have seen it."""
        with self._duplicate() as twin:
            twin.shutdown(socket.SHUT_WR)

    def send_at_once(self, data: bytes) -> None:
        """So does this data, on a connection without TLS."""
        with self._duplicate() as twin:
            twin.sendall(data)

    async def until_left(self) -> None:
        """Reads on until the client has gone."""
        try:
            while await self.read():
                pass
        except OSError:
            self.server.torn_down += 1
        self.server.left.set()

    @property
    def was_reset(self) -> bool:
        """Whether the client has torn the connection down by now, which one sees without reading what came before. What
        has left it may still be in the kernel's hands: meanwhile the loop stands still, and the client with it."""
        if self._writer.transport.is_closing():
            return True  # the loop has heard of it, and let go
        ended = select.poll()
        ended.register(self._socket.fileno(), 0)  # errors only
        return bool(ended.poll(GIVEN_UP_S * 1000))

    async def hang(self) -> None:
        """For ever, without reading."""
        await asyncio.get_running_loop().create_future()

    @property
    def _socket(self) -> Any:
        return self._writer.get_extra_info("socket")

    @contextmanager
    def _duplicate(self) -> Iterator[socket.socket]:
        with socket.socket(fileno=os.dup(self._socket.fileno())) as twin:
            yield twin


Script = Callable[[Peer], Awaitable[object]]


async def happened(event: asyncio.Event) -> None:
    """A test that waits in vain fails, and does not hang."""
    async with asyncio.timeout(GIVEN_UP_S):
        await event.wait()


class ScriptedServer:
    """Runs the script for each connection and then closes it politely, unless the script has ended it in its way."""

    def __init__(
        self, script: Script, *, tls: ssl.SSLContext | None = None, host: str = LOOPBACK, narrow: bool = False
    ) -> None:
        self.host = host
        self.port = 0
        self.scheme = "https" if tls else "http"
        self.connections = 0
        self.torn_down = 0  # connections that were not ended but reset, as their scripts saw it
        self.received = bytearray()
        self.requests: list[bytes] = []
        self.news = asyncio.Event()  # something was read
        self.left = asyncio.Event()  # a client has gone while its script was reading
        self._script = script
        self._tls = tls
        self._narrow = narrow  # the socket takes little that nobody reads
        self._tasks: set[asyncio.Task[Any]] = set()
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"

    async def until(self, holds: Callable[[], object]) -> None:
        """Until what was read makes it true."""
        while not holds():
            self.news.clear()
            await happened(self.news)

    async def __aenter__(self) -> Self:
        listener = socket.create_server((self.host, 0), family=socket.AF_INET6 if ":" in self.host else socket.AF_INET)
        if self._narrow:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)
        self.port = listener.getsockname()[1]
        self._server = await asyncio.start_server(self._serve, sock=listener, ssl=self._tls)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        for writer in self._writers:
            with suppress(AttributeError):  # asyncio can't abort what has ended by itself
                writer.transport.abort()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await settled()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(writer)
        self.connections += 1
        peer = Peer(self, reader, writer)
        try:
            await self._script(peer)
            peer.close()
        except asyncio.CancelledError:
            pass  # the test is over
        except (OSError, asyncio.IncompleteReadError):
            self.left.set()


async def settled() -> None:
    """Lets the loop carry out what has been asked of it: closing takes a few rounds."""
    for _ in range(10):
        await asyncio.sleep(0)


@contextmanager
def refusing_port() -> Iterator[int]:
    """Nobody listens there, and nobody else gets it meanwhile."""
    with socket.socket() as held:
        held.bind((LOOPBACK, 0))
        yield held.getsockname()[1]


@contextmanager
def silent_port(host: str = LOOPBACK, port: int = 0) -> Iterator[int]:
    """Connecting there never ends: the queue of the listener is full, and the kernel drops what comes."""
    with socket.socket() as listener:
        listener.bind((host, port))
        listener.listen(0)
        port = listener.getsockname()[1]
        callers = [socket.socket() for _ in range(4)]
        for caller in callers:
            caller.settimeout(0)
            caller.connect_ex((host, port))
        yield port
        for caller in callers:
            caller.close()
