"""Everpost beside what people use instead: the same mails, the same provider, interleaved rounds."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import measures
from figures import median, ratio
from load import BODY_BYTES, Spec
from peers import install, queues
from peers.everpost import Everpost
from peers.handlers import Anymail, Node, Proxy
from peers.peer import APPS, Peer, Setting
from processes import Bare, bare, load, stub
from results import Table, Told, number, spread
from scale import Scale

PEERS: tuple[type[Peer], ...] = (Everpost, Node, Proxy, Anymail, queues.Celery, queues.Postfix, queues.HoldingPostfix)
WAITING = (Everpost, Proxy, Node, Anymail)
CONNECTIONS = 64
WARM_UP = 128
MAILS_MIN, MAILS_MAX = 128, 12_000
SDK_AT_ONCE = 64
SDK_ALONE, SDK_MANY = 24, 1024  # mails of a round
TAKEN_WITHIN_S = 120.0
POLL_S = 0.005


@dataclass
class Handed:
    """A round of one system."""

    acknowledged: float  # a second
    rate: float  # mails a second, from the first request to the last one that the provider has taken
    cpu_s: float  # of 1,000 mails


@dataclass
class Line:
    """What was measured of one system, a value a round."""

    title: str
    about: str
    handed: list[Handed] = field(default_factory=list)
    memory_mb: float = 0.0
    mails: int = WARM_UP

    def rates(self) -> list[float]:
        return [each.rate for each in self.handed]

    def cpus(self) -> list[float]:
        return [each.cpu_s for each in self.handed]


class Comparison:
    def __init__(self, folder: Path, scale: Scale, told: Told) -> None:
        self.folder = folder
        self.scale = scale
        self.told = told
        self.lines: dict[str, Line] = {}
        self.bares: list[float] = []
        self.accepts: dict[str, list[float]] = {"everpost": [], "postfix": []}

    def available(self, kinds: tuple[type[Peer], ...]) -> list[type[Peer]]:
        """Those that can be measured here; why the others can't be is told."""
        found = []
        for kind in kinds:
            try:
                kind.check()
            except install.Unavailable as reason:
                self.told.missing[kind.title] = str(reason)
                print(f"without {kind.title}: {reason}", file=sys.stderr)
            else:
                found.append(kind)
        return found

    def rates(self) -> None:
        with ExitStack() as running:
            slow, mail_server = running.enter_context(stub(self.scale.answer_s, f"smtp:{self.scale.answer_s}"))
            endpoint = running.enter_context(bare())
            up: list[Peer] = []
            for kind in self.available(PEERS):
                setting = _setting(self.folder / kind.name, slow, mail_server)
                with self._without_those_that_break(kind):
                    peer = running.enter_context(kind(setting).up())
                    self._warm_up(peer, slow)
                    up.append(peer)
            for number_ in range(self.scale.rounds):
                self._round(up, endpoint, slow)
                print(f"peers: round {number_ + 1} of {self.scale.rounds}", file=sys.stderr, flush=True)

    def _warm_up(self, peer: Peer, stub_port: int) -> None:
        if isinstance(peer, queues.HoldingPostfix):
            queues.source(peer.port, WARM_UP, CONNECTIONS, BODY_BYTES)
            return
        line = self.lines[peer.name] = Line(peer.title, peer.about)
        handed_over(peer, stub_port, WARM_UP)
        rate = handed_over(peer, stub_port, WARM_UP).rate
        line.mails = int(min(MAILS_MAX, max(MAILS_MIN, rate * self.scale.seconds)))

    def _round(self, up: list[Peer], endpoint: Bare, stub_port: int) -> None:
        self.bares.append(measures.answered(endpoint, self.scale.seconds / 2).rate)
        for peer in up:
            if peer.title not in self.told.missing:
                with self._without_those_that_break(type(peer)):
                    self._measure(peer, stub_port)
        if Proxy in map(type, up):  # they share a virtual environment
            self._sdk("SDK, one by one", 1, SDK_ALONE, stub_port)
            self._sdk(f"SDK, {SDK_AT_ONCE} threads", SDK_AT_ONCE, SDK_MANY, stub_port)

    def _measure(self, peer: Peer, stub_port: int) -> None:
        if isinstance(peer, queues.HoldingPostfix):
            self.accepts["postfix"].append(_held(peer, self.accepts["postfix"], self.scale.seconds))
            return
        line = self.lines[peer.name]
        line.handed.append(handed_over(peer, stub_port, line.mails))
        line.memory_mb = max(line.memory_mb, peer.memory_mb())
        if isinstance(peer, Everpost):
            self.accepts["everpost"].append(measures.accepted(peer.server, self.scale.seconds).rate)

    @contextmanager
    def _without_those_that_break(self, kind: type[Peer]) -> Iterator[None]:
        """A peer that breaks is left out of all tables, and the reason is told; Everpost must not."""
        try:
            yield
        except Exception as error:
            if kind is Everpost:
                raise
            self.told.missing[kind.title] = f"broke: {error!r}"
            print(f"without {kind.title}: {error!r}", file=sys.stderr)
            self.lines.pop(kind.name, None)
            if kind is queues.HoldingPostfix:
                self.accepts["postfix"].clear()

    def _sdk(self, name: str, threads: int, mails: int, stub_port: int) -> None:
        setting = _setting(self.folder / "sdk", stub_port, stub_port)
        command = [
            install.venv() / "python",
            APPS / "sdk_send.py",
            str(measures.first_number()),
            str(mails),
            str(threads),
        ]
        done = subprocess.run(command, check=True, capture_output=True, env={**os.environ, **setting.environment})
        told = json.loads(done.stdout)
        line = self.lines.setdefault(
            name, Line(name, "the provider's own SDK in a Python script, without any failover")
        )
        line.handed.append(Handed(0.0, mails / told["seconds"], 1000 * told["cpu_s"] / mails))

    def latencies(self) -> dict[str, list[float]]:
        """Milliseconds that one caller's request takes beyond a direct call of a provider that answers at once."""
        added: dict[str, list[float]] = {}
        with ExitStack() as running:
            prompt, mail_server = running.enter_context(stub(0.0, "smtp:0.0"))
            up = []
            for kind in self.available(WAITING):
                setting = _setting(self.folder / f"{kind.name}-alone", prompt, mail_server)
                up.append(running.enter_context(kind(setting).up()))
            for peer in up:
                _latency(peer, self.scale.sequential // 3)
            for _ in range(self.scale.rounds):
                direct = load(Spec(kind="direct", port=prompt, first=1, count=self.scale.sequential)).p50_ms
                for peer in up:
                    added.setdefault(peer.name, []).append(_latency(peer, self.scale.sequential) - direct)
        return added


def run(folder: Path, scale: Scale) -> Told:
    told = Told()
    comparison = Comparison(folder, scale, told)
    comparison.rates()
    added = comparison.latencies()
    told.tables.append(_table(comparison, added))
    _tell_values(comparison, added)
    told.plots = _plots(comparison, added)
    told.how = (
        f"{scale.rounds} interleaved rounds, medians; ratios are medians of the ratios within one round. "
        f"{CONNECTIONS} connections (smtp-source: sessions), mails of 2 KB, a provider that answers after "
        f"{1000 * scale.answer_s:.0f} ms; load and provider are on the same cores. CPU time is that of all processes "
        "of a system, as /proc has it, without load and provider; memory is proportional (shared pages count once), "
        "the most after any round."
    )
    return told


def handed_over(peer: Peer, stub_port: int, mails: int) -> Handed:
    """From the first request until the provider has all mails and, with Everpost, until their outcome is stored."""
    before, spent_s = measures.books(stub_port)[0], peer.cpu_s()
    sent = peer.server.counts()["sent"] if isinstance(peer, Everpost) else 0
    began = time.perf_counter()
    if peer.takes_smtp:
        queues.source(peer.port, mails, CONNECTIONS, BODY_BYTES)
        acknowledged_s = time.perf_counter() - began
    else:
        result = load(_spec(peer, peer.kind, connections=CONNECTIONS, mails=mails))
        mails, began, acknowledged_s = result.accepted, result.started_at, result.seconds
    if isinstance(peer, Everpost):
        ended = peer.server.until_sent(sent + mails, TAKEN_WITHIN_S)
    else:
        ended = _until(lambda: measures.books(stub_port)[0] >= before + mails)
    return Handed(mails / acknowledged_s, mails / (ended - began), 1000 * (peer.cpu_s() - spent_s) / mails)


def _until(is_done: Callable[[], bool]) -> float:
    until = time.perf_counter() + TAKEN_WITHIN_S
    while time.perf_counter() < until:
        if is_done():
            return time.perf_counter()
        time.sleep(POLL_S)
    raise TimeoutError(f"the provider was not given all mails within {TAKEN_WITHIN_S} s")


def _held(peer: Peer, before: list[float], seconds: float) -> float:
    """Mails a second that are accepted and put on hold; about as many as the rounds before took that long for."""
    mails = int(max(MAILS_MIN, min(MAILS_MAX, (before[-1] if before else 300) * seconds)))
    began = time.perf_counter()
    queues.source(peer.port, mails, CONNECTIONS, BODY_BYTES)
    return mails / (time.perf_counter() - began)


def _latency(peer: Peer, number_: int) -> float:
    kind = "sync" if isinstance(peer, Everpost) else peer.kind
    return load(_spec(peer, kind, connections=1, mails=number_)).p50_ms


def _spec(peer: Peer, kind: str, *, connections: int, mails: int) -> Spec:
    return Spec(
        kind=kind, port=peer.port, token=peer.token, first=measures.first_number(), connections=connections, count=mails
    )


def _setting(folder: Path, port: int, mail_server: int) -> Setting:
    """One provider under two names."""
    folder.mkdir(exist_ok=True)
    return Setting(folder=folder, providers=[port, port], mail_servers=[mail_server, mail_server])


# --- what is told -----------------------------------------------------------------------------------------------------


def _table(comparison: Comparison, added: dict[str, list[float]]) -> Table:
    ours = comparison.lines["everpost"]
    rows = []
    for name, line in comparison.lines.items():
        acknowledged = median(each.acknowledged for each in line.handed)
        rows.append(
            [
                line.title,
                f"{number(median(line.rates()))} ({spread(line.rates())})",
                number(ratio(ours.rates(), line.rates())),
                number(acknowledged) if acknowledged else "",
                f"{median(line.cpus()):.2f}",
                f"{ratio(line.cpus(), ours.cpus()):.1f}",
                number(line.memory_mb) if line.memory_mb else "",
                number(median(added[name])) if name in added else "",
            ]
        )
    columns = [
        "system",
        "mails/s to the provider (rounds)",
        "Everpost is times",
        "acknowledged/s",
        "CPU s per 1,000",
        "of Everpost's",
        "memory MB",
        "added to a synchronous send, p50 ms",
    ]
    about = "\n".join(f"- **{line.title}**: {line.about}." for line in comparison.lines.values())
    return Table("Peers in the same run", columns, rows, about)


def _tell_values(comparison: Comparison, added: dict[str, list[float]]) -> None:
    told, lines = comparison.told, comparison.lines
    ours, accepts = lines["everpost"], comparison.accepts
    told.add("bare", "bare endpoint", median(comparison.bares), "requests/s")
    told.add("accept", "durable accept", median(accepts["everpost"]), "mails/s")
    told.add("accept_of_bare", "  of the bare endpoint", 100 * ratio(accepts["everpost"], comparison.bares), "%")
    if accepts["postfix"]:
        told.add("accept_postfix", "durable accept, Postfix", median(accepts["postfix"]), "mails/s")
        times = ratio(accepts["everpost"], accepts["postfix"])
        told.add("accept_times_postfix", "durable accept, times Postfix's", times, "times")
    for name in ("postfix", "celery"):
        if name in lines:
            times = ratio(ours.rates(), lines[name].rates())
            told.add(f"rate_times_{name}", f"end to end, times {lines[name].title}'s", times, "times")
    told.add("rate", "end to end", median(ours.rates()), "mails/s")
    told.add("cpu", "CPU of 1,000 mails, accept to outcome", median(ours.cpus()), "s")
    if "proxy" in added:
        share = 100 * ratio(added["everpost"], added["proxy"])
        told.add("added_of_proxy", "added to a synchronous send, of what the proxy adds", share, "%")


def _plots(comparison: Comparison, added: dict[str, list[float]]) -> dict[str, dict[str, float]]:
    lines = comparison.lines
    return {
        "rate": {line.title: median(line.rates()) for line in lines.values()},
        "cpu": {line.title: median(line.cpus()) for line in lines.values()},
        "added": {lines[name].title: median(values) for name, values in added.items()},
    }
