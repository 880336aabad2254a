"""The load: prepared bytes over raw sockets, a fixed number of connections, each sequential.

A process of its own, so that what it costs is nobody else's: `python bench/load.py SPEC`, the spec and the result as
JSON. One request costs it some 20 us, a fraction of what the cheapest server needs.
"""

import json
import re
import select
import socket
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass

from figures import quantile
from kinds import DIGITS, KINDS, NUMBER

SPREAD = 7_368_787  # shares no factor with 10: numbers that follow each other land far apart, and none comes twice
READ_BYTES = 64 * 1024
SILENCE_S = 120  # the machine may be busy

_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n", re.IGNORECASE)
Request = Callable[[int], bytes]


@dataclass(frozen=True, kw_only=True)
class Spec:
    """What is sent: `count` requests, or as many as are answered in `seconds`."""

    kind: str  # of kinds.KINDS
    port: int
    first: int  # the number of the first mail: no two mails of a run are the same
    token: str = ""
    connections: int = 1
    count: int = 0
    seconds: float = 0.0


@dataclass
class Result:
    started_at: float  # monotonic, the same for all processes of a machine
    seconds: float
    accepted: int  # answered by 2xx; rate and latencies are of these
    statuses: dict[str, int]
    p50_ms: float
    p99_ms: float

    @property
    def rate(self) -> float:
        return self.accepted / self.seconds


def prepared(spec: Spec) -> Request:
    kind = KINDS[spec.kind]
    body = kind.body()
    numbers = body.count(NUMBER.encode())
    lines = [
        f"POST {kind.path} HTTP/1.1",
        f"Host: 127.0.0.1:{spec.port}",
        f"Content-Type: {kind.content_type}",
        f"Content-Length: {len(body % ((0,) * numbers))}",
        kind.login(spec.token),
        *([f"Idempotency-Key: order-{NUMBER}"] if kind.has_key else []),
    ]
    template = ("\r\n".join(lines) + "\r\n\r\n").encode() + body
    places = template.count(NUMBER.encode())
    return lambda number: template % ((number * SPREAD % 10**DIGITS,) * places)


# --- the connections --------------------------------------------------------------------------------------------------


class Connection:
    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.began = 0.0
        self.head = b""  # of the last answer
        self._data = b""

    def send(self, request: bytes) -> None:
        self.began = time.perf_counter()
        self.socket.sendall(request)

    def status(self) -> str | None:
        """The status of the answer; None: more of it has to come."""
        received = self.socket.recv(READ_BYTES)
        if not received:
            raise ConnectionError("the server has closed the connection")
        self._data += received
        end = self._data.find(b"\r\n\r\n")
        if end < 0:
            return None
        length = _LENGTH.search(self._data, 0, end + 2)
        if len(self._data) < end + 4 + (int(length[1]) if length else 0):
            return None
        status, self.head, self._data = self._data[9:12].decode(), self._data[: end + 2], b""
        return status


def run(spec: Spec) -> Result:
    request = prepared(spec)
    connections = {}
    poll = select.epoll()
    for _ in range(spec.connections):
        connection = Connection(spec.port)
        connections[connection.socket.fileno()] = connection
        poll.register(connection.socket.fileno(), select.EPOLLIN)
    number, latencies, statuses = spec.first, [], Counter[str]()
    started = time.perf_counter()
    until = started + spec.seconds
    for connection in connections.values():
        connection.send(request(number))
        number += 1
    waiting = len(connections)
    while waiting:
        ready = poll.poll(SILENCE_S)
        if not ready:
            raise TimeoutError(f"no answer within {SILENCE_S} s")
        for descriptor, _ in ready:
            connection = connections[descriptor]
            status = connection.status()
            if status is None:
                continue
            now = time.perf_counter()
            statuses[status] += 1
            if status.startswith("2"):
                latencies.append(now - connection.began)
            if now < until or number - spec.first < spec.count:
                connection.send(request(number))
                number += 1
            else:
                waiting -= 1
    seconds = time.perf_counter() - started
    for connection in connections.values():
        connection.socket.close()
    poll.close()
    return Result(
        started_at=started,
        seconds=seconds,
        accepted=len(latencies),
        statuses=dict(statuses),
        p50_ms=1000 * quantile(latencies, 0.5) if latencies else 0.0,
        p99_ms=1000 * quantile(latencies, 0.99) if latencies else 0.0,
    )


if __name__ == "__main__":
    print(json.dumps(asdict(run(Spec(**json.loads(sys.argv[1]))))))
