"""What a clock and a queue call for: deliveries that are due, events for the sinks, what is past its time."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final

from everpost.engine.engine import Engine
from everpost.entrypoints.aws.events import read_nudges
from everpost.entrypoints.aws.lines import Lines
from everpost.model.account import CircuitState
from everpost.model.problem import Problem

AHEAD_S: Final = 60.0  # what is due sooner is waited for: the clock calls again by then
FINISH_S: Final = 10.0  # for attempts in flight, before they are given up
END_S: Final = 5.0  # before the function's own end: all is done by then
LEFT_S_MIN: Final = 2 * (FINISH_S + END_S)
HOUSEKEEP_EVERY_S: Final = 600.0
_log = logging.getLogger(__name__)


class TooShort(Exception):
    """The function may not run long enough for its work."""


class Unavailable(Exception):
    """The store can't be used: nothing was done."""


class Deliver:
    """Hands over what is due, and resolves what is uncertain, until nothing is due for a while or the time is over."""

    def __init__(self, engine: Engine, function: str, lines: Lines) -> None:
        self._engine = engine
        self._function = function
        self._lines = lines
        self._kept_house_at: float | None = None

    async def __call__(self, event: Any, left_s: float) -> dict[str, Any]:
        if left_s < LEFT_S_MIN:
            raise TooShort(f"{left_s:.0f} s are left; give the function a timeout of at least {LEFT_S_MIN:.0f} s")
        nudges = read_nudges(event)
        ready = await self._engine.console.ready()
        if isinstance(ready, Problem):
            return _repeated(nudges, ready)
        if not nudges:
            await self._tell_figures()
        ends_at = self._now() + left_s - END_S
        async with self._engine.delivering(left_s - END_S, FINISH_S):
            with suppress(TimeoutError):
                async with asyncio.timeout(ends_at - FINISH_S - self._now()):
                    await self._engine.calm(AHEAD_S)
        if not nudges:
            await self._keep_house(ends_at)
        return {"batchItemFailures": []}

    async def _keep_house(self, ends_at: float) -> None:
        """What is not deleted in time is deleted the next time."""
        if self._kept_house_at is not None and self._now() - self._kept_house_at < HOUSEKEEP_EVERY_S:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(ends_at - self._now()):
                await self._engine.housekeep()
                self._kept_house_at = self._now()

    async def _tell_figures(self) -> None:
        """Once a minute, since only the clock calls without messages."""
        console, now = self._engine.console, self._engine.ports.clock.now()
        counts, accounts = await console.counts(), await console.accounts()
        values = {
            "OldestDueAge": 0.0 if counts.oldest_due_at is None else max(0.0, now - counts.oldest_due_at),
            "AccountsUsable": sum(each.circuit.state is not CircuitState.OPEN for each in accounts),
            "Unaccounted": counts.accepted - sum(counts.by_state.values()),
        }
        self._lines.figures(self._function, now, values)

    def _now(self) -> float:
        return self._engine.ports.clock.monotonic()


def relay(engine: Engine) -> Callable[[Any, float], Awaitable[dict[str, Any]]]:
    """Brings every sink up to date. What calls it does not matter; a sink that fails is told by an error."""

    async def work(event: Any, left_s: float) -> dict[str, Any]:
        read_nudges(event)
        with suppress(TimeoutError):
            async with asyncio.timeout(left_s - END_S):
                taken = await engine.relay()
                _log.info("events relayed", extra={"count": taken})
        return {"batchItemFailures": []}

    return work


def _repeated(nudges: list[str], problem: Problem) -> dict[str, Any]:
    """Messages come again by themselves; whoever else called learns that it was in vain."""
    if not nudges:
        raise Unavailable(problem.detail)
    _log.error("the store can't be used", extra={"error": problem.detail})
    return {"batchItemFailures": [{"itemIdentifier": nudge} for nudge in nudges]}
