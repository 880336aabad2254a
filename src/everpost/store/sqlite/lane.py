"""Ways from the event loop to a connection: through a thread that takes all that waits at once, or directly."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from math import inf
from queue import SimpleQueue
from time import perf_counter
from typing import Any, Final, Protocol

from everpost.store.port import StoreUnavailable
from everpost.store.sqlite.operation import Failed, Occupied, Operation, Result

PROMPT_S: Final = 0.001  # a batch that took no longer: the disk is idle, and quicker than the way to a thread and back
SETTLED_PER_TURN: Final = 16  # operations of a batch whose callers go on in one turn of the event loop

RunBatch = Callable[[Sequence[Operation]], list[Result]]
RunAtOnce = Callable[[Operation], Result]
"""Raises Occupied."""
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
    """One thread, adaptive batches: what is asked for within one turn of the event loop is handed over together, and
    while a batch runs, the next one gathers. No delay is ever added.

    With `run_at_once`, an operation that is alone is run in the loop's own thread, as long as that is prompt and it is
    not large: who sends one mail after the other waits for the disk, and not for two threads to wake each other up as
    well.

    Belongs to the event loop that first uses it, which is woken once per batch.
    """

    def __init__(
        self, name: str, run_batch: RunBatch, batch_max: int, waiting_max: int, run_at_once: RunAtOnce | None = None
    ) -> None:
        self._run_batch = run_batch
        self._run_at_once = run_at_once
        self._took_s = 0.0  # by the last operation that was alone; infinite if it was not
        self._handed_over = 0  # to the thread, and not settled yet
        self._batch_max = batch_max
        self._waiting_max = waiting_max
        self._turn: list[_Waiting] = []  # asked for in this turn of the loop
        self._queue: deque[_Waiting] = deque()
        self._bell: SimpleQueue[None] = SimpleQueue()  # rung when something was put into the queue, or at the end
        self._closed = False
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Operations that no batch has taken yet."""
        return len(self._turn) + len(self._queue)

    async def run(self, operation: Operation) -> Any:
        if self._closed:
            raise StoreUnavailable("the store is closed")
        if self.waiting >= self._waiting_max:
            raise StoreUnavailable(f"{self._waiting_max} operations are waiting for the store already")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        if not self._turn:
            loop.call_soon(self._hand_over)
        self._turn.append((operation, future))
        # A caller that is cancelled leaves; what it has asked for is done all the same.
        return await future

    async def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._hand_over()
        await asyncio.to_thread(self._thread.join)

    def _hand_over(self) -> None:
        if len(self._turn) == 1 and not self._handed_over and self._took_s <= PROMPT_S and self._is_done_here():
            return
        self._handed_over += len(self._turn)
        self._queue.extend(self._turn)
        self._turn.clear()
        self._bell.put(None)

    def _is_done_here(self) -> bool:
        """Runs the one operation of this turn, unless that would have to wait: the thread has nothing to do."""
        operation, future = self._turn[0]
        if self._run_at_once is None or operation.is_large:
            return False
        started = perf_counter()
        try:
            result = self._run_at_once(operation)
        except Occupied:
            return False
        self._took_s = perf_counter() - started
        self._turn.clear()
        _settle([future], [result])
        return True

    def _work(self) -> None:
        while self._queue or not self._closed:
            self._bell.get()
            while self._queue:
                batch = [self._queue.popleft() for _ in range(min(len(self._queue), self._batch_max))]
                results = self._results([operation for operation, _ in batch])
                futures = [future for _, future in batch]
                with suppress(RuntimeError):  # the loop is closed: nobody is waiting any more
                    futures[0].get_loop().call_soon_threadsafe(self._settle, futures, results)

    def _settle(self, futures: Sequence[asyncio.Future[Any]], results: Sequence[Result]) -> None:
        """In pieces: each future wakes somebody who has work to do, and the loop looks at its sockets in between."""
        now, later = futures[:SETTLED_PER_TURN], futures[SETTLED_PER_TURN:]
        self._handed_over -= len(now)
        _settle(now, results[:SETTLED_PER_TURN])
        if later:
            asyncio.get_running_loop().call_soon(self._settle, later, results[SETTLED_PER_TURN:])

    def _results(self, operations: Sequence[Operation]) -> list[Result]:
        started = perf_counter()
        try:
            return self._run_batch(operations)
        except Exception as error:  # noqa: BLE001 - the top of the thread's loop: callers must not wait for ever
            return [Failed(StoreUnavailable(f"the store failed: {error!r}")) for _ in operations]
        finally:
            self._took_s = perf_counter() - started if len(operations) == 1 else inf


def _settle(futures: Sequence[asyncio.Future[Any]], results: Sequence[Result]) -> None:
    for future, result in zip(futures, results, strict=True):
        if future.done():
            continue
        if isinstance(result, Failed):
            future.set_exception(result.error)
        else:
            future.set_result(result)
