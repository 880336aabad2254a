"""A load generator that costs little: raw sockets, prepared bytes, a fixed number of connections, each sequential."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Result:
    seconds: float
    statuses: dict[int, int] = field(default_factory=dict)
    latencies_ms: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return sum(self.statuses.values()) / self.seconds

    def quantile_ms(self, share: float) -> float:
        ordered = sorted(self.latencies_ms)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def post(path: str, body: bytes, headers: dict[str, str]) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


async def run(port: int, request: Callable[[int], bytes], count: int, connections: int) -> Result:
    """Sends `count` requests, `request(n)` each, over `connections` connections."""
    numbers = iter(range(count))
    result = Result(seconds=0.0)
    started = time.perf_counter()
    await asyncio.gather(*(_connection(port, request, numbers, result) for _ in range(connections)))
    result.seconds = time.perf_counter() - started
    return result


async def _connection(port: int, request: Callable[[int], bytes], numbers: object, result: Result) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for number in numbers:
        began = time.perf_counter()
        writer.write(request(number))
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
        if length:
            await reader.readexactly(length)
        status = int(head[9:12])
        result.statuses[status] = result.statuses.get(status, 0) + 1
        result.latencies_ms.append(1000 * (time.perf_counter() - began))
    writer.close()
