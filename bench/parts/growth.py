"""Whether it gets slower as the store grows: the same work on a small store and on a grown one."""

import http.client
import json
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import accounting
import measures
from figures import median, quantile, ratio
from filling import depths, fill
from processes import Server, stub
from results import Table, Told, number
from scale import Scale

SMALL = 10_000
PAGES = 100  # requests of each kind a round
PAGE = 50
RECIPIENT = "customer@example.org"
TAG = "order"
SENT_WITHIN_S = 30.0
MAIL = {
    "from": "orders@shop.example.com",
    "to": RECIPIENT,
    "subject": "Your order",
    "text": "Thank you. We have your order.",
    "tags": [TAG],
    "metadata": {"order": "1"},
}


@dataclass
class Work:
    """A round of deliveries on one store."""

    cpu_s: float  # of 1,000 mails
    written: float  # bytes of a mail, by calls
    to_disk: float  # bytes of a mail, of pages that were written to the disk


class Store:
    """A server whose store already holds so many mails that were sent."""

    def __init__(self, folder: Path, provider_port: int, stored: int) -> None:
        folder.mkdir()
        self.stored = stored
        self.server = Server(folder, provider_port)
        with self.server.up():
            self._send_one()
        began = time.perf_counter()
        fill(self.server.database, stored)
        self.filled_s = time.perf_counter() - began
        self.size_mb = self.server.database.stat().st_size / 1e6
        self.depths = depths(self.server.database)
        self.works: list[Work] = []
        self.page_ms: list[dict[str, list[float]]] = []  # by kind, a round each

    def work(self, stub_port: int, mails: int) -> None:
        written, to_disk = accounting.written_bytes(self.server.pid)
        done = measures.handed_over(self.server, stub_port, mails)
        now_written, now_to_disk = accounting.written_bytes(self.server.pid)
        self.works.append(Work(done.cpu_s, (now_written - written) / mails, (now_to_disk - to_disk) / mails))

    def ask(self, kind: str, path: str) -> None:
        """One page of a list; how long it took is kept."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=60)
        connection.connect()
        began = time.perf_counter()
        connection.request("GET", path, headers={"Authorization": f"Bearer {self.server.token}"})
        answer = connection.getresponse()
        body = answer.read()
        self.page_ms[-1].setdefault(kind, []).append(1000 * (time.perf_counter() - began))
        connection.close()
        if answer.status != 200:
            raise RuntimeError(f"{path}: {answer.status} {body.decode()}")

    def p99s(self, kind: str) -> list[float]:
        """Of each round, so that what disturbs one does not decide."""
        return [quantile(round_[kind], 0.99) for round_ in self.page_ms]

    def _send_one(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=30)
        headers = {"Authorization": f"Bearer {self.server.token}", "Idempotency-Key": "first"}
        connection.request("POST", "/v1/emails", json.dumps(MAIL), headers)
        answer = connection.getresponse()
        if answer.status != 202:
            raise RuntimeError(answer.read().decode())
        connection.close()
        self.server.until_sent(1, SENT_WITHIN_S)


def run(folder: Path, scale: Scale) -> Told:
    told = Told()
    with stub(scale.answer_s) as (port,), ExitStack() as running:
        small = Store(folder / "small", port, SMALL)
        print(f"growth: storing {scale.stored:,} mails", file=sys.stderr, flush=True)
        grown = Store(folder / "grown", port, scale.stored)
        for store in (small, grown):
            running.enter_context(store.server.up())
            measures.handed_over(store.server, port, scale.mails // 8)
        for round_ in range(scale.rounds):
            for store in (small, grown):
                store.work(port, scale.mails // 2)
            _ask(small, grown, round_)
            print(f"growth: round {round_ + 1} of {scale.rounds}", file=sys.stderr, flush=True)
    _tell(told, small, grown)
    told.how = (
        f"{SMALL:,} mails against {grown.stored:,}, all sent, put there by the store's own SQL in "
        f"{grown.filled_s:.0f} s: copies of one small mail of {grown.size_mb * 1e6 / grown.stored:,.0f} bytes in all, "
        "each with its own id, recipient and random idempotency key. Then, in turn, the same deliveries through a "
        f"server on either; {scale.rounds} rounds. Bytes are /proc/PID/io; a page of a list is a request of its own, "
        f"{PAGES * scale.rounds} of each kind."
    )
    return told


_KINDS: dict[str, Callable[[int], str]] = {
    "newest": lambda _: "",
    "older": lambda _: "&created_before=2020-01-01T00:00:00Z",
    "of a recipient": lambda number_: f"&recipient={quote(str(number_) + RECIPIENT)}",
    "of a tag": lambda _: f"&tag={TAG}",
    "sent": lambda _: "&state=sent",
    "failed": lambda _: "&state=failed",
}


def _ask(small: Store, grown: Store, round_: int) -> None:
    for store in (small, grown):
        store.page_ms.append({})
    for number_ in range(PAGES):
        for kind, more in _KINDS.items():
            for store in (small, grown):
                wanted = 1 + (number_ + PAGES * round_) * 7919 % store.stored
                store.ask(kind, f"/v1/emails?limit={PAGE}{more(wanted)}")


def _tell(told: Told, small: Store, grown: Store) -> None:
    cpu = ratio([each.cpu_s for each in grown.works], [each.cpu_s for each in small.works])
    written = ratio([each.written for each in grown.works], [each.written for each in small.works])
    to_disk = ratio([each.to_disk for each in grown.works], [each.to_disk for each in small.works])
    p99 = {kind: [small.p99s(kind), grown.p99s(kind)] for kind in _KINDS}
    later = max(median(after - before for before, after in zip(*both, strict=True)) for both in p99.values())
    told.add("stored", "mails in the grown store", grown.stored, "mails")
    told.add("cpu_growth", "CPU a mail with the store grown", cpu, "times")
    told.add("called_growth", "bytes written by calls a mail with the store grown", written, "times")
    told.add("written_growth", "bytes written a mail with the store grown", to_disk, "times")
    told.add("page_growth", "a page of a list or search, p99, with the store grown: later by", later, "ms")
    columns = ["what", f"{small.stored:,} stored", f"{grown.stored:,} stored"]
    rows = [
        ["CPU s per 1,000 mails", *(f"{median(each.cpu_s for each in store.works):.2f}" for store in (small, grown))],
        ["bytes written a mail, by calls", *(number(median(e.written for e in s.works)) for s in (small, grown))],
        ["bytes written a mail, to the disk", *(number(median(e.to_disk for e in s.works)) for s in (small, grown))],
        *([f"page, {kind}: p99 ms", *(number(median(rounds)) for rounds in both)] for kind, both in p99.items()),
        ["size of the store, MB", number(small.size_mb), number(grown.size_mb)],
        *([f"levels of {tree}", str(small.depths[tree]), str(grown.depths[tree])] for tree in grown.depths),
    ]
    told.tables.append(Table("The same work on a small and on a grown store", columns, rows))
