"""An event loop whose time stands still while anything can run, and jumps when nothing can.

Which of the ready callbacks runs next is drawn from the seed, so that one seed is one interleaving, and can be had
again. It has no sockets, threads or signals: what asks for them fails at once, but for work that is put aside.
"""

import asyncio
import random
from asyncio import events
from collections.abc import Callable
from contextvars import Context, copy_context
from heapq import heappop, heappush
from typing import Any

SPIN_MAX = 1_000_000  # callbacks in one instant; a thousand mails at once need some tens of thousands


class Stuck(Exception):
    """Nothing is ready and no timer is set: somebody waits for what will never come."""


class Spinning(Exception):
    """So much runs in one instant that it seems to be without end: somebody works in vain, and gives time no chance."""


class _Handle:
    """A callback that will be called, unless it is cancelled before."""

    __slots__ = ("args", "callback", "context", "when")

    def __init__(self, callback: Callable[..., Any], args: tuple[Any, ...], context: Context, when: float) -> None:
        self.callback: Callable[..., Any] | None = callback
        self.args = args
        self.context = context
        self.when = when

    def cancel(self) -> None:
        self.callback = None
        self.args = ()

    def cancelled(self) -> bool:
        return self.callback is None


class VirtualLoop(asyncio.AbstractEventLoop):
    def __init__(self, rng: random.Random) -> None:
        self._now = 0.0
        self._random = rng.random
        self._ready: list[_Handle] = []
        self._timers: list[tuple[float, int, _Handle]] = []
        self._timer = 0
        self._factory: Callable[..., asyncio.Task[Any]] | None = None
        self._calls_left = -1  # until `_bell` is rung, once; below 0: never
        self._bell: Callable[[], None] | None = None
        self._is_closed = False
        self.calls = 0  # callbacks that have run
        self._calls_max = SPIN_MAX  # in this instant

    def after_calls(self, count: int, bell: Callable[[], None]) -> None:
        """Rings the bell between two callbacks: after `count` more of them."""
        self._calls_left, self._bell = count, bell

    # --- what asyncio's tasks, futures and locks need of a loop -----------------------------------------------------

    def time(self) -> float:
        return self._now

    def get_debug(self) -> bool:
        return False

    def set_debug(self, _: Any) -> None:
        """There is nothing more to be told of it."""

    def is_running(self) -> bool:
        return events._get_running_loop() is self

    def run_in_executor(self, _: Any, func: Callable[..., Any], *args: Any) -> Any:
        """What is put aside is a callback like others: others may come before it."""
        future = self.create_future()
        self.call_soon(lambda: future.set_result(func(*args)))
        return future

    def call_soon(self, callback: Any, *args: Any, context: Context | None = None) -> Any:
        handle = _Handle(callback, args, context or copy_context(), self._now)
        self._ready.append(handle)
        return handle

    def call_later(self, delay: float, callback: Any, *args: Any, context: Context | None = None) -> Any:
        return self.call_at(self._now + delay, callback, *args, context=context)

    def call_at(self, when: float, callback: Any, *args: Any, context: Context | None = None) -> Any:
        handle = _Handle(callback, args, context or copy_context(), when)
        self._timer += 1
        heappush(self._timers, (when, self._timer, handle))
        return handle

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def set_task_factory(self, factory: Any) -> None:
        self._factory = factory

    def create_task(self, coro: Any, **kwargs: Any) -> Any:
        name = kwargs.pop("name", "")  # a given name spares asyncio the making of one
        if self._factory is None:
            return asyncio.Task(coro, loop=self, name=name, **kwargs)
        return self._factory(self, coro, name=name, **kwargs)

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """An exception that nobody has asked for, as of a task that was forgotten, is nobody's here either."""

    # --- the run ------------------------------------------------------------------------------------------------------

    def run_until_complete(self, future: Any) -> Any:
        events._set_running_loop(self)
        try:
            task = asyncio.ensure_future(future, loop=self)
            while not task.done():
                self._advance()
                self._run_ready()
            return task.result()
        finally:
            events._set_running_loop(None)

    def _advance(self) -> None:
        """If nothing can run, the time moves to the next timer; what is due by then becomes ready."""
        timers, ready = self._timers, self._ready
        while timers and timers[0][2].callback is None:
            heappop(timers)
        if not ready:
            if not timers:
                raise Stuck
            self._now = max(self._now, timers[0][0])
            self._calls_max = self.calls + SPIN_MAX
        while timers and timers[0][0] <= self._now:
            ready.append(heappop(timers)[2])

    def _run_ready(self) -> None:
        """Everything that is ready, and what becomes so meanwhile, in an order that chance draws."""
        ready, chance = self._ready, self._random
        while ready:
            last = len(ready) - 1
            if last:
                drawn = int(chance() * (last + 1))
                ready[drawn], ready[last] = ready[last], ready[drawn]
            handle = ready.pop()
            if handle.callback is None:
                continue
            self.calls += 1
            if self.calls > self._calls_max:
                raise Spinning
            if self._calls_left >= 0:
                self._count_down()
            handle.context.run(handle.callback, *handle.args)

    def _count_down(self) -> None:
        if self._calls_left == 0 and self._bell is not None:
            self._bell()
        self._calls_left -= 1

    async def shutdown_asyncgens(self) -> None:
        """None is followed."""

    async def shutdown_default_executor(self) -> None:
        """There is none."""

    def is_closed(self) -> bool:
        return self._is_closed

    def close(self) -> None:
        self._is_closed = True
        self._ready.clear()
        self._timers.clear()
