"""docs/benchmarks.md and its plots, from what is kept: `python bench/run.py --page`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import fill
from typing import Any

import goals
from plot import Chart, svg
from results import number

DOCS = Path(__file__).parent.parent / "docs"
NOTE = "<!-- Made by `make bench` from benchmarks/results.json: change bench/page.py, not this page. -->\n"
OURS = "Everpost"
COLUMNS = 120

INTRODUCTION = """\
# Benchmarks

`make bench` measures Everpost alone and beside its peers, on SQLite, in some ten minutes; `make bench QUICK=1` measures
Everpost alone in under a minute, less exactly. `make bench PARTS=peers,faults` measures these parts only, `STORED=N`
says how many mails the grown store holds (ten million take 19 GB and some minutes more), and `make bench PAGE=1` writes
this page anew from what was measured last.

Server, peers, provider and load are processes of their own on one machine. Rounds are interleaved, so that whatever
else the machine does hits all of them; what is told are medians over the rounds. **Absolute figures are the machine's;
ratios within one run are Everpost's.** On a machine that others use as well, a system of many processes gets a larger
share of the cores than one of a single process, so that rates flatter it, and what ought to take a millisecond takes
as long as it takes to be given a core. The CPU time of a mail stays comparable; "on a busy machine" marks all else.

The peers are installed below `bench/out` with the versions that `bench/peers/requirements.txt` and
`bench/peers/node/package.json` name; Postfix is the system's. Whatever can't be installed is left out, and the tables
say so. Each run leaves its figures in `bench/out`; the newest ones of each part, quick runs aside, are in
[results.json](benchmarks/results.json).
"""

SECTIONS = (
    ("peers", "Beside its peers"),
    ("faults", "When things fail"),
    ("overload", "More than it can do"),
    ("growth", "As the store grows"),
    ("several", "Over PostgreSQL"),
    ("alone", "Everpost alone"),
    ("doors", "By the doors of providers"),
    ("start", "Until it runs"),
    ("coldstart", "Until a function runs"),
)

WORDS = """\
## What the words mean

- **Bare endpoint**: a usual server (uvicorn on uvloop, Starlette's router) that reads the same POST and answers it with
  a constant. Everpost is opened by uvicorn, too, but reads and routes requests itself.
- **Durable accept**: `POST /v1/emails`, a mail of 2 KB with an Idempotency-Key, 64 connections, for later; the
  acknowledgement comes after the commit is on the disk. Postfix's is mail that it puts on hold, so that nothing is
  delivered meanwhile either.
- **End to end**: from the first request to the last mail at the provider and, with Everpost, its outcome on the disk.
- **Added to a synchronous send**: what one caller waits beyond a direct call of a provider that answers at once, one
  mail after the other. Everpost's is durable (two commits); the handlers and the proxy keep nothing, so that it is the
  price of not losing mail. A flush is one `fdatasync` of one page of the same disk.
- **A loop of ours, median over best**: how disturbed the machine was; 1 is not at all.

## Where the time goes, and what the limits are

One process uses one core, and a part of a second one for the commit. The commits of a mail are shared by all that wait
for one, so the rate grows with the number of connections. Samples of a server that accepts as fast as it can (py-spy,
64 connections): two thirds of the CPU time are the event loop's thread, one third is the writer's. Of the loop's part,
a third is reading requests from sockets and writing answers to them, a tenth reading and checking the mail, a tenth the
line of the log, the rest admission, the key, routing and the loop itself; of the writer's, half is SQLite.

- **Durable accept against a bare endpoint.** A bare endpoint reads a request and answers with a constant in 0.03 to
  0.04 ms of CPU time. Half of its rate would leave as much again for a key, a checked mail, a decision, a log line and
  rows in five tables. They take 0.2 to 0.3 ms; no part of them is large enough to bring that to a fifth. What is left
  is a second process, which a machine of two cores has no room for beside load and provider.
- **Durable accept against Postfix.** Postfix uses both cores, and Everpost's process one and a half. Of CPU time
  Postfix takes four times as much, from the request to the provider.
- **A synchronous send** waits for two commits, so it can't cost less than two flushes of the disk; a thirtieth of what
  a proxy adds that keeps nothing is less than one flush. What it adds beyond them is a request read and answered, a
  request written and its answer read, and two transactions of SQLite.
- **Refusals** are written within the turn of the event loop in which the request's head is read. On two cores that
  the load, the provider, the loop and the writer share, the slowest of a hundred waits for its core longer than for its
  turn.

A goal that is not met is a goal: the figures above say how far it is.
"""


def write(parts: Mapping[str, Any], docs: Path = DOCS) -> None:
    plots = docs / "benchmarks"
    plots.mkdir(parents=True, exist_ok=True)
    for name, chart in charts(parts).items():
        (plots / f"{name}.svg").write_text(svg(chart))
    (docs / "benchmarks.md").write_text(page(parts))


def page(parts: Mapping[str, Any]) -> str:
    sections = [INTRODUCTION, _goals(parts)]
    sections += [_section(name, title, parts[name], charts(parts)) for name, title in SECTIONS if name in parts]
    return NOTE + "\n" + "\n".join([*sections, WORDS])


def charts(parts: Mapping[str, Any]) -> dict[str, Chart]:
    """By the name of the file."""
    found = {}
    rates, faults = parts.get("peers", {}).get("plots", {}), parts.get("faults", {}).get("plots", {})
    if rates:
        at = _at(parts["peers"])
        found["peers-rate"] = Chart("Mails a second, from request to provider", at, rates["rate"], OURS)
        found["peers-cpu"] = Chart("CPU seconds of 1,000 mails (less is better)", at, rates["cpu"], OURS, 2)
    if faults:
        at = _at(parts["faults"])
        found["faults-twice"] = Chart("Mails sent twice, all faults together", at, faults["twice"], OURS)
        found["faults-lost"] = Chart("Acknowledged mails lost, all faults together", at, faults["lost"], OURS)
    return found


def _goals(parts: Mapping[str, Any]) -> str:
    rows = [[each.goal.what, each.measured, each.goal.words, each.verdict] for each in goals.judged(parts)]
    return "## Goals\n\n" + markdown(["what", "measured", "goal", ""], rows)


def _section(name: str, title: str, part: Mapping[str, Any], plots: Mapping[str, Chart]) -> str:
    lines = [f"## {title}", "", _wrapped(_circumstances(part)), "", _wrapped(part["how"]), ""]
    for plot, chart in plots.items():
        if plot.startswith(f"{name}-"):
            lines += [f"![{chart.title}](benchmarks/{plot}.svg)", ""]
    for table in part["tables"]:
        lines += [f"### {table['title']}", "", markdown(table["columns"], table["rows"])]
        lines += [table["note"], ""] if table["note"] else []
    rows = [[each["what"], f"{number(each['value'])} {each['unit']}"] for each in part["values"]]
    lines += [markdown(["what", "measured"], rows)]
    lines += [f"- Not measured: {what}: {reason}." for what, reason in part["missing"].items()]
    return "\n".join(lines).rstrip("\n") + "\n"


def _circumstances(part: Mapping[str, Any]) -> str:
    around = part["around"]
    return (
        f"Measured on {_at(part)}, Python {around['python']}, in {around['took_s']:.0f} s. In the minute before the "
        f"bench began, {around['load_before']:.1f} processes wanted a core; at the end {around['load_after']:.1f}, its "
        "own among them."
    )


def _wrapped(text: str) -> str:
    return fill(text, COLUMNS, break_long_words=False, break_on_hyphens=False)


def _at(part: Mapping[str, Any]) -> str:
    around = part["around"]
    return f"{around['at'][:10]}, {around['cores']} cores ({around['processor']})"


def markdown(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Figures stand at the right, except in the first column."""
    lines = [_line(columns), "|---|" + "---:|" * (len(columns) - 1), *map(_line, rows)]
    return "\n".join(lines) + "\n"


def plain(table: Mapping[str, Any]) -> str:
    """For the terminal."""
    rows = [table["columns"], *table["rows"]]
    widths = [max(len(row[column]) for row in rows) for column in range(len(table["columns"]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join(["", table["title"], *lines])


def _line(cells: Sequence[str]) -> str:
    return "|" + "".join(f" {cell.strip()} |" if cell else " |" for cell in cells)
