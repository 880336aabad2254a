"""Bugs that the product survives: what a loop caught at its top breaks a run as much as a promise that was not kept.

All that the simulator makes fail is an expected failure, for which the product has an answer. So whatever ends in
`except Exception` is a bug, of the product or of the simulator.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from sim.world import World

LOGGER = logging.getLogger("everpost")


class _Ear(logging.Handler):
    def __init__(self, world: World) -> None:
        super().__init__(logging.ERROR)
        self._world = world

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and record.exc_info[1] is not None:
            self._world.breaks.append(f"a bug was caught: {record.getMessage()}: {record.exc_info[1]!r}")


@contextmanager
def told_of_bugs(world: World) -> Iterator[None]:
    ear, propagated = _Ear(world), LOGGER.propagate
    LOGGER.addHandler(ear)
    LOGGER.propagate = False
    try:
        yield
    finally:
        LOGGER.propagate = propagated
        LOGGER.removeHandler(ear)
