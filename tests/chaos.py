"""A proxy before any TCP server that does what networks do, connection by connection, by a plan that a seed makes."""

import asyncio
import random
import socket
import struct
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum

from scripted_server import settled
from server_kit import HOST

CHUNK = 1 << 16
DELAY_S_MAX = 0.15  # of a chunk on a slow line
PIECES_MAX = 8  # that a chunk is torn into
PIECE_S = 0.001  # between two of them, so that they are read one by one
BYTES_MIN, BYTES_MAX = 20, 40_000  # that pass by a connection until its harm comes
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_PAGE = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 4\r\n\r\nlost"  # as a balancer answers in a server's place


class Harm(StrEnum):
    NONE = "none"
    SLOW = "slow"  # each chunk comes late, by another delay each time
    TORN = "torn"  # each chunk comes in pieces
    RESET = "reset"  # in the middle of a chunk
    BLACK_HOLE = "black hole"  # from then on, nothing arrives, and nobody is told
    HALF_CLOSE = "half-close"  # one side is told that the other has no more to say; the other way stays open
    NOISE = "noise"  # what was asked for is done, and answered with bytes that mean nothing


NETWORK = (Harm.SLOW, Harm.TORN, Harm.RESET, Harm.BLACK_HOLE, Harm.HALF_CLOSE)


@dataclass(eq=False)
class _Line:
    """One connection, as both its ends see it."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    harm: Harm
    left: int  # bytes that pass unharmed
    rng: random.Random
    mute: set[asyncio.StreamWriter] = field(default_factory=set)  # to whom nothing comes any more

    def cut(self) -> None:
        for writer in (self.client, self.server):
            sock = writer.transport.get_extra_info("socket")
            if sock is not None and sock.fileno() >= 0:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            writer.transport.abort()

    def close(self) -> None:
        for writer in (self.client, self.server):
            writer.close()


class Chaos:
    """Calm until `storm`: then each connection gets a harm of its own, all kinds in turn and in any order."""

    def __init__(self, port: int, seed: int, harms: Sequence[Harm] = NETWORK) -> None:
        self.port = 0  # where it listens
        self.struck: Counter[Harm] = Counter()  # chunks that were harmed
        self._to = port
        self._rng = random.Random(seed)
        self._harms = harms
        self._turn: list[Harm] = []
        self._is_calm = True
        self._open: set[_Line] = set()
        self._news = asyncio.Event()

    def storm(self) -> None:
        """All connections that are open end; the next ones meet bad weather."""
        self._change(is_calm=False)

    def calm(self) -> None:
        """The network is mended; connections of before are not."""
        self._change(is_calm=True)

    async def news(self) -> None:
        """Returns when something has struck again."""
        self._news.clear()
        await self._news.wait()

    def _change(self, *, is_calm: bool) -> None:
        self._is_calm = is_calm
        for line in self._open:
            line.cut()

    def _next_harm(self) -> Harm:
        if self._is_calm:
            return Harm.NONE
        if not self._turn:
            self._turn = self._rng.sample((*self._harms, Harm.NONE), len(self._harms) + 1)
        return self._turn.pop()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        left = int(BYTES_MIN * (BYTES_MAX / BYTES_MIN) ** self._rng.random())
        try:
            server_reader, server = await asyncio.open_connection(HOST, self._to)
        except OSError:
            writer.transport.abort()
            return
        line = _Line(writer, server, self._next_harm(), left, random.Random(self._rng.random()))
        self._open.add(line)
        try:
            await asyncio.gather(self._carry(line, reader, server), self._carry(line, server_reader, writer))
        finally:
            line.close()
            self._open.discard(line)

    async def _carry(self, line: _Line, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One way, to its end."""
        with suppress(ConnectionError):
            while data := await reader.read(CHUNK):
                if writer in line.mute:
                    continue
                line.left -= len(data)
                if line.left >= 0 or line.harm is Harm.NONE:
                    writer.write(data)
                    continue
                self.struck[line.harm] += 1
                self._news.set()
                await _HARMS[line.harm](line, data, writer)
            if writer.can_write_eof():
                writer.write_eof()


async def _slow(line: _Line, data: bytes, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(line.rng.uniform(0, DELAY_S_MAX))
    writer.write(data)


async def _torn(line: _Line, data: bytes, writer: asyncio.StreamWriter) -> None:
    cuts = sorted(line.rng.randrange(len(data) + 1) for _ in range(PIECES_MAX - 1))
    for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True):
        writer.write(data[start:end])
        await writer.drain()
        await asyncio.sleep(PIECE_S)


async def _reset(line: _Line, data: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(_beginning(line, data))
    line.cut()


async def _swallowed(line: _Line, *_: object) -> None:
    line.mute |= {line.client, line.server}


async def _half_closed(line: _Line, data: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(_beginning(line, data))
    writer.write_eof()
    line.harm = Harm.NONE  # for the other way
    line.mute.add(writer)


async def _noise(line: _Line, data: bytes, writer: asyncio.StreamWriter) -> None:
    """What a server is in the middle of saying comes whole."""
    writer.write(data)
    if writer is line.server:
        line.client.write(line.rng.choice([line.rng.randbytes(64), bytes(64), _PAGE]))
        line.mute |= {line.client, line.server}


def _beginning(line: _Line, data: bytes) -> bytes:
    return data[: line.rng.randrange(len(data))]


_HARMS: Mapping[Harm, Callable[[_Line, bytes, asyncio.StreamWriter], Awaitable[None]]] = {
    Harm.SLOW: _slow,
    Harm.TORN: _torn,
    Harm.RESET: _reset,
    Harm.BLACK_HOLE: _swallowed,
    Harm.HALF_CLOSE: _half_closed,
    Harm.NOISE: _noise,
}


@asynccontextmanager
async def chaos_before(port: int, seed: int, harms: Sequence[Harm] = NETWORK) -> AsyncIterator[Chaos]:
    chaos = Chaos(port, seed, harms)
    server = await asyncio.start_server(chaos.serve, HOST, 0)
    chaos.port = server.sockets[0].getsockname()[1]
    try:
        yield chaos
    finally:
        server.close()
        chaos.calm()
        await settled()
