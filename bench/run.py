"""Measures Everpost's speed as ratios within one run: `python bench/run.py [--quick]`.

Server, provider, bare endpoint and load are processes of their own on this machine. Rounds are interleaved, so that
whatever else the machine does hits all of them; what is reported are medians over the rounds.
"""

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import measures
from processes import Server, bare, stub

OUT = Path(__file__).parent / "out"
ANSWER_S = 0.05


@dataclass(frozen=True)
class Scale:
    rounds: int
    seconds: float  # of a round of requests
    mails: int  # of a round of deliveries
    sequential: int  # requests of a round of latencies
    starts: int
    queued: int


FULL = Scale(rounds=7, seconds=3.0, mails=8000, sequential=300, starts=7, queued=1_000_000)
QUICK = Scale(rounds=3, seconds=1.0, mails=2000, sequential=100, starts=3, queued=100_000)


@dataclass(frozen=True)
class Row:
    what: str
    value: float
    unit: str
    goal: str = ""
    met: bool | None = None


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure speed, as ratios within one run.")
    parser.add_argument("--quick", action="store_true", help="under a minute, and less exact")
    parser.add_argument("--answer", type=float, default=ANSWER_S, metavar="S", help="the provider's answer time")
    args = parser.parse_args()
    scale = QUICK if args.quick else FULL
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="everpost-bench-") as folder:
        rows = [*rates(Path(folder), scale, args.answer), *costs_at_rest(Path(folder), scale)]
    tell(rows)
    keep(rows, args.answer, time.perf_counter() - started)


def rates(folder: Path, scale: Scale, answer_s: float) -> Iterable[Row]:
    bares, accepts, deliveries, latencies, loops = [], [], [], [], []
    with ExitStack() as parts:
        slow, prompt = parts.enter_context(stub(answer_s, 0.0))
        server = parts.enter_context(Server(_new(folder, "busy"), slow).up())
        single = parts.enter_context(Server(_new(folder, "single"), prompt).up())
        endpoint = parts.enter_context(bare())
        idle_mb = measures.idle_mb(server)
        measures.answered(endpoint, scale.seconds / 3)
        measures.handed_over(server, slow, scale.mails // 10)
        for number in range(scale.rounds):
            loops += measures.loops_s()
            bares.append(measures.answered(endpoint, scale.seconds))
            accepts.append(measures.accepted(server, scale.seconds))
            deliveries.append(measures.handed_over(server, slow, scale.mails))
            latencies.append(measures.added(single, prompt, scale.sequential))
            progress(f"round {number + 1} of {scale.rounds}")
        peak_mb = server.memory_mb("VmHWM")
    yield Row("a loop of ours, median over best", median(loops) / min(loops), "times")
    yield from _accept_rows(bares, accepts, deliveries)
    yield from _delivery_rows(bares, accepts, deliveries)
    yield from _latency_rows(latencies)
    yield Row("memory, idle", idle_mb, "MB", "at most 80", idle_mb <= 80)
    yield Row("memory, at most under full load", peak_mb, "MB", "at most 150", peak_mb <= 150)


def _accept_rows(
    bares: list[measures.Answered], accepts: list[measures.Accepted], deliveries: list[measures.HandedOver]
) -> Iterable[Row]:
    share = median(accept.rate / bare.rate for accept, bare in zip(accepts, bares, strict=True))
    busy = median(each.accept_rate / bare.rate for each, bare in zip(deliveries, bares, strict=True))
    yield Row("bare endpoint", median(each.rate for each in bares), "requests/s")
    yield Row("durable accept", median(each.rate for each in accepts), "mails/s")
    yield Row("  of the bare endpoint", 100 * share, "%", "at least 50", share >= 0.5)
    yield Row("  latency at 64 connections, p50", median(each.p50_ms for each in accepts), "ms")
    yield Row("  latency at 64 connections, p99", median(each.p99_ms for each in accepts), "ms")
    yield Row("durable accept while delivering", median(each.accept_rate for each in deliveries), "mails/s")
    yield Row("  of the bare endpoint", 100 * busy, "%")


def _delivery_rows(
    bares: list[measures.Answered], accepts: list[measures.Accepted], deliveries: list[measures.HandedOver]
) -> Iterable[Row]:
    rate, cpu_s = median(each.rate for each in deliveries), median(each.cpu_s for each in deliveries)
    requests = median(each.cpu_s / bare.cpu_s for each, bare in zip(deliveries, bares, strict=True))
    yield Row("accept to stored outcome", rate, "mails/s", "at least 2,000", rate >= 2000)
    yield Row("CPU of 1,000 requests, bare endpoint", median(each.cpu_s for each in bares), "s")
    yield Row("CPU of 1,000 mails, accept", median(each.cpu_s for each in accepts), "s")
    yield Row("CPU of 1,000 mails, accept to outcome", cpu_s, "s", "at most 0.6", cpu_s <= 0.6)
    yield Row("  in requests of the bare endpoint", 1000 * requests, "requests")


def _latency_rows(latencies: list[measures.Added]) -> Iterable[Row]:
    added, flush = median(each.ms for each in latencies), median(each.flush_ms for each in latencies)
    own = median(each.ms - 2 * each.flush_ms for each in latencies)
    yield Row("a direct call of the provider, p50", median(each.direct_ms for each in latencies), "ms")
    yield Row("  added by a synchronous sendEmail", added, "ms")
    yield Row("  a flush of the disk, p50", flush, "ms")
    yield Row("  added beyond two flushes", own, "ms", "at most 0.5", own <= 0.5)


def costs_at_rest(folder: Path, scale: Scale) -> Iterable[Row]:
    with stub(0.0) as (port,):
        server = Server(_new(folder, "queue"), port)
        starts = []
        for number in range(scale.starts):
            with server.up():
                starts.append(server.ready_s)
                if number == 0:
                    idle_mb = measures.idle_mb(server)
                    measures.one_for_later(server)
        ready_s = median(starts)
        yield Row("ready after", ready_s, "s", "at most 0.8", ready_s <= 0.8)
        progress(f"filling a queue of {scale.queued:,} mails")
        measures.fill(server.database, scale.queued)
        with server.up():
            more_mb = measures.idle_mb(server) - idle_mb
            yield Row("ready after, with that queue", server.ready_s, "s")
    yield Row(f"memory, more with {scale.queued:,} queued", more_mb, "MB", "at most 30", more_mb <= 30)


def median(values: Iterable[float]) -> float:
    return statistics.median(values)


def tell(rows: list[Row]) -> None:
    width = max(len(row.what) for row in rows)
    for row in rows:
        verdict = {None: "", True: "met", False: "MISSED"}[row.met]
        value = f"{row.value:,.0f}" if row.value >= 100 else f"{row.value:.2f}"
        print(f"{row.what:<{width}}  {value:>9} {row.unit:<10}  {row.goal:<14}  {verdict}".rstrip())


def keep(rows: list[Row], answer_s: float, took_s: float) -> None:
    now = datetime.now(UTC)
    OUT.mkdir(exist_ok=True)
    told = {
        "at": now.isoformat(timespec="seconds"),
        "arguments": sys.argv[1:],
        "took_s": round(took_s, 1),
        "answer_s": answer_s,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "rows": [vars(row) for row in rows],
    }
    path = OUT / f"{now:%Y%m%dT%H%M%SZ}.json"
    path.write_text(json.dumps(told, indent=1) + "\n")
    print(f"\n{took_s:.0f} s; kept as {path.relative_to(OUT.parent.parent)}")


def progress(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def _new(folder: Path, name: str) -> Path:
    made = folder / name
    made.mkdir(mode=0o700)
    return made


if __name__ == "__main__":
    main()
