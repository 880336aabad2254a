"""What one run has come to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from everpost.model.event import Recorded
from everpost.store.port import Counts, Stored
from sim.plan import Plan

if TYPE_CHECKING:
    from sim.hooks import Hooks


@dataclass
class Report:
    plan: Plan
    acknowledged: dict[str, str] = field(default_factory=dict)  # mail -> message id
    refused: set[str] = field(default_factory=set)  # mails that were refused for good, and never acknowledged
    cancelled: set[str] = field(default_factory=set)
    stored: dict[str, Stored] = field(default_factory=dict)  # every message that there is, acknowledged or not
    events: list[Recorded] = field(default_factory=list)
    relayed: Sequence[Mapping[str, Any]] = ()  # what the sink was given
    counts: Counts | None = None
    hooks: "Hooks | None" = None
    seen: dict[str, int] = field(default_factory=dict)
    attempts: int = 0
    steps: int = 0  # that nodes took: points at which they could have died
    calls: int = 0  # callbacks that the event loop ran
    trace_hash: str = ""
    is_late: bool = False  # leases of wrong clocks had to be waited for
    calm_s: float = 0.0  # from the end of all trouble to the last mail's end
    lasted_s: float = 0.0  # simulated
    breaks: list[str] = field(default_factory=list)  # promises that were not kept, in words
