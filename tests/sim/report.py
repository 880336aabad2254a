"""What one run has come to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from everpost.model.event import Recorded
from everpost.model.message import OnUnknown
from everpost.store.port import Counts, Stored


@dataclass
class Report:
    seed: int
    on_unknown: OnUnknown = OnUnknown.HOLD
    resolve_within_s: float = 0.0
    is_askable: bool = True  # in the end every provider can be asked, long before anybody gives up
    acknowledged: dict[str, str] = field(default_factory=dict)  # idempotency key -> message id
    cancelled: set[str] = field(default_factory=set)
    stored: dict[str, Stored] = field(default_factory=dict)  # every message that there is, acknowledged or not
    events: list[Recorded] = field(default_factory=list)
    relayed: Sequence[Mapping[str, Any]] = ()  # what the sink was given
    counts: Counts | None = None
    seen: dict[str, int] = field(default_factory=dict)
    trace_hash: str = ""
    is_late: bool = False  # leases of wrong clocks had to be waited for
    calm_s: float = 0.0  # from the end of all trouble to the last mail's end
    lasted_s: float = 0.0  # simulated
    breaks: list[str] = field(default_factory=list)  # promises that were not kept, in words
