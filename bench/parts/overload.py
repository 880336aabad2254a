"""More than it can do: an open loop at the peak, and at three times that."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from operator import attrgetter
from pathlib import Path

import measures
from figures import median
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


@dataclass
class Pair:
    """One round: the peak as it was then, and what became of it at each rate."""

    peak: float  # mails a second
    results: dict[int, Result]  # by the multiple of the peak


def run(folder: Path, scale: Scale) -> Told:
    told = Told()
    seconds = 2 * scale.seconds
    with stub(scale.answer_s) as (port,), Server(folder, port).up() as server:
        rounds = []
        for number_ in range(1, scale.rounds + 1):
            print(f"overload: round {number_} of {scale.rounds}", flush=True)
            rounds.append(_round(server, seconds))
        memory_mb = server.memory_mb("VmHWM")
    _tell(told, rounds, seconds, memory_mb)
    told.tables.append(Table("Open loop", _COLUMNS, [_row(times, rounds, seconds) for times in TIMES]))
    told.how = (
        f"{scale.rounds} rounds, medians. Requests come at a constant rate for {seconds:.0f} s over at most {AT_ONCE} "
        "connections, on the same cores as the server; the peak is what can be borne for long, hand-over included, "
        "measured anew in each round. Latencies count from the instant at which a request was due, so that what a "
        f"stall holds up is charged. Goodput is what was acknowledged within {GOOD_WITHIN_S:.0f} s of that; other "
        f"figures of latency are of all answers. The provider answers after {1000 * scale.answer_s:.0f} ms, and every "
        "mail that is accepted is also delivered meanwhile."
    )
    return told


def _round(server: Server, seconds: float) -> Pair:
    began = time.perf_counter()
    accepted = load(_closed(server, seconds)).rate * seconds
    _drain(server)
    peak = accepted / (time.perf_counter() - began)
    results = {}
    for times in TIMES:
        results[times] = _open_loop(server, times * peak, seconds)
        _drain(server)
    return Pair(peak, results)


def _closed(server: Server, seconds: float) -> Requests:
    return Requests(
        kind="accept",
        port=server.port,
        token=server.token,
        first=measures.first_number(),
        connections=CONNECTIONS,
        seconds=seconds,
    )


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


def _row(times: int, rounds: Sequence[Pair], seconds: float) -> list[str]:
    results = [one.results[times] for one in rounds]

    def of(read: Callable[[Result], float]) -> float:
        return median([read(result) for result in results])

    rejecting = [result for result in results if result.rejected]
    names = ("rejected_p50_ms", "rejected_p90_ms", "rejected_p99_ms") if rejecting else ()
    quantiles = [median([getattr(result, name) for result in rejecting]) for name in names]
    return [
        f"{times} times",
        number(times * median([one.peak for one in rounds])),
        f"{100 * median([_goodput(one, times, seconds) for one in rounds]):.0f} %",
        f"{number(of(attrgetter('accepted_p50_ms')))} / {number(of(attrgetter('accepted_p99_ms')))}",
        f"{100 * of(lambda result: result.rejected / result.due):.0f} %",
        " / ".join(map(number, quantiles)),
        f"{100 * median([_told_when(result) for result in rejecting]):.0f} %" if rejecting else "",
        f"{100 * of(_unanswered):.1f} %",
        number(of(attrgetter("own_p99_ms"))),
    ]


def _goodput(one: Pair, times: int, seconds: float) -> float:
    return one.results[times].good / seconds / one.peak


def _told_when(result: Result) -> float:
    return result.told_when / result.rejected


def _unanswered(result: Result) -> float:
    return (result.statuses.get("broken", 0) + result.statuses.get("silent", 0)) / result.due


def _tell(told: Told, rounds: Sequence[Pair], seconds: float, memory_mb: float) -> None:
    most = max(TIMES)
    peak = median([one.peak for one in rounds])
    told.add("peak", f"peak: {CONNECTIONS} connections without a pause, until all is handed over", peak, "mails/s")
    goodput = 100 * median([_goodput(one, most, seconds) for one in rounds])
    told.add("goodput", "at three times the peak: goodput, of the peak", goodput, "%")
    told.add("memory", "at three times the peak: memory, at most", memory_mb, "MB")
    rejecting = [one.results[most] for one in rounds if one.results[most].rejected]
    if not rejecting:
        told.missing["rejection_p99"] = told.missing["retry_after"] = "nothing was rejected"
        return
    rejection_ms = median([result.rejected_p99_ms for result in rejecting])
    told.add("rejection_p99", "at three times the peak: a rejection, p99", rejection_ms, "ms")
    share = 100 * median([_told_when(result) for result in rejecting])
    told.add("retry_after", "at three times the peak: rejections with Retry-After", share, "%")
