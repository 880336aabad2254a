"""Makes the instruments of one registry, and knows what each of them tells."""

import re
from collections.abc import Sequence
from typing import Final

from msgspec import Struct
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info

_ENDINGS: Final = {
    "counter": ("_total",),
    "gauge": ("",),
    "info": ("_info",),
    "histogram": ("_bucket", "_sum", "_count"),
}
_UNIT: Final = re.compile(r"_(seconds|bytes)$")


class Instrument(Struct, frozen=True, kw_only=True):
    """What a scraper may know of a figure."""

    name: str  # of its family
    type: str
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()  # upper bounds of a histogram's, without the infinite one

    @property
    def samples(self) -> tuple[str, ...]:
        """The names that stand in an expression."""
        return tuple(self.name + ending for ending in _ENDINGS[self.type])


class Instruments:
    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self.made: list[Instrument] = []

    def counter(self, name: str, help_: str, *labels: str) -> Counter:
        self._note("counter", name, help_, labels)
        return Counter(name, help_, labels, registry=self._registry, unit=_unit(name))

    def gauge(self, name: str, help_: str, *labels: str) -> Gauge:
        self._note("gauge", name, help_, labels)
        return Gauge(name, help_, labels, registry=self._registry, unit=_unit(name))

    def histogram(self, name: str, help_: str, buckets: Sequence[float], *labels: str) -> Histogram:
        self._note("histogram", name, help_, labels, buckets)
        return Histogram(name, help_, labels, registry=self._registry, unit=_unit(name), buckets=buckets)

    def info(self, name: str, help_: str, **about: str) -> None:
        self._note("info", name, help_, tuple(about))
        Info(name, help_, registry=self._registry).info(about)

    def _note(self, type_: str, name: str, help_: str, labels: Sequence[str], buckets: Sequence[float] = ()) -> None:
        made = Instrument(name=name, type=type_, help=help_, labels=tuple(labels), buckets=tuple(buckets))
        self.made.append(made)


def _unit(name: str) -> str:
    found = _UNIT.search(name)
    return found[1] if found else ""
