"""What the simulator has played, in figures."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sim.report import Report
from sim.sometimes import SOMETIMES, name_of


@dataclass
class Tally:
    runs: Counter[str] = field(default_factory=Counter)  # by store
    mails: int = 0
    attempts: int = 0
    steps: int = 0
    broken: int = 0
    simulated_s: float = 0.0
    cpu_s: float = 0.0
    seen: Counter[str] = field(default_factory=Counter)

    @contextmanager
    def timed(self) -> Iterator[None]:
        began = time.process_time()
        try:
            yield
        finally:
            self.cpu_s += time.process_time() - began

    def add(self, store: str, report: Report) -> None:
        self.runs[store] += 1
        self.mails += len(report.stored)
        self.attempts += report.attempts
        self.steps += report.steps
        self.broken += bool(report.breaks)
        self.simulated_s += report.lasted_s
        for what, count in report.seen.items():
            self.seen[name_of(what)] += count
        self.seen.update(dict.fromkeys(report.plan.extremes, 1))

    def join(self, other: "Tally") -> None:
        self.runs.update(other.runs)
        self.seen.update(other.seen)
        for name in ("mails", "attempts", "steps", "broken", "simulated_s", "cpu_s"):
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def never(self) -> list[str]:
        """What should be seen in a long programme and was not."""
        return [name for name in SOMETIMES if not self.seen[name]]

    def lines(self) -> Iterator[str]:
        runs = ", ".join(f"{count:,} over {store}" for store, count in sorted(self.runs.items()))
        yield f"{sum(self.runs.values()):,} runs ({runs}), {self.broken} broke a promise"
        yield (
            f"{self.mails:,} mails, {self.attempts:,} attempts, {self.steps:,} points at which a node could die, in "
            f"{self.simulated_s / 3600:,.0f} simulated hours"
        )
        yield f"{self.cpu_s:,.1f} s of CPU: {self.mails / max(self.cpu_s, 1e-9):,.0f} mails a second of one core"
