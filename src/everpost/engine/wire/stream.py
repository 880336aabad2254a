"""One connection, as both protocols need it: what was handed over, what has left this process, what has ended it."""

import asyncio
import ipaddress
import select
import socket
import ssl
import struct
from contextlib import suppress
from typing import Final, cast

PIECE_BYTES: Final = 64 * 1024
"""What is handed over at once. The next piece follows when this one has left: so an answer that comes early stops a
large request, and the event loop is not kept busy by one mail."""

_RESET: Final = struct.pack("ii", 1, 0)  # SO_LINGER: on, for 0 s
_TRY_MS: Final = getattr(socket, "TCP_USER_TIMEOUT", None)  # None: this system can't be told


class Broken(Exception):
    """The connection can't give an answer any more."""


class Stream(asyncio.Protocol):
    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._own_address = ""
        self._peer_address = ""
        self._encrypted = False
        self._lost: str | None = None  # why nothing more can come
        self._expecting = False  # something was asked for that has not come yet
        self._paused = False
        self._waiter: asyncio.Future[None] | None = None
        self._tries_s = 0.0  # for how long the kernel tries to deliver; 0: as long as it likes

    # --- asyncio's side -----------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        own, peer = transport.get_extra_info("sockname"), transport.get_extra_info("peername")
        self._own_address, self._peer_address = (own or [""])[0], (peer or [""])[0]
        self._use(transport)

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        self._wake()

    def eof_received(self) -> bool:
        self._fail("closed by the other side")
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(f"lost: {words(exc)}" if exc else "closed")

    # --- our side -----------------------------------------------------------------------------------------------------

    async def secure(self, tls: ssl.SSLContext, host: str) -> None:
        """Goes on in TLS; raises OSError if the other side can't, or is not the host."""
        plain = self._transport
        if plain is None or not self.is_usable:
            raise ConnectionResetError(self._lost)
        secured = await asyncio.get_running_loop().start_tls(plain, self, tls, server_hostname=host)
        if secured is None:
            raise ConnectionResetError("lost")
        self._encrypted = True
        self._use(secured)

    @property
    def is_usable(self) -> bool:
        return self._lost is None and self._transport is not None and not self._transport.is_closing()

    @property
    def is_quiet(self) -> bool:
        """Whether nothing has arrived that the event loop has not shown us yet: data, or the end of the connection."""
        connection = self._transport.get_extra_info("socket") if self._transport is not None else None
        if connection is None or connection.fileno() < 0:
            return False
        arrived = select.poll()
        arrived.register(connection.fileno(), select.POLLIN)
        return not arrived.poll(0)

    @property
    def is_private(self) -> bool:
        """Whether nobody can listen: it is encrypted, or does not leave this machine."""
        return self._encrypted or (bool(self._peer_address) and ipaddress.ip_address(self._peer_address).is_loopback)

    @property
    def has_answer(self) -> bool:
        return not self._expecting

    def try_for(self, seconds: float) -> None:
        """From now on, what the other side's machine has not taken in for so long never reaches it, whatever becomes of
        this process: killed or frozen, it can't give up by itself, and its kernel would go on trying for minutes."""
        if self._tries_s == seconds or _TRY_MS is None or self._transport is None:
            return
        self._tries_s = seconds
        with suppress(OSError):  # it has ended meanwhile
            connection = self._transport.get_extra_info("socket")
            connection.setsockopt(socket.IPPROTO_TCP, _TRY_MS, max(round(seconds * 1000), 1))

    def write(self, data: bytes) -> None:
        """Hands over bytes; raises Broken, having handed over none, if the connection is known to be lost."""
        if not self.is_usable or self._transport is None:
            raise Broken(self._lost or "closing")
        self._transport.write(data)

    async def write_all(self, data: bytes) -> bool:
        """Hands over piece by piece and waits until all has left this process. False: an answer came first, and part
        of it was never handed over. Raises Broken."""
        for start in range(0, len(data), PIECE_BYTES):
            if not self._expecting:
                return False
            self.write(data[start : start + PIECE_BYTES])
            await self._flushed()
        return True

    def abort(self) -> None:
        self._give_up("given up")

    def _use(self, transport: asyncio.BaseTransport) -> None:
        # What create_connection gives, whose class differs from loop to loop. A `high` of 0 would make TLS pause even
        # when nothing is waiting, and nobody would wake us up again.
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=1, low=0)

    async def _flushed(self) -> None:
        """Until nothing waits in this process, or need not any more."""
        while self._paused and self._expecting and self._lost is None:
            await self._change()

    async def _change(self) -> None:
        """Until something has happened."""
        self._waiter = asyncio.get_running_loop().create_future()
        await self._waiter

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _answer_is_there(self) -> None:
        self._expecting = False
        self._wake()

    def _give_up(self, reason: str) -> None:
        """Ends the connection at once. If an answer is owed, what has not left this machine yet never will: else the
        kernel would go on trying for minutes, and a request could arrive long after it counts as absent."""
        if self._expecting and self.is_usable and self._transport is not None:
            with suppress(OSError):  # it has ended meanwhile
                connection = self._transport.get_extra_info("socket")
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._fail(reason)

    def _fail(self, reason: str) -> None:
        if self._lost is not None:
            return
        self._lost = reason
        self._wake()
        if self._transport is not None:
            self._transport.abort()


def words(error: BaseException) -> str:
    """What a person is told of it: no numbers of errors, which differ from system to system."""
    return (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__
