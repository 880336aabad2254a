"""One connection: commands go out as they come, answers belong to them in order."""

import asyncio
import ssl
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Final, Self, cast

from everpost.model.limits import ANSWER_BODY_BYTES_MAX
from everpost.valkey.resp import Command, Malformed, Reply, read, rendered

PUSHED: Final = b"message"
"""So begins what a server says on its own, to whoever has subscribed to a channel."""

Heard = Callable[[Reply], None]
"""Is given what was said there."""


class LinkLost(Exception):
    """The connection can't give an answer any more. What was asked may have been done."""


class Link(asyncio.Protocol):
    """Nothing here waits for a deadline: whoever gives up waiting closes the link, since what comes later would be the
    answer to somebody else's question."""

    def __init__(self, heard: Heard | None = None) -> None:
        """`heard` None: the server says nothing that it was not asked for."""
        self.is_usable = False
        self._ended = asyncio.Event()
        self._heard = heard
        self.used_at = time.time()  # a monotonic clock may halt with a frozen function
        self._transport: asyncio.Transport | None = None
        self._received = b""
        self._waiting: deque[asyncio.Future[Reply]] = deque()

    @classmethod
    async def open(cls, host: str, port: int, tls: ssl.SSLContext | None, heard: Heard | None = None) -> Self:
        """Raises OSError."""
        name, made = (host if tls is not None else None), partial(cls, heard)
        _, link = await asyncio.get_running_loop().create_connection(made, host, port, ssl=tls, server_hostname=name)
        return link

    async def ask(self, commands: Sequence[Command]) -> list[Reply]:
        """The answers in the order of the commands. Raises LinkLost."""
        if not self.is_usable or self._transport is None:
            raise LinkLost("closed")
        self.used_at = time.time()
        loop = asyncio.get_running_loop()
        answers: list[asyncio.Future[Reply]] = [loop.create_future() for _ in commands]
        self._waiting.extend(answers)
        self._transport.write(b"".join(map(rendered, commands)))
        return await asyncio.gather(*answers)

    async def watched(self, beat_s: float, answer_s: float) -> None:
        """Asks every so often whether the server is still there. Raises LinkLost when it is not."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(beat_s):
                    await self._ended.wait()
            try:
                async with asyncio.timeout(answer_s):
                    await self.ask([("PING",)])
            except TimeoutError as error:
                raise LinkLost("it does not answer any more") from error

    def retire(self) -> None:
        """Nobody asks here any more; closed when the answers that are owed have come."""
        self.is_usable = False
        if not self._waiting:
            self.close()

    def close(self, reason: str = "closed") -> None:
        self.is_usable = False
        if self._transport is not None:
            self._transport.abort()
        while self._waiting:
            answer = self._waiting.popleft()
            if not answer.done():
                answer.set_exception(LinkLost(reason))

    # --- asyncio's side -----------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self.is_usable = True

    def data_received(self, data: bytes) -> None:
        self._received += data
        at = 0
        try:
            while self._listens and (found := read(self._received, at)) is not None:
                reply, at = found
                self._take(reply)
        except Malformed as error:
            self.close(str(error))
        self._received = self._received[at:]
        if len(self._received) > (ANSWER_BODY_BYTES_MAX if self._listens else 0):
            self.close("it says more than it was asked for")
        elif not self.is_usable:
            self.retire()

    @property
    def _listens(self) -> bool:
        return bool(self._waiting) or self._heard is not None

    def _take(self, reply: Reply) -> None:
        if self._heard is not None and isinstance(reply, list) and reply[:1] == [PUSHED]:
            self._heard(reply[-1])
        elif self._waiting:
            answer = self._waiting.popleft()
            if not answer.done():
                answer.set_result(reply)
        else:
            self.close("it says more than it was asked for")

    def eof_received(self) -> None:
        self.close("closed by the server")

    def connection_lost(self, exc: Exception | None) -> None:
        self.close(f"lost: {exc}" if exc else "closed")
        self._ended.set()
