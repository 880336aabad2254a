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

BODY_BYTES = 2048
DIGITS = 10
NUMBER = f"%0{DIGITS}d"
SPREAD = 7_368_787  # shares no factor with 10: numbers that follow each other land far apart, and none comes twice
LATER_S = 30 * 86_400
READ_BYTES = 64 * 1024
SILENCE_S = 120  # the machine may be busy

_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n", re.IGNORECASE)
Request = Callable[[int], bytes]


@dataclass(frozen=True, kw_only=True)
class Spec:
    """What is sent: `count` requests, or as many as are answered in `seconds`."""

    kind: str  # of KINDS
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


# --- the requests -----------------------------------------------------------------------------------------------------


def _filled(mail: dict[str, object], text: str) -> bytes:
    """The mail as JSON of BODY_BYTES; every NUMBER in it counts as DIGITS characters."""
    missing = BODY_BYTES - len(json.dumps(mail | {text: ""}) % ((0,) * json.dumps(mail).count(NUMBER)))
    return json.dumps(mail | {text: ("All work and no play. " * 200)[:missing]}).encode()


def _native(**more: object) -> bytes:
    mail = {
        "from": "Shop <orders@shop.example.com>",
        "to": [f"Customer <customer.{NUMBER}@example.org>"],
        "subject": f"Your order {NUMBER}",
        "html": "<h1>Thank you</h1><p>We have your order and will tell you when it leaves.</p>",
        "tags": ["order"],
        "metadata": {"order": NUMBER},
    }
    return _filled(mail | more, "text")


def _sync() -> bytes:
    mail = {"from": "orders@shop.example.com", "to": f"customer.{NUMBER}@example.org", "subject": f"Order {NUMBER}"}
    return _filled(mail, "text")


def _direct() -> bytes:
    content = {"type": "text/plain", "value": "All work and no play. " * 80}
    mail = {
        "personalizations": [{"to": [{"email": f"customer.{NUMBER}@example.org"}]}],
        "from": {"email": "orders@shop.example.com"},
        "subject": f"Order {NUMBER}",
        "content": [content],
    }
    return json.dumps(mail).encode()


KINDS: dict[str, tuple[str, Callable[[], bytes], bool]] = {
    "accept": ("/v1/emails", _native, True),
    "later": ("/v1/emails", lambda: _native(send_at=int(time.time()) + LATER_S), True),
    "sync": ("/sendEmail", _sync, False),
    "direct": ("/v3/mail/send", _direct, False),
    "send": ("/send", _sync, False),
}
"""By name: the path, the body, and whether each request has a key of its own."""


def prepared(spec: Spec) -> Request:
    path, make_body, has_key = KINDS[spec.kind]
    body = make_body()
    length = len(body) + body.count(NUMBER.encode()) * (DIGITS - len(NUMBER))
    lines = [
        f"POST {path} HTTP/1.1",
        f"Host: 127.0.0.1:{spec.port}",
        "Content-Type: application/json",
        f"Content-Length: {length}",
        f"Authorization: Bearer {spec.token}",
        *([f"Idempotency-Key: order-{NUMBER}"] if has_key else []),
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
