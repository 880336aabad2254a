"""Bounds of Everpost, set so low that what is rare elsewhere happens all the time."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any, Final
from unittest.mock import patch

from everpost.engine import accept, deliver, hand, relay, resolve

NO_TIME: Final = "an accept in no time"
EXTREMES: Final[Mapping[str, Sequence[tuple[ModuleType, str, Any]]]] = {
    "claims of one": ((deliver, "CLAIM_MAX", 1), (hand, "CLAIM_MAX", 1)),
    "a hand for three": ((deliver, "ACTIVE_MAX", 3),),
    "nobody waits in hand": ((deliver, "WAITING_MAX", 0),),
    "a short lease": ((deliver, "CLAIM_LEASE_S", 3.5),),
    "one question at once": ((resolve, "RESOLVING_MAX", 1),),
    "seven events at once": ((relay, "RELAY_BATCH_MAX", 7),),
    NO_TIME: ((accept, "ACCEPT_S", 0.02),),
}


@contextmanager
def applied(names: Sequence[str]) -> Iterator[None]:
    patches = [patch.object(module, word, value) for name in names for module, word, value in EXTREMES[name]]
    for one in patches:
        one.start()
    try:
        yield
    finally:
        for one in patches:
            one.stop()
