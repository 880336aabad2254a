"""What is measured, started as processes of their own."""

import contextlib
import itertools
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import apsw

import accounting
from load import Result, Spec

HERE = Path(__file__).parent
EVERPOST = Path(sys.executable).with_name("everpost")
UP_WITHIN_S = 120.0  # the machine may be busy
STOP_WITHIN_S = 20.0
POLL_S = 0.005
HTTP, SMTP = b"HTTP/1.1", b"220"  # how a server begins its first answer

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


def start(
    *command: str | Path, log: Path | None = None, more: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """A process whose standard output is read by us, with more in its environment."""
    with (log or Path(os.devnull)).open("ab") as stderr:
        return subprocess.Popen(
            [*map(str, command)], stdout=subprocess.PIPE, stderr=stderr, env={**os.environ, **(more or {})}
        )


def end(process: subprocess.Popen[bytes]) -> None:
    """Asks it to end; what is left of its tree is killed, as what does not pass the wish on to its children."""
    pids = accounting.tree(process.pid)
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(STOP_WITHIN_S)
    _kill_all(pids)
    process.wait()
    process.stdout.close()


def kill(process: subprocess.Popen[bytes]) -> None:
    """kill -9 of the whole tree. The root is halted first, so that it starts nothing anew meanwhile."""
    process.send_signal(signal.SIGSTOP)
    _kill_all(accounting.tree(process.pid))
    process.wait()
    process.stdout.close()


def _kill_all(pids: Iterable[int]) -> None:
    """Returns when they are gone, and with them the ports that they held."""
    left = [pid for pid in pids if accounting.is_alive(pid)]
    for pid in left:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    until = time.monotonic() + STOP_WITHIN_S
    while any(map(accounting.is_alive, left)) and time.monotonic() < until:
        time.sleep(POLL_S)


@contextmanager
def running(
    *command: str | Path, log: Path | None = None, more: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    process = start(*command, log=log, more=more)
    try:
        yield process
    finally:
        end(process)


@contextmanager
def stub(*wanted: float | str) -> Iterator[list[int]]:
    """The ports of a provider, one for each answer time; `smtp:SECONDS` for one of a mail server."""
    with running(sys.executable, HERE / "stub.py", *map(str, wanted)) as process:
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


class Server:
    """`everpost serve` in a folder."""

    def __init__(self, folder: Path, provider_port: int = 0, config: str = CONFIG, *options: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.database = folder / "everpost.db"
        self.ready_s = 0.0
        self._config = folder / "everpost.toml"
        self._config.write_text(config.format(data=folder, port=self.port, provider=provider_port))
        self.command = [EVERPOST, "serve", "--config", self._config, *options]
        self.token = self._key()

    @contextmanager
    def up(self) -> Iterator["Server"]:
        self.start()
        try:
            yield self
        finally:
            end(self.process)

    def start(self) -> None:
        started = time.perf_counter()
        self.process = start(*self.command, log=self.folder / "log")
        self.pid = self.process.pid
        try:
            until_answered(self.port, "/readyz")
        except TimeoutError:
            end(self.process)
            raise
        self.ready_s = time.perf_counter() - started

    def memory_mb(self, name: str = "VmRSS") -> float:
        """What is resident now, or (VmHWM) was at most."""
        return accounting.resident_mb(self.pid, name)

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
        command = [EVERPOST, "keys", "create", "--scope", "send", "--config", self._config, "--json"]
        return str(json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["token"])


def load(spec: Spec) -> Result:
    """Runs the load generator. Every answer has to be a good one, or one that says: not now."""
    command = [sys.executable, HERE / "load.py", json.dumps(asdict(spec))]
    result = Result(**json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout))
    if not result.accepted or not set(result.statuses) <= {"200", "202", "429", "503"}:
        raise RuntimeError(f"{spec.kind} was refused: {result.statuses}")
    return result


_ports = itertools.count(random.randrange(10_000, 20_000))


def free_port() -> int:
    """Never the same one twice, and none that the system gives to whoever asks for any: while a provider is down, its
    port must not become somebody else's."""
    for port in _ports:
        with contextlib.suppress(OSError), socket.socket() as one:
            one.bind(("127.0.0.1", port))
            return port
    raise AssertionError


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


def until_open(port: int, greeting: bytes = b"") -> None:
    """Until somebody listens there and, with a greeting, begins to speak so: by itself, or when asked by HTTP."""
    until = time.perf_counter() + UP_WITHIN_S
    while time.perf_counter() < until:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=UP_WITHIN_S) as one:
                if greeting == HTTP:
                    one.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
                if not greeting or one.recv(len(greeting)) == greeting:
                    return
        except OSError:
            pass
        time.sleep(POLL_S)
    raise TimeoutError(f"nobody listens at port {port}")
