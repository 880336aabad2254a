"""A proxy before PostgreSQL that cuts connections where it hurts: around the message that makes the server commit."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from scripted_server import settled
from server_kit import HOST

SYNC = b"S\x00\x00\x00\x04"  # ends what asks for an answer; a statement outside a transaction is committed by it
CHUNK = 1 << 16
PASS = "pass"
BEFORE = "before"  # the server never gets it
AFTER = "after"  # the server does it, and nobody hears of that


class Proxy:
    def __init__(self, port: int) -> None:
        self._to = port
        self.port = 0
        self.cuts: list[str] = []  # what becomes of the next messages, in turn
        self.meant = b""  # of those only that hold this
        self.is_shut = False  # nobody gets through any more
        self.shuts_after_cut = False
        self._open: set[asyncio.StreamWriter] = set()
        self._mute: set[asyncio.StreamWriter] = set()
        self._serving: set[asyncio.Task[None]] = set()
        self.done = asyncio.Event()  # the server has answered what nobody heard of

    def mute(self) -> None:
        """What comes by the connections that are open now is swallowed."""
        self._mute |= self._open

    def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def end(self) -> None:
        """Returns when nothing of it runs any more."""
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.is_shut:
            writer.transport.abort()
            return
        server_reader, server_writer = await asyncio.open_connection(HOST, self._to)
        back = asyncio.create_task(_copy(server_reader, writer))
        self._open.add(writer)
        try:
            while data := await reader.read(CHUNK):
                if writer in self._mute:
                    continue
                cut = self.cuts.pop(0) if self.cuts and data.endswith(SYNC) and self.meant in data else PASS
                if cut != PASS:
                    self.is_shut = self.shuts_after_cut
                    back.cancel()
                    await asyncio.wait([back])
                    writer.transport.abort()
                if cut == AFTER:
                    server_writer.write(data)
                    await server_reader.read(CHUNK)
                    self.done.set()
                if cut != PASS:
                    return
                server_writer.write(data)
        except ConnectionError:
            pass
        finally:
            back.cancel()
            self._open.discard(writer)
            for each in (writer, server_writer):
                each.transport.abort()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(CHUNK):
            writer.write(data)
        writer.close()


@asynccontextmanager
async def proxy_to(port: int) -> AsyncIterator[Proxy]:
    proxy = Proxy(port)
    server = await asyncio.start_server(proxy.take, HOST, 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        await proxy.end()
        await settled()
