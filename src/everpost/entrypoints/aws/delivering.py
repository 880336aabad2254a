"""What a queue and a clock call for: deliveries that are due, events that webhooks missed, what is past its time."""

import asyncio
import logging
from contextlib import suppress
from typing import Any, Final

from everpost.engine.engine import Engine
from everpost.entrypoints.aws.events import read_nudges
from everpost.model.problem import Problem

AHEAD_S: Final = 60.0  # what is due sooner is waited for: the clock calls again by then
FINISH_S: Final = 10.0  # for attempts in flight, before they are given up
END_S: Final = 5.0  # before the function's own end: all is done by then
TIMEOUT_S_MIN: Final = 30.0  # of the function
LEFT_S_MIN: Final = TIMEOUT_S_MIN - END_S  # some of it has gone by when an event is here
HOUSEKEEP_EVERY_S: Final = 600.0
_log = logging.getLogger(__name__)


class TooShort(Exception):
    """The function may not run long enough for its work."""


class Unavailable(Exception):
    """The store can't be used: nothing was done."""


class Delivering:
    """Hands over what is due, and resolves what is uncertain, until nothing is due for a while or the time is over. By
    the clock it asks providers for missed events, too, and deletes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._kept_house_at: float | None = None

    async def __call__(self, event: Any, left_s: float) -> dict[str, Any]:
        if left_s < LEFT_S_MIN:
            raise TooShort(f"{left_s:.0f} s are left; give the function a timeout of at least {TIMEOUT_S_MIN:.0f} s")
        nudges = read_nudges(event)
        ready = await self._engine.console.ready()
        if isinstance(ready, Problem):
            return _repeated(nudges, ready)
        ends_at = self._now() + left_s - END_S
        async with self._engine.delivering(left_s - END_S, FINISH_S):
            with suppress(TimeoutError):
                async with asyncio.timeout(ends_at - FINISH_S - self._now()):
                    await asyncio.gather(
                        self._engine.calm(AHEAD_S), *([] if nudges else [self._engine.backfill.catch_up()])
                    )
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

    def _now(self) -> float:
        return self._engine.ports.clock.monotonic()


def _repeated(nudges: list[str], problem: Problem) -> dict[str, Any]:
    """Messages come again by themselves; whoever else called learns that it was in vain."""
    if not nudges:
        raise Unavailable(problem.detail)
    _log.error("the store can't be used", extra={"error": problem.detail})
    return {"batchItemFailures": [{"itemIdentifier": nudge} for nudge in nudges]}
