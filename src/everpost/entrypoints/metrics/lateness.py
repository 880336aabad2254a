"""How late the event loop is: what all that waits in it waits for."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

TICK_S: Final = 0.25


@asynccontextmanager
async def watched_loop(tell: Callable[[float], None]) -> AsyncIterator[None]:
    """While the block runs, a task of its own tells, four times a second, by how many seconds it went on too late."""
    task = asyncio.create_task(_watch(tell), name="lateness")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _watch(tell: Callable[[float], None]) -> None:
    loop = asyncio.get_running_loop()
    while True:
        due_at = loop.time() + TICK_S
        await asyncio.sleep(TICK_S)
        tell(max(0.0, loop.time() - due_at))
