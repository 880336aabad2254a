"""Measures Everpost's speed as ratios within one run, alone and beside its peers: `python bench/run.py [--quick]`.

Server, provider, peers and load are processes of their own on this machine. Rounds are interleaved, so that whatever
else the machine does hits all of them; what is reported are medians over the rounds. A part that breaks does not stop
the others.
"""

import argparse
import contextlib
import importlib
import json
import os
import shutil
import signal
import sys
import tempfile
import traceback
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any

import accounting
import goals
import page
import results
from scale import Scale, scale

PARTS = {
    "alone": "parts.alone",
    "doors": "parts.doors",
    "peers": "parts.comparison",
    "faults": "parts.faults",
    "overload": "parts.overload",
    "growth": "parts.growth",
    "several": "parts.several",
    "start": "parts.start",
    "coldstart": "parts.coldstart",
}
QUICK_PARTS = ["alone"]


def main() -> int:
    args = _arguments()
    if args.page:
        page.write(json.loads(results.KEPT.read_text()))
        return 0
    chosen = scale(quick=args.quick, stored=args.stored, rounds=args.rounds)
    names = args.parts or (QUICK_PARTS if args.quick else list(PARTS))
    load = os.getloadavg()[0]
    if load > (os.cpu_count() or 1):
        print(f"the machine is busy: {load:.1f} processes want a core", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="everpost-bench-") as folder:
        Path(folder).chmod(0o755)  # Postfix's own user looks into a part of it
        _stop_all_when_stopped(folder)
        told = {name: measure(name, Path(folder) / name, chosen, load) for name in names}
    found = {name: part for name, part in told.items() if part is not None}
    path = results.write(found)
    print(f"kept as {path.relative_to(results.OUT.parent.parent)}")
    if not args.quick:
        page.write(results.merge(found))
    return 0 if len(found) == len(names) else 1


def measure(name: str, folder: Path, chosen: Scale, load: float) -> dict[str, Any] | None:
    """What a part has told; None if it broke."""
    began = datetime.now(UTC)
    print(f"--- {name}", file=sys.stderr, flush=True)
    try:
        folder.mkdir()
        told = importlib.import_module(PARTS[name]).run(folder, chosen)
    except Exception:  # noqa: BLE001 - the other parts are still to come
        traceback.print_exc()
        print(f"{name} broke, see above", file=sys.stderr)
        return None
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    kept = results.kept(told, results.circumstances(began, load, quick=chosen.quick))
    tell(name, kept)
    return kept


def _stop_all_when_stopped(folder: str) -> None:
    """Whoever stops the bench stops all that it has started; threads that wait for a process are not waited for."""

    def stop(number: int, _frame: FrameType | None) -> None:
        for pid in accounting.tree(os.getpid())[1:]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        shutil.rmtree(folder, ignore_errors=True)
        os._exit(128 + number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)


def tell(name: str, kept: dict[str, Any]) -> None:
    judged = {goal.key: goal for goal in goals.GOALS if goal.part == name}
    for value in kept["values"]:
        goal = judged.get(value["key"])
        verdict = "" if goal is None else f"{goal.words:<14} {'met' if goal.is_met(value['value']) else 'MISSED'}"
        line = f"{value['what']:<50}  {results.number(value['value']):>9} {value['unit']:<10}  {verdict}"
        print(line.rstrip())
    for table in kept["tables"]:
        print(page.plain(table))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure speed, as ratios within one run.")
    parser.add_argument("--quick", action="store_true", help="under a minute, without peers, and less exact")
    parser.add_argument("--parts", type=_parts, metavar="A,B", help=f"of: {', '.join(PARTS)} (default: all)")
    parser.add_argument("--stored", type=int, metavar="N", help="mails that the grown store holds")
    parser.add_argument("--rounds", type=int, metavar="N")
    parser.add_argument(
        "--page", action="store_true", help="write docs/benchmarks.md from what is kept, measure nothing"
    )
    return parser.parse_args()


def _parts(text: str) -> list[str]:
    names = text.split(",")
    if unknown := set(names) - set(PARTS):
        raise argparse.ArgumentTypeError(f"no such part: {', '.join(sorted(unknown))}")
    return names


if __name__ == "__main__":
    sys.exit(main())
