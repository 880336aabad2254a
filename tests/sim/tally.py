"""What the simulator has played, in figures."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sim.report import Report

TOLD = ("crash", "deploy", "freeze", "clock jump", "store refuses", "store forgets")
DAY_S = 86_400.0


@dataclass
class Tally:
    runs: Counter[str] = field(default_factory=Counter)  # by store
    mails: int = 0
    attempts: int = 0
    broken: int = 0
    simulated_s: float = 0.0
    took_s: float = 0.0
    seen: Counter[str] = field(default_factory=Counter)

    @contextmanager
    def timed(self) -> Iterator[None]:
        began = time.perf_counter()
        try:
            yield
        finally:
            self.took_s += time.perf_counter() - began

    def add(self, store: str, report: Report) -> None:
        self.runs[store] += 1
        self.mails += len(report.stored)
        self.attempts += sum(delivery.attempts for one in report.stored.values() for delivery in one.deliveries)
        self.broken += bool(report.breaks)
        self.simulated_s += report.lasted_s
        self.seen.update(report.seen)

    def lines(self) -> Iterator[str]:
        runs = ", ".join(f"{count} over {store}" for store, count in self.runs.items())
        yield f"{sum(self.runs.values())} runs ({runs}), {self.broken} broke a promise"
        yield f"{self.mails:,} mails, {self.attempts:,} attempts in {self.simulated_s / DAY_S:,.1f} simulated days"
        yield ", ".join(f"{self.seen[what]:,} x {what}" for what in TOLD)
        yield f"{self.took_s:,.1f} s: {self.mails / self.took_s:,.0f} mails/s"
