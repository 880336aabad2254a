"""What is measured, started as processes of their own, and what the kernel says of them."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import apsw

from load import Result, Spec

HERE = Path(__file__).parent
EVERPOST = Path(sys.executable).with_name("everpost")
TICKS_S = os.sysconf("SC_CLK_TCK")
UP_WITHIN_S = 30.0
POLL_S = 0.005

CONFIG = """\
data = "{data}"
[http]
port = {port}
[accounts.one]
provider = "sendgrid"
api_key = "SG.one"
base_url = "http://127.0.0.1:{provider}"
max_concurrency = 256
[accounts.two]
provider = "sendgrid"
api_key = "SG.two"
base_url = "http://localhost:{provider}"
max_concurrency = 256
[routes.default]
accounts = [{{ account = "one", weight = 1 }}, {{ account = "two", weight = 1 }}]
"""
"""Two accounts share the mail. All else is as it comes: what happens is logged, callers need keys, every commit waits
for the disk."""


@contextmanager
def running(*command: str | Path, log: Path | None = None) -> Iterator[subprocess.Popen[bytes]]:
    with (log or Path(os.devnull)).open("ab") as stderr:
        process = subprocess.Popen([*map(str, command)], stdout=subprocess.PIPE, stderr=stderr)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(timeout=UP_WITHIN_S)


@contextmanager
def stub(*delays_s: float) -> Iterator[list[int]]:
    """The ports of a provider, one for each answer time."""
    with running(sys.executable, HERE / "stub.py", *map(str, delays_s)) as process:
        yield json.loads(process.stdout.readline())


@dataclass(frozen=True)
class Bare:
    port: int
    pid: int


@contextmanager
def bare() -> Iterator[Bare]:
    port = free_port()
    with running(sys.executable, HERE / "bare.py", str(port)) as process:
        until_answered(port, "/v1/emails")
        yield Bare(port, process.pid)


def cpu_s(pid: int) -> float:
    """User and system time of all threads so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_S


class Server:
    """`everpost serve` in a folder."""

    def __init__(self, folder: Path, provider_port: int) -> None:
        self.folder = folder
        self.port = free_port()
        self.database = folder / "everpost.db"
        self.ready_s = 0.0
        self._config = folder / "everpost.toml"
        self._config.write_text(CONFIG.format(data=folder, port=self.port, provider=provider_port))
        self.token = self._key()

    @contextmanager
    def up(self) -> Iterator["Server"]:
        started = time.perf_counter()
        with running(EVERPOST, "serve", "--config", self._config, log=self.folder / "log") as process:
            until_answered(self.port, "/readyz")
            self.ready_s = time.perf_counter() - started
            self.pid = process.pid
            yield self

    def memory_mb(self, name: str = "VmRSS") -> float:
        """What is resident now, or (VmHWM) was at most."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.partition(f"{name}:")[2].split()[0]) * 1024 / 1e6

    def counts(self) -> dict[str, int]:
        """Deliveries by state, read beside the server, which does not notice."""
        connection = apsw.Connection(str(self.database), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            return dict(connection.execute("SELECT state, n FROM tally"))
        finally:
            connection.close()

    def until_sent(self, count: int, within_s: float) -> float:
        """Waits until so many deliveries have ended as sent; returns the instant."""
        connection = apsw.Connection(str(self.database), flags=apsw.SQLITE_OPEN_READONLY)
        until = time.perf_counter() + within_s
        try:
            while (now := time.perf_counter()) < until:
                if connection.execute("SELECT n FROM tally WHERE state = 'sent'").get >= count:
                    return now
                time.sleep(POLL_S)
        finally:
            connection.close()
        raise TimeoutError(f"not all sent within {within_s} s: {self.counts()}")

    def _key(self) -> str:
        command = [EVERPOST, "keys", "create", "--scope", "send", "--data", self.folder, "--json"]
        return str(json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["token"])


def load(spec: Spec) -> Result:
    """Runs the load generator; every answer has to be a good one."""
    command = [sys.executable, HERE / "load.py", json.dumps(asdict(spec))]
    result = Result(**json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout))
    if not set(result.statuses) <= {"200", "202"}:
        raise RuntimeError(f"{spec.kind} was refused: {result.statuses}")
    return result


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def ask(port: int, path: str) -> bytes:
    """The whole answer to a GET."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as one:
        one.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
        return one.recv(64 * 1024)


def until_answered(port: int, path: str) -> None:
    until = time.perf_counter() + UP_WITHIN_S
    while time.perf_counter() < until:
        try:
            if ask(port, path).startswith(b"HTTP/1.1 2"):
                return
        except OSError:
            pass
        time.sleep(POLL_S)
    raise TimeoutError(f"nobody answers at port {port}")
