"""Bytes of one connection, in both directions."""

import asyncio
import ssl
from contextlib import suppress
from typing import Final, cast

from everpost.model.limits import ANSWER_READ_S_MAX, SMTP_HANDSHAKE_S_MAX

READ_AHEAD_BYTES: Final = 256 * 1024  # then the client has to wait
LINGER_S: Final = 1.0  # for a client to read the last reply, while what it still sends is thrown away


class Gone(Exception):
    """The client is, or will be in a moment."""


class Ending(Exception):
    """The server stops, and this client was waited for."""


class Wire(asyncio.Protocol):
    def __init__(self) -> None:
        self.buffer = bytearray()
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._is_paused = False
        self._may_write = asyncio.Event()
        self._may_write.set()
        self.is_over = False  # the client sends no more

    # --- asyncio's ---------------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if self.is_over:
            return
        self.buffer += data
        if len(self.buffer) > READ_AHEAD_BYTES and not self._is_paused:
            self._is_paused = True
            self.transport.pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        self.is_over = True
        self._wake()
        return False

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002  how it went makes no difference
        self.is_over = True
        self._may_write.set()
        self._wake()

    def pause_writing(self) -> None:
        self._may_write.clear()

    def resume_writing(self) -> None:
        self._may_write.set()

    # --- ours --------------------------------------------------------------------------------------------------------

    @property
    def transport(self) -> asyncio.Transport:
        assert self._transport is not None  # noqa: S101  nobody has a wire before its connection
        return self._transport

    @property
    def peer(self) -> str:
        """The client's IP address."""
        return str((self.transport.get_extra_info("peername") or ("",))[0])

    async def more(self) -> None:
        """Until something was added to the buffer, or nothing will be any more: the next time, that raises Gone. Raises
        Ending if it was interrupted."""
        if self.is_over:
            raise Gone
        if self._is_paused:
            self._is_paused = False
            self.transport.resume_reading()
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def interrupt(self) -> None:
        """Whoever waits for more is told that there is none to wait for."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(Ending())

    def write(self, data: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(data)

    async def flush(self) -> None:
        """Until the client has read so much that the rest fits into the buffers. Raises Gone."""
        try:
            async with asyncio.timeout(ANSWER_READ_S_MAX):
                await self._may_write.wait()
        except TimeoutError:
            raise Gone from None

    async def start_tls(self, context: ssl.SSLContext) -> None:
        """Everything from here on is encrypted. Raises Gone."""
        try:
            transport = await asyncio.get_running_loop().start_tls(
                self.transport, self, context, server_side=True, ssl_handshake_timeout=SMTP_HANDSHAKE_S_MAX
            )
        except (OSError, ssl.SSLError, TimeoutError):
            raise Gone from None
        if transport is None:  # it was closed in the meantime
            raise Gone
        self._transport = transport

    async def close(self) -> None:
        """What was written still leaves. It would not if a socket was closed over unread bytes, so these are read."""
        if self.transport.can_write_eof():
            with suppress(OSError, TimeoutError, Gone, Ending):
                self.transport.write_eof()
                async with asyncio.timeout(LINGER_S):
                    while True:
                        self.buffer.clear()
                        await self.more()
        self.transport.close()

    def abort(self) -> None:
        self.transport.abort()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
