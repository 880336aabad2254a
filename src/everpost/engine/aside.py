"""Work over a large mail, out of the event loop's way: everybody else waits for whatever is done in the loop."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from everpost.model.limits import IN_LOOP_BYTES_MAX

THREADS: Final = 1
"""Two would not be quicker, since they share the interpreter; they would make the event loop wait for it twice."""
T = TypeVar("T")


class Aside:
    """One thread, made by the first large mail. It ends when this is no longer used."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(THREADS, thread_name_prefix="everpost-aside")

    async def run(self, size: int, work: Callable[[], T]) -> T:
        """What `work` returns or raises. `size`: the bytes that it goes through; of few it is done at once, without
        giving way to anybody. It may use nothing that the event loop changes."""
        if size <= IN_LOOP_BYTES_MAX:
            return work()
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)
