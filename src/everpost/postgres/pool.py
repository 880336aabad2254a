"""A few connections for all: who finds none waits for some time, and then is told."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, TypeVar

import asyncpg

from everpost.postgres.faults import Lost, Refused, told
from everpost.postgres.server import Server

T = TypeVar("T")
Work = Callable[[asyncpg.Connection], Awaitable[T]]

WAIT_S: Final = 5.0  # for a free connection
WORK_S: Final = 15.0  # longer than the server's own limit on a statement: whoever does not answer by then is gone
GOODBYE_S: Final = 2.0


class Pool:
    """Connections are made when they are needed, and given up at the first doubt: after one was lost, all that were
    idle meanwhile may lead to a server that is no more.

    Belongs to the event loop that first uses it.
    """

    def __init__(self, server: Server, size: int, wait_s: float = WAIT_S) -> None:
        self.server = server
        self._size = size
        self._wait_s = wait_s
        self._room = asyncio.Semaphore(size)
        self._idle: list[asyncpg.Connection] = []
        self._closed = False

    async def run(self, work: Work[T]) -> T:
        """What the work returns. Its connection is its own meanwhile; no transaction may be left open. Raises the
        faults of this package."""
        try:
            async with asyncio.timeout(self._wait_s):
                await self._room.acquire()
        except TimeoutError:
            raise Refused(f"all {self._size} connections to PostgreSQL are busy") from None
        try:
            connection = await self._connection()
            return await self._done(connection, work)
        finally:
            self._room.release()

    async def _done(self, connection: asyncpg.Connection, work: Work[T]) -> T:
        is_sound = False
        try:
            with told():
                async with asyncio.timeout(WORK_S):
                    result = await work(connection)
        except Lost:
            self._forget_idle()
            raise
        except Exception:
            is_sound = not connection.is_in_transaction()
            raise
        else:
            is_sound = True
            return result
        finally:  # also of who is cancelled in the middle of something: that connection goes
            if is_sound and not connection.is_closed() and not self._closed:
                self._idle.append(connection)
            else:
                connection.terminate()

    async def _connection(self) -> asyncpg.Connection:
        if self._closed:
            raise Refused("the store is closed")
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
        return await self.server.connect()

    def _forget_idle(self) -> None:
        while self._idle:
            self._idle.pop().terminate()

    async def close(self) -> None:
        """What is being worked on ends first; what comes later is refused."""
        self._closed = True
        for _ in range(self._size):
            await self._room.acquire()
        for _ in range(self._size):
            self._room.release()
        for connection in self._idle:
            with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
                await connection.close(timeout=GOODBYE_S)
        self._idle.clear()
