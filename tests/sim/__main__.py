"""The long programme: many seeds on all cores. `python -m sim --help`, with `tests` on the path; or `make sim`."""

import argparse
import logging
import multiprocessing
import os
import sys
import time
from collections.abc import Sequence
from functools import partial

import msgspec

from sim.plan import Plan
from sim.scenario import play, run
from sim.shrink import replay, shrunk
from sim.stores import STORES, store_of
from sim.tally import Tally

TOLD_EVERY_S = 30.0
Played = tuple[int, Tally, list[str]]  # the seed, what was seen, and what was broken


def main(words: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(words)
    logging.disable(logging.WARNING)
    if options.plan is not None:
        return _replay(msgspec.json.decode(options.plan, type=Plan), options.store or "memory")
    if options.shrink is not None:
        return _shrink(options.shrink, options.store or store_of(options.shrink), options.mails)
    return _programme(options)


def _programme(options: argparse.Namespace) -> int:
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    one = partial(_one, store=options.store, mails=options.mails, twice=options.doublecheck)
    total, began, told_at, failed = Tally(), time.perf_counter(), time.perf_counter(), list[int]()
    with multiprocessing.Pool(options.jobs) as pool:
        for seed, tally, breaks in pool.imap_unordered(one, seeds, chunksize=4):
            total.join(tally)
            if breaks:
                failed.append(seed)
                _say(f"seed {seed} over {next(iter(tally.runs))}: {len(breaks)} broken, first: {breaks[0]}")
            if options.seconds is not None and time.perf_counter() - began > options.seconds:
                _say("the time is over")
                break
            if time.perf_counter() - told_at > TOLD_EVERY_S:
                told_at = time.perf_counter()
                _say(f"… {sum(total.runs.values()):,} of {len(seeds):,} runs, {total.mails:,} mails")
    _say(*total.lines())
    took_s = time.perf_counter() - began
    _say(f"{took_s:,.1f} s on {options.jobs} processes: {total.mails / took_s:,.0f} mails/s")
    _say("", "seen:", *(f"{count:>12,}  {name}" for name, count in sorted(total.seen.items())))
    if never := total.never():
        _say(f"never seen: {', '.join(never)}")
    if failed:
        _say(f"make it small: python -m sim --shrink {min(failed)}")
    return 1 if failed else 0


def _one(seed: int, *, store: str | None, mails: int | None, twice: bool) -> Played:
    name, tally = store or store_of(seed), Tally()
    with tally.timed():
        report = run(seed, STORES[name], mails)
        breaks = report.breaks
        if twice and run(seed, STORES[name], mails).trace_hash != report.trace_hash:
            breaks = [*breaks, "played twice, it took two ways"]
    tally.add(name, report)
    return seed, tally, breaks


def _replay(plan: Plan, store: str) -> int:
    report = play(plan, STORES[store])
    _say(f"trace {report.trace_hash}, {len(report.breaks)} promises broken", *report.breaks[:20])
    return 1 if report.breaks else 0


def _shrink(seed: int, store: str, mails: int | None) -> int:
    small = shrunk(seed, STORES[store], mails)
    if small is None:
        _say(f"seed {seed} breaks no promise over {store}")
        return 0
    _say(f"{small.words}", msgspec.json.format(msgspec.json.encode(small.plan)).decode(), "", replay(small.plan, store))
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sim", description=__doc__)
    parser.add_argument("--seeds", type=int, default=200, help="how many seeds are played")
    parser.add_argument("--first-seed", type=int, default=1000, help="the first of them")
    parser.add_argument("--mails", type=int, help="of each run; default: the seed tells")
    parser.add_argument(
        "--store", choices=STORES, help="default: a tenth over sqlite, one over dynamodb, the others over memory"
    )
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes; default: one a core")
    parser.add_argument("--seconds", type=float, help="stop after so long, with the figures of what was played")
    parser.add_argument("--doublecheck", action="store_true", help="play each seed twice and compare the traces")
    parser.add_argument("--shrink", type=int, metavar="SEED", help="make a failing seed as small as it gets")
    parser.add_argument("--plan", help="play one plan, as the shrinker prints it")
    return parser


def _say(*lines: str) -> None:
    for line in lines:
        sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
