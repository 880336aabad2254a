"""Ways from the event loop to a connection: through a thread that takes all that waits at once, or directly."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, Protocol

from everpost.store.port import StoreUnavailable
from everpost.store.sqlite.operation import Failed, Operation, Result

RunBatch = Callable[[Sequence[Operation]], list[Result]]
_Waiting = tuple[Operation, asyncio.Future[Any]]


class Lane(Protocol):
    async def run(self, operation: Operation) -> Any:
        """Returns what the operation returns, or raises what it failed with."""
        ...

    async def close(self) -> None:
        """Returns when everything that was waiting has run. What comes later is refused."""
        ...


class DirectLane:
    """Runs each operation at once in the caller's thread: deterministic."""

    def __init__(self, run_batch: RunBatch) -> None:
        self._run_batch = run_batch
        self._closed = False

    async def run(self, operation: Operation) -> Any:
        if self._closed:
            raise StoreUnavailable("the store is closed")
        [result] = self._run_batch([operation])
        if isinstance(result, Failed):
            raise result.error
        return result

    async def close(self) -> None:
        self._closed = True


class ThreadLane:
    """One thread, adaptive batches: while one runs, the next one gathers. No delay is ever added.

    Belongs to the event loop that first uses it, which is woken once per batch.
    """

    def __init__(self, name: str, run_batch: RunBatch, batch_max: int, waiting_max: int) -> None:
        self._run_batch = run_batch
        self._batch_max = batch_max
        self._waiting_max = waiting_max
        self._queue: SimpleQueue[_Waiting | None] = SimpleQueue()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    async def run(self, operation: Operation) -> Any:
        if self._closed:
            raise StoreUnavailable("the store is closed")
        if self._queue.qsize() >= self._waiting_max:
            raise StoreUnavailable(f"{self._waiting_max} operations are waiting for the store already")
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._queue.put((operation, future))
        # A caller that is cancelled leaves; what it has asked for is done all the same.
        return await future

    async def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    def _work(self) -> None:
        open_ = True
        while open_:
            batch, open_ = self._gather()
            if not batch:
                continue
            results = self._results([operation for operation, _ in batch])
            futures = [future for _, future in batch]
            with suppress(RuntimeError):  # the loop is closed: nobody is waiting any more
                futures[0].get_loop().call_soon_threadsafe(_settle, futures, results)

    def _gather(self) -> tuple[list[_Waiting], bool]:
        """Waits for one operation, takes along all that wait with it; False: the lane is closed."""
        batch: list[_Waiting] = []
        waiting = self._queue.get()
        with suppress(Empty):
            while waiting is not None:
                batch.append(waiting)
                if len(batch) == self._batch_max:
                    return batch, True
                waiting = self._queue.get_nowait()
            return batch, False
        return batch, True

    def _results(self, operations: Sequence[Operation]) -> list[Result]:
        try:
            return self._run_batch(operations)
        except Exception as error:  # noqa: BLE001 - the top of the thread's loop: callers must not wait for ever
            return [Failed(StoreUnavailable(f"the store failed: {error!r}")) for _ in operations]


def _settle(futures: Sequence[asyncio.Future[Any]], results: Sequence[Result]) -> None:
    for future, result in zip(futures, results, strict=True):
        if future.done():
            continue
        if isinstance(result, Failed):
            future.set_exception(result.error)
        else:
            future.set_result(result)
