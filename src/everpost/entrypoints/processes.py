"""Several processes at one port: a parent that starts them, starts them again when they die, and ends when all have.

The parent opens the port and accepts nothing: its children inherit the open socket, so that whoever of them is free
takes the next connection, and one that dies takes none of those with it that were not accepted yet. A pair of sockets
leads from each child to the parent: through it the child says that it listens, and learns that the parent is gone.
"""

import asyncio
import logging
import socket
import time
from asyncio.subprocess import Process
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Final

from everpost.engine.engine import DRAIN_S

PROCESSES_MAX: Final = 64
BACKLOG: Final = 2048
PAUSE_S_MIN: Final = 0.5  # before a process that has died is started again …
PAUSE_S_MAX: Final = 30.0  # … and twice as long each time, up to this, …
STEADY_S: Final = 30.0  # … unless it has lived for so long
END_S: Final = DRAIN_S + 15.0  # a graceful stop takes no longer; what is in flight then is resolved by others
_READY: Final = b"1"
_log = logging.getLogger(__name__)


class NotStarted(Exception):
    """A process has ended before it could answer, when all were started: the next one would, too."""

    def __init__(self, code: int) -> None:
        super().__init__(f"a process has ended with {code} before it could answer")
        self.code = code


@dataclass(frozen=True)
class Place:
    """A child's, among the processes of one parent."""

    listener: socket.socket
    parent: socket.socket

    @classmethod
    def inherited(cls, listener: int, parent: int) -> "Place":
        """From the numbers of the open files that the parent has passed on."""
        return cls(socket.socket(fileno=listener), socket.socket(fileno=parent))

    def tell_ready(self) -> None:
        """It listens."""
        self.parent.send(_READY)

    def watch_parent(self, stop: asyncio.Event) -> None:
        """Sets `stop` when the parent has ended: nobody else would end this process."""
        loop = asyncio.get_running_loop()

        def end() -> None:
            loop.remove_reader(self.parent)
            stop.set()

        loop.add_reader(self.parent, end)


class Processes:
    """Each of them is `words`, with the numbers of its two open files behind."""

    def __init__(self, words: Sequence[str], environ: Mapping[str, str], listener: socket.socket) -> None:
        self._words = words
        self._environ = environ
        self._listener = listener
        self._ending = asyncio.Event()

    async def run(self, count: int, stop: asyncio.Event, started: Callable[[], None]) -> None:
        """Until `stop`, and until all have ended then. `started` is called when every one of them listens. Raises
        NotStarted."""
        unready = set(range(count))

        def ready(seat: int) -> None:
            unready.discard(seat)
            if not unready:
                started()

        seats = [asyncio.create_task(self._keep(partial(ready, seat)), name="process") for seat in range(count)]
        stopped = asyncio.create_task(stop.wait(), name="stop")
        try:
            await asyncio.wait([stopped, *seats], return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._ending.set()
            stopped.cancel()
            await asyncio.gather(*seats, stopped, return_exceptions=True)
        for seat in seats:
            seat.result()

    async def _keep(self, ready: Callable[[], None]) -> None:
        """One process after the other, the next one when the one before has died."""
        pause_s, was_ready = PAUSE_S_MIN, False
        while not self._ending.is_set():
            began_at = time.monotonic()
            code, is_ready = await self._live(None if was_ready else ready)
            was_ready = was_ready or is_ready
            if self._ending.is_set():
                return
            if not was_ready:
                raise NotStarted(code)
            if time.monotonic() - began_at >= STEADY_S:
                pause_s = PAUSE_S_MIN
            _log.error("a process has died; another one takes its place", extra={"status": code, "wait_s": pause_s})
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._ending.wait()
            pause_s = min(2 * pause_s, PAUSE_S_MAX)

    async def _live(self, ready: Callable[[], None] | None) -> tuple[int, bool]:
        """A process from its start to its end: its exit code, and whether it could ever answer."""
        process, link = await self._spawn()
        ender = asyncio.create_task(self._end(process), name="end")
        try:
            with link:
                is_ready = await asyncio.get_running_loop().sock_recv(link, len(_READY)) == _READY
                if is_ready and ready is not None:
                    ready()
                return await process.wait(), is_ready
        finally:
            ender.cancel()

    async def _spawn(self) -> tuple[Process, socket.socket]:
        """The process, and our end of the pair of sockets."""
        ours, theirs = socket.socketpair()
        ours.settimeout(0)
        with theirs:
            files = (self._listener.fileno(), theirs.fileno())
            words = (*self._words, "--listener", str(files[0]), "--parent", str(files[1]))
            return await asyncio.create_subprocess_exec(*words, pass_fds=files, env=self._environ), ours

    async def _end(self, process: Process) -> None:
        """When it is time: gracefully, and by force if that takes too long."""
        await self._ending.wait()
        with suppress(ProcessLookupError):
            process.terminate()
            await asyncio.sleep(END_S)
            process.kill()


def open_listener(host: str, port: int) -> socket.socket:
    """The port, for children to inherit. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family, backlog=BACKLOG)
    listener.settimeout(0)
    return listener
