"""An event loop whose time stands still while anything can run, and jumps when nothing can.

Ready callbacks run in an order drawn from the seed, so that one seed is one interleaving, and can be had again.
"""

import asyncio
import random
import selectors
from collections.abc import Callable
from typing import Any


class Stuck(Exception):
    """Nothing is ready and no timer is set: somebody waits for what will never come."""


class _Selector(selectors.SelectSelector):
    """Instead of waiting, it moves the time."""

    def __init__(self, advance: Callable[[float], None]) -> None:
        super().__init__()
        self._advance = advance

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise Stuck
        if timeout > 0:
            self._advance(timeout)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self, rng: random.Random) -> None:
        self._virtual_now = 0.0
        self._rng = rng
        super().__init__(_Selector(self._advance))

    def time(self) -> float:
        return self._virtual_now

    def _advance(self, seconds: float) -> None:
        self._virtual_now += seconds

    def _run_once(self) -> None:
        ready: Any = self._ready  # type: ignore[attr-defined]  # of asyncio.BaseEventLoop
        if len(ready) > 1:
            order = list(ready)
            self._rng.shuffle(order)
            ready.clear()
            ready.extend(order)
        super()._run_once()  # type: ignore[misc]  # as above
