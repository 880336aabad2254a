"""limits.md: every bound of the system, from model/limits.py and its comments."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pages import markdown

from everpost.model import limits

_BOUND: Final = re.compile(r"([A-Z_]+): Final = [^#]*(?:# (.*))?")
_DAY_S: Final = 86_400


def page() -> str:
    return markdown.page(
        "Limits",
        "What one of these bounds refuses is told with its value. They are constants of the code (`model/limits.py`), "
        "not settings: each of them protects everybody else's mail.",
        *_sections(),
    )


def _sections() -> Iterator[str]:
    source = Path(limits.__file__).read_text().splitlines()
    title, rows = "", []
    for line in [*source, "# "]:
        if line.startswith("# "):
            yield _section(title, rows)
            title, rows = line.removeprefix("# "), []
        elif bound := _BOUND.fullmatch(line):
            rows.append((bound[1], bound[2] or ""))


def _section(title: str, rows: list[tuple[str, str]]) -> str:
    if not rows:
        return ""
    cells = [(markdown.code(name), told(name), markdown.sentence(comment)) for name, comment in rows]
    return f"## {title}\n\n" + markdown.table(("bound", "value", "what it is"), cells)


def told(name: str) -> str:
    value = getattr(limits, name)
    if "BYTES" in name:
        return size(value)
    if name.endswith("_S_MAX") and value >= _DAY_S:
        return f"{value // _DAY_S:,} days"
    return f"{value:,} s" if name.endswith("_S_MAX") else f"{value:,}"


def size(count: int) -> str:
    """Bytes in the largest unit that leaves no rest."""
    for unit, factor in (("MiB", 1024 * 1024), ("KiB", 1024)):
        if count % factor == 0:
            return f"{count // factor:,} {unit}"
    return f"{count:,} bytes"
