"""An open loop: requests come at a constant rate, whether or not earlier ones have been answered.

A process of its own, as the closed loop is: `python bench/open_loop.py SPEC`, the spec and the result as JSON. Each
latency counts from the instant at which the request was due, so that a server that stalls is charged for every request
of that time (no coordinated omission).
"""

import json
import re
import select
import sys
import time
from collections import Counter, deque
from dataclasses import asdict, dataclass

from figures import Histogram
from load import Connection, Request, prepared
from load import Spec as Requests

GIVE_UP_S = 15.0  # after the last request was due
TICK_S = 1e-3  # the loop sleeps at least so long, unless an answer comes: it must not take the server's core by waiting
_RETRY_AFTER = re.compile(rb"\r\nretry-after: ", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Spec:
    kind: str  # of load.KINDS
    port: int
    first: int
    token: str
    rate: float  # a second
    seconds: float
    connections: int  # at most at once
    good_within_s: float  # an answer that comes later is worth nothing


@dataclass
class Result:
    due: int
    statuses: dict[str, int]  # "broken": the connection ended; "silent": no answer in time
    good: int  # acknowledged in time
    rejected: int
    told_when: int  # rejections that say when to come again
    accepted_p50_ms: float
    accepted_p99_ms: float
    rejected_p50_ms: float
    rejected_p90_ms: float
    rejected_p99_ms: float
    own_p99_ms: float  # how late this loop itself was with its requests while a connection was free


class Loop:
    def __init__(self, spec: Spec) -> None:
        self._spec = spec
        self._request: Request = prepared(
            Requests(kind=spec.kind, port=spec.port, first=spec.first, token=spec.token, connections=spec.connections)
        )
        self._poll = select.epoll()
        self._free: list[Connection] = []
        self._busy: dict[int, Connection] = {}
        self._waiting: deque[float] = deque()  # when each was due
        self._number = spec.first
        self._statuses: Counter[str] = Counter()
        self._accepted, self._rejected, self._own = Histogram(), Histogram(), Histogram()
        self._good = self._told_when = 0
        for _ in range(spec.connections):
            self._connect()

    def run(self) -> Result:
        spec, began = self._spec, time.perf_counter()
        total, due = int(spec.rate * spec.seconds), 0
        until = began + spec.seconds + GIVE_UP_S
        while (now := time.perf_counter()) < until and (due < total or self._waiting or self._busy):
            while due < total and (due_at := began + due / spec.rate) <= now:
                if len(self._waiting) < len(self._free):
                    self._own.add(now - due_at)
                self._waiting.append(due_at)
                due += 1
            self._send()
            pause_s = max(0.0, began + due / spec.rate - time.perf_counter()) if due < total else 0.1
            self._receive(max(pause_s, TICK_S))
        self._statuses["silent"] += len(self._busy) + len(self._waiting)
        self._close()
        return self._result(total)

    def _send(self) -> None:
        while self._waiting and self._free:
            connection = self._free.pop()
            due_at = self._waiting.popleft()
            try:
                connection.send(self._request(self._number))
            except OSError:
                self._broken(connection)
                continue
            self._number += 1
            connection.began = due_at
            self._busy[connection.socket.fileno()] = connection

    def _receive(self, pause_s: float) -> None:
        for descriptor, _ in self._poll.poll(pause_s):
            connection = self._busy.get(descriptor)
            if connection is None:
                self._replace(descriptor)
                continue
            try:
                status = connection.status()
            except OSError:
                del self._busy[descriptor]
                self._broken(connection)
                continue
            if status is not None:
                del self._busy[descriptor]
                self._answered(status, connection)
                self._free.append(connection)

    def _answered(self, status: str, connection: Connection) -> None:
        took_s = time.perf_counter() - connection.began
        self._statuses[status] += 1
        if status.startswith("2"):
            self._accepted.add(took_s)
            self._good += took_s <= self._spec.good_within_s
        else:
            self._rejected.add(took_s)
            self._told_when += _RETRY_AFTER.search(connection.head) is not None

    def _broken(self, connection: Connection) -> None:
        self._statuses["broken"] += 1
        self._poll.unregister(connection.socket.fileno())
        connection.socket.close()
        self._connect()

    def _replace(self, descriptor: int) -> None:
        """A connection that the server has closed between two requests."""
        for connection in self._free:
            if connection.socket.fileno() == descriptor:
                self._free.remove(connection)
                self._poll.unregister(descriptor)
                connection.socket.close()
                self._connect()
                return

    def _connect(self) -> None:
        try:
            connection = Connection(self._spec.port)
        except OSError:
            return
        self._poll.register(connection.socket.fileno(), select.EPOLLIN)
        self._free.append(connection)

    def _close(self) -> None:
        for connection in [*self._free, *self._busy.values()]:
            connection.socket.close()
        self._poll.close()

    def _result(self, total: int) -> Result:
        rejected = sum(count for status, count in self._statuses.items() if status[0] in "45")
        return Result(
            due=total,
            statuses=dict(self._statuses),
            good=self._good,
            rejected=rejected,
            told_when=self._told_when,
            accepted_p50_ms=1000 * self._accepted.quantile_s(0.5),
            accepted_p99_ms=1000 * self._accepted.quantile_s(0.99),
            rejected_p50_ms=1000 * self._rejected.quantile_s(0.5),
            rejected_p90_ms=1000 * self._rejected.quantile_s(0.9),
            rejected_p99_ms=1000 * self._rejected.quantile_s(0.99),
            own_p99_ms=1000 * self._own.quantile_s(0.99),
        )


if __name__ == "__main__":
    print(json.dumps(asdict(Loop(Spec(**json.loads(sys.argv[1]))).run())))
