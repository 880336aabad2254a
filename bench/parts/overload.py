"""More than it can do: an open loop at the peak, and at three times that."""

import json
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

import measures
from load import Spec as Requests
from open_loop import Result, Spec
from processes import HERE, Server, load, stub
from results import Table, Told, number
from scale import Scale

CONNECTIONS = 64  # of the closed loop that finds the peak; fewer than are worked on at once
AT_ONCE = 1024  # of the open loop, at most
TIMES = (1, 3)
GOOD_WITHIN_S = 1.0
DRAINED_WITHIN_S = 120.0
LOOK_EVERY_S = 0.1
_FINAL = ("", "sent", "failed", "cancelled", "held")


def run(folder: Path, scale: Scale) -> Told:
    told = Told()
    seconds = 2 * scale.seconds
    rows = []
    with stub(scale.answer_s) as (port,), Server(folder, port).up() as server:
        closed = Requests(
            kind="accept",
            port=server.port,
            token=server.token,
            first=measures.first_number(),
            connections=CONNECTIONS,
            seconds=seconds,
        )
        began = time.perf_counter()
        accepted = load(closed).rate * seconds
        _drain(server)
        peak = accepted / (time.perf_counter() - began)
        told.add("peak", f"peak: {CONNECTIONS} connections without a pause, until all is handed over", peak, "mails/s")
        for times in TIMES:
            _drain(server)
            result = _open_loop(server, times * peak, seconds)
            memory_mb = server.memory_mb("VmHWM")
            rows.append(_row(times, peak, seconds, result, memory_mb))
        _tell(told, result, peak, seconds, memory_mb)
    told.tables.append(Table("Open loop", _COLUMNS, rows))
    told.how = (
        f"Requests come at a constant rate for {seconds:.0f} s over at most {AT_ONCE} connections, on the same cores "
        "as the server; the peak is what can be borne for long, hand-over included. "
        "Latencies count from the instant at which a request was due, so that what a stall holds up is "
        f"charged. Goodput is what was acknowledged within {GOOD_WITHIN_S:.0f} s of that; other figures of latency are "
        "of all answers. The provider answers after "
        f"{1000 * scale.answer_s:.0f} ms, and every mail that is accepted is also delivered meanwhile."
    )
    return told


_COLUMNS = [
    "rate, of the peak",
    "requests/s",
    "goodput, of the peak",
    "acknowledged p50 / p99 ms",
    "rejected",
    "rejected p50 / p90 / p99 ms",
    "with Retry-After",
    "no answer",
    "loop's own lateness p99 ms",
    "memory MB, at most",
]


def _open_loop(server: Server, rate: float, seconds: float) -> Result:
    spec = Spec(
        kind="accept",
        port=server.port,
        token=server.token,
        first=measures.first_number(),
        rate=rate,
        seconds=seconds,
        connections=AT_ONCE,
        good_within_s=GOOD_WITHIN_S,
    )
    command = [sys.executable, HERE / "open_loop.py", json.dumps(asdict(spec))]
    return Result(**json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout))


def _drain(server: Server) -> None:
    """What was accepted is handed over first."""
    until = time.monotonic() + DRAINED_WITHIN_S
    while time.monotonic() < until:
        if not sum(count for state, count in server.counts().items() if state not in _FINAL):
            return
        time.sleep(LOOK_EVERY_S)
    raise TimeoutError(f"not all handed over within {DRAINED_WITHIN_S} s: {server.counts()}")


def _row(times: int, peak: float, seconds: float, result: Result, memory_mb: float) -> list[str]:
    lost = result.statuses.get("broken", 0) + result.statuses.get("silent", 0)
    times_ms = (result.rejected_p50_ms, result.rejected_p90_ms, result.rejected_p99_ms)
    rejections = " / ".join(map(number, times_ms)) if result.rejected else ""
    return [
        f"{times} times",
        number(times * peak),
        f"{100 * result.good / seconds / peak:.0f} %",
        f"{number(result.accepted_p50_ms)} / {number(result.accepted_p99_ms)}",
        f"{100 * result.rejected / result.due:.0f} %",
        rejections,
        f"{100 * result.told_when / result.rejected:.0f} %" if result.rejected else "",
        f"{100 * lost / result.due:.1f} %",
        number(result.own_p99_ms),
        number(memory_mb),
    ]


def _tell(told: Told, result: Result, peak: float, seconds: float, memory_mb: float) -> None:
    told.add("goodput", "at three times the peak: goodput, of the peak", 100 * result.good / seconds / peak, "%")
    told.add("memory", "at three times the peak: memory, at most", memory_mb, "MB")
    if not result.rejected:
        told.missing["rejection_p99"] = told.missing["retry_after"] = "nothing was rejected"
        return
    told.add("rejection_p99", "at three times the peak: a rejection, p99", result.rejected_p99_ms, "ms")
    share = 100 * result.told_when / result.rejected
    told.add("retry_after", "at three times the peak: rejections with Retry-After", share, "%")
