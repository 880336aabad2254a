"""What is measured: each function takes one sample."""

import json
import os
import statistics
import time
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from accounting import cpu_s
from load import Spec
from processes import Bare, Server, ask, load

CONNECTIONS = 64
LOOPS = 20
STEPS = 200_000
SETTLE_S = 1.0
DRAIN_S = 120.0
PAGE = b"\0" * 4096  # of SQLite's log
_numbers = count(1, 10_000_000)


def first_number() -> int:
    """From which on a load may number its mails."""
    return next(_numbers)


def _mails(kind: str, server: Server, connections: int = CONNECTIONS, number: int = 0, seconds: float = 0.0) -> Spec:
    return Spec(
        kind=kind,
        port=server.port,
        token=server.token,
        first=first_number(),
        connections=connections,
        count=number,
        seconds=seconds,
    )


def loops_s() -> list[float]:
    """How long the same loop takes, time and again: always the same, if nobody else uses the machine."""
    return [_loop_s() for _ in range(LOOPS)]


def _loop_s() -> float:
    began = time.process_time()
    for _ in range(STEPS):
        pass
    return time.process_time() - began


@dataclass
class Answered:
    rate: float
    cpu_s: float  # of 1,000 requests


def answered(endpoint: Bare, seconds: float) -> Answered:
    """The same requests, to the server that does nothing with them."""
    spent_s = cpu_s(endpoint.pid)
    result = load(Spec(kind="accept", port=endpoint.port, first=1, connections=CONNECTIONS, seconds=seconds))
    return Answered(result.rate, 1000 * (cpu_s(endpoint.pid) - spent_s) / result.accepted)


@dataclass
class Accepted:
    rate: float
    cpu_s: float  # of 1,000 mails
    p50_ms: float
    p99_ms: float


def accepted(server: Server, seconds: float, kind: str = "later") -> Accepted:
    """Mail that is to be sent in a month: durable, and nothing else happens to it."""
    spent_s = cpu_s(server.pid)
    result = load(_mails(kind, server, seconds=seconds))
    spent_s = cpu_s(server.pid) - spent_s
    return Accepted(result.rate, 1000 * spent_s / result.accepted, result.p50_ms, result.p99_ms)


@dataclass
class HandedOver:
    accept_rate: float
    rate: float
    cpu_s: float  # of 1,000 mails


def handed_over(server: Server, stub_port: int, number: int, kind: str = "accept") -> HandedOver:
    """Mail that is to be sent now, from the first request to the last stored outcome."""
    sent, spent_s, (taken, different) = server.counts()["sent"], cpu_s(server.pid), books(stub_port)
    result = load(_mails(kind, server, number=number))
    ended = server.until_sent(sent + result.accepted, DRAIN_S)
    spent_s = cpu_s(server.pid) - spent_s
    handed = books(stub_port)
    if handed != (taken + result.accepted, different + result.accepted):
        raise RuntimeError(f"{result.accepted} were accepted, the provider was given {handed} after {taken, different}")
    return HandedOver(result.rate, result.accepted / (ended - result.started_at), 1000 * spent_s / result.accepted)


@dataclass
class Added:
    direct_ms: float
    sync_ms: float
    flush_ms: float

    @property
    def ms(self) -> float:
        return self.sync_ms - self.direct_ms


def added(server: Server, stub_port: int, number: int) -> Added:
    """Medians of one caller's requests, one after the other: to the provider itself, and through Everpost."""
    direct = load(Spec(kind="direct", port=stub_port, first=1, count=number))
    sync = load(_mails("sync", server, connections=1, number=number))
    return Added(direct.p50_ms, sync.p50_ms, flush_ms(server.folder, number))


def flush_ms(folder: Path, number: int) -> float:
    """The median time of what a commit waits for: a page of a file that is there already, written and flushed."""
    path = folder / "flushed"
    path.write_bytes(PAGE * 256)
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
        return 1000 * statistics.median(_flush_s(descriptor, place % 256) for place in range(number))
    finally:
        os.close(descriptor)


def _flush_s(descriptor: int, place: int) -> float:
    began = time.perf_counter()
    os.pwrite(descriptor, PAGE, place * len(PAGE))
    os.fdatasync(descriptor)
    return time.perf_counter() - began


def idle_mb(server: Server) -> float:
    time.sleep(SETTLE_S)
    return server.memory_mb()


def one_for_later(server: Server) -> None:
    load(_mails("later", server, connections=1, number=1))


def books(stub_port: int) -> tuple[int, int]:
    told = json.loads(ask(stub_port, "/count").partition(b"\r\n\r\n")[2])
    return told["taken"], told["different"]
