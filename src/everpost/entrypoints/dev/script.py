"""What the first provider does while mail is sent through it, part by part."""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from everpost.sandbox.faults import FaultKind, FaultPlan


class Part(Struct, frozen=True):
    title: str
    fault: FaultPlan | None = None
    length: float = 1.0  # beside the others


WORKS: Final = Part("works")
REFUSES: Final = Part("refuses connections", FaultPlan(kind=FaultKind.REFUSE), 1.5)
ANSWERS_500: Final = Part("answers 500", FaultPlan(kind=FaultKind.STATUS, status=500), 1.5)
HANGS: Final = Part("takes it, never answers", FaultPlan(kind=FaultKind.ACCEPT_HANG), 1.5)
LOSES_ANSWERS: Final = Part("takes it, drops the connection", FaultPlan(kind=FaultKind.ACCEPT_RESET))
WORKS_AGAIN: Final = Part("works again", length=1.5)

DRILL: Final[Sequence[Part]] = (WORKS, REFUSES, WORKS_AGAIN, HANGS, WORKS_AGAIN, LOSES_ANSWERS, WORKS_AGAIN)
"""An outage of each kind, with room to recover in between."""


def length_s(part_s: float) -> float:
    """Of the whole drill, if a usual part takes that long."""
    return part_s * sum(part.length for part in DRILL)
