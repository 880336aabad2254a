"""Group commit: what waits at the same time goes to the server together."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Generic, TypeVar

from msgspec import Struct

from everpost.model.limits import COMMIT_MAX, PENDING_WRITES_MAX
from everpost.postgres import Fault
from everpost.store.port import StoreUnavailable

BATCH_BYTES_MAX: Final = 32 * 1024 * 1024  # of the operations that share a commit; a larger one goes by itself

A = TypeVar("A")
R = TypeVar("R")


class Failed(Struct, frozen=True):
    """Nothing was changed, as far as can be told; `error` is for the operation's caller."""

    error: Exception


class Spoilt(StoreUnavailable):
    """One of a batch can't be done. Nothing was; each finds out alone whether it is the one."""


RunBatch = Callable[[Sequence[A]], Awaitable[Sequence[R | Failed]]]


class Lane(Generic[A, R]):
    """Adaptive batches: while one is under way, the next one gathers. No delay is ever added.

    Belongs to the event loop that first uses it. `size` says how many bytes an operation brings along.
    """

    def __init__(self, run_batch: RunBatch[A, R], size: Callable[[A], int] = lambda _: 0) -> None:
        self._run_batch = run_batch
        self._size = size
        self._queue: deque[tuple[A, asyncio.Future[R]]] = deque()
        self._worker: asyncio.Task[None] | None = None
        self._closed = False

    async def run(self, asked: A) -> R:
        if self._closed:
            raise StoreUnavailable("the store is closed")
        if len(self._queue) >= PENDING_WRITES_MAX:
            raise StoreUnavailable(f"{PENDING_WRITES_MAX} operations are waiting for the store already")
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._queue.append((asked, future))
        if self._worker is None:
            self._worker = asyncio.create_task(self._work(), name="commits")
        # A caller that is cancelled leaves; what it has asked for is done all the same.
        return await future

    @property
    def waiting(self) -> int:
        return len(self._queue)

    async def close(self) -> None:
        """Returns when everything that was waiting has run. What comes later is refused."""
        self._closed = True
        if self._worker is not None:
            await self._worker

    async def _work(self) -> None:
        await asyncio.sleep(0)  # what is asked for in the same turn of the loop comes along
        while self._queue:
            batch = self._next_batch()
            results = await self._results([asked for asked, _ in batch])
            for (_, future), result in zip(batch, results, strict=True):
                if future.done():
                    continue
                if isinstance(result, Failed):
                    future.set_exception(result.error)
                else:
                    future.set_result(result)
        self._worker = None

    def _next_batch(self) -> list[tuple[A, asyncio.Future[R]]]:
        batch = [self._queue.popleft()]
        total = self._size(batch[0][0])
        while self._queue and len(batch) < COMMIT_MAX:
            total += self._size(self._queue[0][0])
            if total > BATCH_BYTES_MAX:
                break
            batch.append(self._queue.popleft())
        return batch

    async def _results(self, asked: Sequence[A]) -> Sequence[R | Failed]:
        """One bad operation costs its neighbours some commits, and nothing else: the batch is halved until it is
        alone."""
        try:
            return await self._run_batch(asked)
        except Fault as fault:
            return [Failed(StoreUnavailable(str(fault))) for _ in asked]
        except Exception as error:  # noqa: BLE001 - whatever an operation raises is told to its own caller
            if len(asked) == 1:
                return [Failed(error)]
        middle = len(asked) // 2
        return [*await self._results(asked[:middle]), *await self._results(asked[middle:])]
