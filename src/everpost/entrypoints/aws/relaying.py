"""Events to the sinks, and the figures of all processes, whose events come by here."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from everpost.engine.engine import Engine
from everpost.entrypoints import emf
from everpost.entrypoints.aws.events import read_nudges
from everpost.entrypoints.aws.lines import Lines
from everpost.sinks.counted import CountedSink

END_S: Final = 5.0  # before the function's own end: all is done by then


class Relaying:
    """Brings every sink up to date, whatever has called for that. A sink that fails is told by an error."""

    def __init__(self, engine: Engine, function: str, lines: Lines) -> None:
        self._engine = engine
        self._function = function
        self._lines = lines
        self._sinks = [sink for sink in engine.sinks if isinstance(sink, CountedSink)]
        self._accepted = 0  # as told before
        self._attempts: Counter[tuple[str, str]] = Counter()
        self._buried = 0

    async def __call__(self, event: Any, left_s: float) -> dict[str, Any]:
        read_nudges(event)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(left_s - END_S):
                    await self._engine.relay()
        finally:
            await self._tell_figures()
        return {"batchItemFailures": []}

    async def _tell_figures(self) -> None:
        console = self._engine.console
        accepted, attempts = self._counted()
        facts = emf.Facts(
            counts=await console.counts(),
            accounts=await console.accounts(),
            accepted=accepted,
            attempts=attempts,
            dead_letters=self._newly_buried(),
            sink_lags={sink.name: sink.lag_s for sink in self._sinks},
        )
        for line in emf.lines(facts, self._function, self._engine.ports.clock.now()):
            self._lines.write(line)

    def _counted(self) -> tuple[int | None, Mapping[tuple[str, str], int]]:
        """Since they were told last. Every sink takes all events, so one of them is asked."""
        if not self._sinks:
            return None, {}
        sink = self._sinks[0]
        accepted, attempts = sink.accepted - self._accepted, sink.attempts - self._attempts
        self._accepted, self._attempts = sink.accepted, sink.attempts.copy()
        return accepted, attempts

    def _newly_buried(self) -> int | None:
        """Events that no sink will get any more, since that was told last."""
        if not self._sinks:
            return None
        before, self._buried = self._buried, sum(sink.buried for sink in self._sinks)
        return self._buried - before
