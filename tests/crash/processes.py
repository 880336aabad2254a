"""One installation made of real processes: a sandbox that holds the truth, and servers that may be killed."""

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import apsw

from crash import arrivals
from everpost.core.resolving import START_S
from everpost.providers.contract import HttpRequest
from everpost.sandbox.sandbox import PORTS
from plain_http import exchange
from server_kit import API_ACCOUNTS, EVERPOST, HOST, LAG_S, environ, free_ports

PATIENCE_S = 0.5  # with a provider
LOOKS_APART_S = START_S + 3 * PATIENCE_S + LAG_S  # two questions whose answers prove an absence
PROVIDERS = ("mailgun", "sendgrid")
LOOK_S = 0.03  # between two looks at something that is awaited
READY_WITHIN_S = 60.0
ASK_WITHIN_S = 10.0
LOCKED_MS_MAX = 1000  # longer than any commit of a server that runs
NO_ANSWER = (OSError, EOFError, TimeoutError, asyncio.LimitOverrunError)

# Small, so that what a dead server had in hand is settled within half a minute: a claim lasts 15 s, an attempt at most
# 5 + 1.5 s, its lease 10 s more, and two looks at a provider must lie 6.7 s apart.
CONFIG = """
data = "{folder}/data"
[http]
host = "127.0.0.1"
port = {port}
[log]
level = "error"
[events]
sinks = [{sinks}]
"""


def new_folder(path: Path) -> Path:
    path.mkdir()
    return path


async def ask(
    method: str, url: str, body: Any = None, headers: Mapping[str, str] | None = None
) -> tuple[int, Any, Mapping[str, str]]:
    """Status, decoded body and headers of one request. Raises one of NO_ANSWER."""
    content = b"" if body is None else json.dumps(body).encode()
    told = {"Content-Type": "application/json", **(headers or {})}
    async with asyncio.timeout(ASK_WITHIN_S):
        answer = await exchange(HttpRequest(method=method, url=url, headers=told, body=content))
    is_json = answer.headers.get("content-type", "").partition(";")[0].endswith("json")
    return answer.status, json.loads(answer.body) if is_json else answer.body.decode(), answer.headers


async def until(holds: Callable[[], Awaitable[bool]], within_s: float, every_s: float = LOOK_S) -> None:
    """Looks again and again; TimeoutError if it does not hold in time."""
    async with asyncio.timeout(within_s):
        while True:
            if await holds():
                return
            await asyncio.sleep(every_s)


def _can_be_written(path: str) -> bool:
    with contextlib.closing(apsw.Connection(path)) as connection:
        connection.set_busy_timeout(LOCKED_MS_MAX)
        try:
            connection.execute("BEGIN IMMEDIATE")
        except apsw.BusyError:
            return False
        connection.execute("ROLLBACK")
    return True


@dataclass(frozen=True)
class Blow:
    """What was done to a process, and when by the wall clock."""

    at: float
    what: str
    pid: int


@dataclass
class Process:
    """A command that stays, in a process of its own."""

    words: Sequence[str]
    log: Path
    url: str
    ready_path: str
    environ: Mapping[str, str] = field(default_factory=dict)  # beside that of the tests
    running: asyncio.subprocess.Process | None = None
    blows: list[Blow] = field(default_factory=list)

    async def spawn(self) -> None:
        with self.log.open("ab") as log:
            self.running = await asyncio.create_subprocess_exec(
                *self.words, stdout=log, stderr=log, env={**environ(), **self.environ}
            )

    async def start(self) -> None:
        await self.spawn()
        await until(self.is_ready, READY_WITHIN_S)

    async def is_ready(self) -> bool:
        assert self.process.returncode is None, self.log.read_text()[-5000:]
        try:
            status, _, _ = await ask("GET", self.url + self.ready_path)
        except NO_ANSWER:
            return False
        return status == 200

    @property
    def is_stopped(self) -> bool:
        """By a signal, and able to go on."""
        return Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"

    @property
    def process(self) -> asyncio.subprocess.Process:
        assert self.running is not None
        return self.running

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or 0

    def children(self) -> list[int]:
        """Process ids of those that it has started, and that have not ended."""
        listed = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(pid) for pid in listed.split()]

    async def kill(self) -> None:
        self._tell("killed", self.process.pid)
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        await self.process.wait()

    def kill_child(self, pid: int) -> None:
        self._tell("killed", pid)
        os.kill(pid, signal.SIGKILL)

    def freeze(self) -> None:
        self.process.send_signal(signal.SIGSTOP)
        self._tell("frozen", self.process.pid)

    def thaw(self) -> None:
        self._tell("thawed", self.process.pid)
        self.process.send_signal(signal.SIGCONT)

    def _tell(self, what: str, pid: int) -> None:
        self.blows.append(Blow(time.time(), what, pid))

    async def end(self, within_s: float) -> int:
        """A graceful stop; returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(within_s):
            return await self.process.wait()


@dataclass
class Installation:
    """A sandbox that runs, and all that servers need to run in front of it."""

    folder: Path
    sandbox: Process
    ports: Mapping[str, int]
    environ: Mapping[str, str] = field(default_factory=dict)  # of all servers: where store, health and wake-ups are
    token: str = ""
    servers: list[Process] = field(default_factory=list)

    def add_server(
        self, program: Sequence[str] = EVERPOST, *options: str, sink: bool = False, sinks: str = ""
    ) -> Process:
        """One more server over the same store; not started. `sink`: it writes its events to a file; `sinks`: to
        these."""
        [port] = free_ports(1)
        return self._added(port, (*program, "serve", *options), f'"file:{self.events}"' if sink else sinks)

    def add_worker(self, program: Sequence[str] = EVERPOST, *, sink: bool = False) -> Process:
        """One that answers no requests; not started."""
        [port] = free_ports(1)
        worker = self._added(port, (*program, "work"), f'"file:{self.events}"' if sink else "")
        worker.environ = {**worker.environ, "EVERPOST_WORK_PORT": str(port)}
        return worker

    def _added(self, port: int, words: Sequence[str], sinks: str) -> Process:
        config = self._write_config(port, sinks)
        log = self.folder / f"server-{port}.log"
        words = (*words, "--config", str(config))
        self.servers.append(Process(words, log, f"http://{HOST}:{port}", "/readyz", self.environ))
        return self.servers[-1]

    @property
    def events(self) -> Path:
        """Where the sink of a server writes."""
        return self.folder / "events.jsonl"

    async def can_be_written(self) -> bool:
        """Whether nobody holds the lock of the database. SQLite is asked: what /readyz says may be a second old. Other
        stores have no such lock."""
        if "EVERPOST_STORE" in self.environ:
            return True
        return await asyncio.to_thread(_can_be_written, str(self.folder / "data" / "everpost.db"))

    async def make_key(self) -> None:
        """The administrator's."""
        self.token = await self.new_key("admin")

    async def new_key(self, scope: str) -> str:
        config = self._write_config(0, "")
        words = (*EVERPOST, "keys", "create", "--scope", scope, "--config", str(config), "--json")
        process = await asyncio.create_subprocess_exec(
            *words, stdout=asyncio.subprocess.PIPE, env={**environ(), **self.environ}
        )
        told, _ = await process.communicate()
        assert process.returncode == 0
        return str(json.loads(told)["token"])

    async def call(self, server: Process, method: str, path: str, body: Any = None) -> Any:
        """What a server answers to the administrator."""
        status, answer, _ = await ask(method, server.url + path, body, {"Authorization": f"Bearer {self.token}"})
        assert status < 300, (status, answer)
        return answer

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        status, answer, _ = await ask(method, f"{self.sandbox.url}/_sandbox/{path}", body)
        assert status < 300, (status, answer)
        return answer

    async def put_faults(self, provider: str, *plans: Mapping[str, Any]) -> None:
        await self.control("PUT", f"{provider}/faults", list(plans))

    async def heal(self) -> None:
        for provider in PROVIDERS:
            await self.put_faults(provider)

    def _write_config(self, port: int, sinks: str) -> Path:
        values = {"folder": self.folder, "port": port, "sinks": sinks, "patience_s": PATIENCE_S}
        config = self.folder / f"everpost-{port}.toml"
        config.write_text((CONFIG + API_ACCOUNTS).format(**values, **self.ports))
        config.chmod(0o600)
        return config


@asynccontextmanager
async def installation(folder: Path, environ: Mapping[str, str] | None = None) -> AsyncIterator[Installation]:
    """With a key and a running sandbox; at its end nothing of it runs any more. `environ`: of all its servers."""
    ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
    words = [word for name, port in ports.items() for word in (f"--{name}-port", str(port))]
    url = f"http://{HOST}:{ports['control']}"
    sandbox = Process(
        (sys.executable, arrivals.__file__, "sandbox", *words), folder / "sandbox.log", url, "/_sandbox/ledger"
    )
    place = Installation(folder, sandbox, {name: ports[name] for name in PROVIDERS}, environ or {})
    try:
        await sandbox.start()
        await place.make_key()
        yield place
    finally:
        for process in (*place.servers, sandbox):
            if process.running is not None:
                await process.kill()
