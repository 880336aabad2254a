"""Counters and histograms of all processes at one port: whoever scrapes it can't choose which of them answers.

Each process keeps its values in files of prometheus-client's multiprocess mode, which is on where the variable SHARED
names their folder before the library is imported. Files of a process that has died stay, so that no sum ever shrinks.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.multiprocess import MultiProcessCollector

SHARED: Final = "PROMETHEUS_MULTIPROC_DIR"
FILES: Final = ("counter_*.db", "histogram_*.db")


class Together:
    """A registry whose counters and histograms are those of all processes. Gauges are its own: those of the store are
    the same everywhere."""

    def __init__(self, own: CollectorRegistry, folder: Path) -> None:
        self._own = own
        self._folder = folder

    def collect(self) -> Iterator[Metric]:
        files = [str(path) for pattern in FILES for path in self._folder.glob(pattern)]
        merged = {family.name: family for family in MultiProcessCollector.merge(files)}
        for family in self._own.collect():
            if family.name in merged:
                family.samples = merged[family.name].samples
            yield family
