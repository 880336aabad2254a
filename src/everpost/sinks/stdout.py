"""CloudEvents on standard output, one JSON object a line."""

import asyncio
import os
import select
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from everpost.sinks.lines import json_lines

BLOCKED_S_MAX: Final = 5.0  # without a byte being taken
_CHUNK_BYTES: Final = select.PIPE_BUF  # what a pipe that is ready takes without blocking (POSIX write())


class StdoutSink:
    """Writes to the descriptor itself, past any buffer. Raises OSError when the other end is closed, TimeoutError when
    nobody reads; what of a line was still missing then is written first by the next put, so that lines stay whole."""

    name = "stdout"
    buried = 0

    def __init__(self, descriptor: int = 1, blocked_s_max: float = BLOCKED_S_MAX) -> None:
        self._descriptor = descriptor
        self._blocked_ms_max = int(blocked_s_max * 1000)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="everpost-stdout")
        self._rest = b""

    async def put(self, events: Sequence[Mapping[str, Any]]) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self._write, json_lines(events))

    async def close(self) -> None:
        """Waits for the put that runs; the descriptor stays open."""
        await asyncio.to_thread(self._thread.shutdown)

    def _write(self, lines: bytes) -> None:
        data = memoryview(self._rest + lines)
        done = 0
        ready = select.poll()
        ready.register(self._descriptor, select.POLLOUT)
        try:
            while done < len(data):
                if not ready.poll(self._blocked_ms_max):
                    raise TimeoutError("nobody reads standard output")
                done += os.write(self._descriptor, data[done : done + _CHUNK_BYTES])
        finally:
            self._rest = _rest_of_line(bytes(data), done)


def _rest_of_line(data: bytes, done: int) -> bytes:
    """What is missing of the line that was cut at `done`; nothing at the start of a line."""
    if done == 0 or data[done - 1 : done] == b"\n":
        return b""
    return data[done : data.index(b"\n", done) + 1]
