"""Everpost alone: accept, delivery, latency, memory, start."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from sys import stderr

import measures
from figures import median, ratio
from filling import fill
from processes import Server, bare, stub
from results import Told
from scale import Scale


def run(folder: Path, scale: Scale) -> Told:
    told = Told()
    rates(told, folder, scale)
    costs_at_rest(told, folder, scale)
    told.how = (
        f"{scale.rounds} interleaved rounds, medians; 64 connections, mails of 2 KB, a provider that answers after "
        f"{1000 * scale.answer_s:.0f} ms. The server is `everpost serve` with its defaults on SQLite, every commit "
        "synced to the disk."
    )
    return told


def rates(told: Told, folder: Path, scale: Scale) -> None:
    bares, accepts, deliveries, latencies, loops = [], [], [], [], []
    with ExitStack() as parts:
        slow, prompt = parts.enter_context(stub(scale.answer_s, 0.0))
        server = parts.enter_context(_server(folder, "busy", slow))
        single = parts.enter_context(_server(folder, "single", prompt))
        endpoint = parts.enter_context(bare())
        told.add("memory_idle", "memory, idle", measures.idle_mb(server), "MB")
        measures.answered(endpoint, scale.seconds / 3)
        measures.handed_over(server, slow, scale.mails // 10)
        for number in range(scale.rounds):
            loops += measures.loops_s()
            bares.append(measures.answered(endpoint, scale.seconds))
            accepts.append(measures.accepted(server, scale.seconds))
            deliveries.append(measures.handed_over(server, slow, scale.mails))
            latencies.append(measures.added(single, prompt, scale.sequential))
            print(f"alone: round {number + 1} of {scale.rounds}", file=stderr, flush=True)
        told.add("memory_full", "memory, at most under full load", server.memory_mb("VmHWM"), "MB")
    told.add("disturbed", "a loop of ours, median over best", median(loops) / min(loops), "times")
    _tell_accept(told, bares, accepts, deliveries)
    _tell_delivery(told, bares, accepts, deliveries)
    _tell_latency(told, latencies)


def _tell_accept(
    told: Told,
    bares: list[measures.Answered],
    accepts: list[measures.Accepted],
    deliveries: list[measures.HandedOver],
) -> None:
    rates_of_bare = [each.rate for each in bares]
    told.add("bare", "bare endpoint", median(rates_of_bare), "requests/s")
    told.add("accept", "durable accept", median(each.rate for each in accepts), "mails/s")
    share = 100 * ratio([each.rate for each in accepts], rates_of_bare)
    told.add("accept_of_bare", "  of the bare endpoint", share, "%")
    told.add("accept_p50", "  latency at 64 connections, p50", median(each.p50_ms for each in accepts), "ms")
    told.add("accept_p99", "  latency at 64 connections, p99", median(each.p99_ms for each in accepts), "ms")
    busy = [each.accept_rate for each in deliveries]
    told.add("accept_busy", "durable accept while delivering", median(busy), "mails/s")
    told.add("accept_busy_of_bare", "  of the bare endpoint", 100 * ratio(busy, rates_of_bare), "%")


def _tell_delivery(
    told: Told,
    bares: list[measures.Answered],
    accepts: list[measures.Accepted],
    deliveries: list[measures.HandedOver],
) -> None:
    bare_s = [each.cpu_s for each in bares]
    delivery_s = [each.cpu_s for each in deliveries]
    told.add("rate", "accept to stored outcome", median(each.rate for each in deliveries), "mails/s")
    told.add("cpu_bare", "CPU of 1,000 requests, bare endpoint", median(bare_s), "s")
    told.add("cpu_accept", "CPU of 1,000 mails, accept", median(each.cpu_s for each in accepts), "s")
    told.add("cpu", "CPU of 1,000 mails, accept to outcome", median(delivery_s), "s")
    requests = 1000 * ratio(delivery_s, bare_s)
    told.add("cpu_in_requests", "  in requests of the bare endpoint", requests, "requests")


def _tell_latency(told: Told, latencies: list[measures.Added]) -> None:
    told.add("direct", "a direct call of the provider, p50", median(each.direct_ms for each in latencies), "ms")
    told.add("added", "  added by a synchronous sendEmail", median(each.ms for each in latencies), "ms")
    told.add("flush", "  a flush of the disk, p50", median(each.flush_ms for each in latencies), "ms")
    own = median(each.ms - 2 * each.flush_ms for each in latencies)
    told.add("added_own", "  added beyond two flushes", own, "ms")


def costs_at_rest(told: Told, folder: Path, scale: Scale) -> None:
    """Memory and start with an empty store, and with a long queue."""
    with stub(0.0) as (port,):
        server = Server(_new(folder, "queue"), port)
        with server.up():
            idle_mb = measures.idle_mb(server)
            measures.one_for_later(server)
        print(f"alone: filling a queue of {scale.queued:,} mails", file=stderr, flush=True)
        fill(server.database, scale.queued)
        with server.up():
            more_mb = measures.idle_mb(server) - idle_mb
            told.add("memory_queued", f"memory, more with {scale.queued:,} queued", more_mb, "MB")
            told.add("ready_queued", "ready after, with that queue", server.ready_s, "s")


@contextmanager
def _server(folder: Path, name: str, provider_port: int) -> Iterator[Server]:
    with Server(_new(folder, name), provider_port).up() as server:
        yield server


def _new(folder: Path, name: str) -> Path:
    made = folder / name
    made.mkdir(mode=0o700)
    return made
