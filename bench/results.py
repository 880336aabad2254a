"""What a part of the bench tells, and where it is kept: bench/out for each run, docs/benchmarks for the page."""

import json
import os
import platform
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

OUT = Path(__file__).parent / "out"
KEPT = Path(__file__).parent.parent / "docs" / "benchmarks" / "results.json"


@dataclass(frozen=True)
class Measured:
    key: str
    what: str
    value: float
    unit: str


@dataclass
class Table:
    title: str
    columns: list[str]
    rows: list[list[str]]
    note: str = ""


@dataclass
class Told:
    """What a part has found."""

    values: list[Measured] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    plots: dict[str, Any] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    """By what could not be measured (a key of a value, or a title): why not."""
    how: str = ""

    def add(self, key: str, what: str, value: float, unit: str) -> None:
        self.values.append(Measured(key, what, value, unit))


@dataclass
class Circumstances:
    """When and where a part was measured."""

    at: str
    took_s: float
    cores: int
    processor: str
    python: str
    load_before: float  # processes that wanted a core in the minute before the bench began
    load_after: float
    quick: bool


def circumstances(began: datetime, load_before: float, *, quick: bool) -> Circumstances:
    now = datetime.now(UTC)
    return Circumstances(
        at=began.isoformat(timespec="seconds"),
        took_s=round((now - began).total_seconds(), 1),
        cores=os.cpu_count() or 0,
        processor=_processor(),
        python=platform.python_version(),
        load_before=round(load_before, 2),
        load_after=round(os.getloadavg()[0], 2),
        quick=quick,
    )


def kept(told: Told, around: Circumstances) -> dict[str, Any]:
    return {"around": asdict(around), **asdict(told)}


def write(parts: Mapping[str, Any]) -> Path:
    """A file of its own for each run."""
    OUT.mkdir(exist_ok=True)
    path = OUT / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json"
    path.write_text(json.dumps(parts, indent=1) + "\n")
    return path


def merge(parts: Mapping[str, Any], into: Path = KEPT) -> dict[str, Any]:
    """The newest of each part, which is what the page tells."""
    whole = (json.loads(into.read_text()) if into.exists() else {}) | parts
    into.parent.mkdir(parents=True, exist_ok=True)
    into.write_text(json.dumps(whole, indent=1, ensure_ascii=False) + "\n")
    return whole


def number(value: float) -> str:
    """Three digits that mean something; all of what was counted."""
    if isinstance(value, int):
        return f"{value:,}"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def spread(values: Iterable[float]) -> str:
    """The least and the most of the rounds."""
    ordered = sorted(values)
    return f"{number(ordered[0])} to {number(ordered[-1])}"


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")
