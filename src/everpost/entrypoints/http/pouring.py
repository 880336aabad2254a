"""An answer that comes piece by piece, on its way to the caller."""

import asyncio
from typing import Protocol

from everpost.entrypoints.http.call import Stream


class Outlet(Protocol):
    """What is asked of the connection."""

    def write(self, data: bytes) -> None:
        """What is written to a connection that has gone is dropped."""
        ...

    async def writable(self) -> None:
        """Waits while the caller does not read."""
        ...


class Pouring:
    """Of one connection, which can be told to end with the stream at any time, before it has begun as well."""

    def __init__(self, outlet: Outlet) -> None:
        self._outlet = outlet
        self._task: asyncio.Task[None] | None = None
        self._is_over = False

    async def run(self, stream: Stream) -> None:
        """Until the stream ends, or is stopped. One piece is made when the one before has been read, or nearly so."""
        self._task = asyncio.current_task()
        try:
            while not self._is_over and (piece := await stream.piece()) is not None:
                self._outlet.write(piece)
                await self._outlet.writable()
        except asyncio.CancelledError:
            self._is_over = True
        finally:
            self._task = None
            stream.close()
        self._outlet.write(stream.last_words)

    def stop(self) -> None:
        self._is_over = True
        if self._task is not None:
            self._task.cancel()
