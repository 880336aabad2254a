"""A real `everpost serve` with a sandbox behind it, and a client that says what it likes."""

import base64
import http.client
import json
import os
import re
import select
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from everpost.sandbox.sandbox import PORTS
from server_kit import API_ACCOUNTS, EVERPOST, HOST, environ, free_ports

READY_WITHIN_S = 60.0
LOOK_S = 0.05
PATIENCE_S = 30.0
PROVIDER_PATIENCE_S = 5
MAIL = {"from": "ann@example.com", "to": ["bob@example.org"], "subject": "Hello", "text": "It works"}
CONFIG = """
data = "{folder}/data"
[http]
host = "127.0.0.1"
port = {port}
[log]
level = "{level}"
[events]
sinks = [{sinks}]
{accounts}
"""
ACCOUNTS = f"""{API_ACCOUNTS}[accounts.smtp]
provider = "smtp"
host = "127.0.0.1"
port = {{smtp}}
security = "none"
timeouts = {{{{ connect_s = {{patience_s}}, write_s = {{patience_s}}, answer_s = {{patience_s}} }}}}
"""


@dataclass(frozen=True)
class Told:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def ask(
    port: int, method: str, path: str, body: Any = None, headers: Sequence[tuple[str, str]] = (), host: str = HOST
) -> Told:
    """One request. `body` is bytes, or a value that goes as JSON; headers may repeat."""
    content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    connection = http.client.HTTPConnection(host, port, timeout=PATIENCE_S)
    try:
        connection.putrequest(method, path, skip_host="host" in {name.lower() for name, _ in headers})
        connection.putheader("content-length", str(len(content)))
        for name, value in headers:
            connection.putheader(name, value)
        connection.endheaders(content)
        answer = connection.getresponse()
        return Told(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
    finally:
        connection.close()


@dataclass
class Served:
    """A server that runs."""

    process: subprocess.Popen[bytes]
    port: int
    folder: Path
    ports: Mapping[str, int]
    tokens: dict[tuple[str, str], str] = field(default_factory=dict)

    @property
    def log(self) -> str:
        return (self.folder / "server.log").read_text()

    def token(self, project: str = "default", scope: str = "admin") -> str:
        if (project, scope) not in self.tokens:
            words = ("keys", "create", "--scope", scope, "--project", project, "--data", self.data, "--json")
            made = subprocess.run((*EVERPOST, *words), check=True, capture_output=True, env=environ())
            self.tokens[project, scope] = json.loads(made.stdout)["token"]
        return self.tokens[project, scope]

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def bearer(self, project: str = "default", scope: str = "admin") -> tuple[str, str]:
        return ("Authorization", f"Bearer {self.token(project, scope)}")

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Sequence[tuple[str, str]] = (),
        project: str = "default",
        scope: str = "admin",
    ) -> Told:
        return ask(self.port, method, path, body, [self.bearer(project, scope), *headers])

    def raw(self, data: bytes, within_s: float = PATIENCE_S) -> bytes:
        """What is answered to these bytes until the server ends the connection, or nothing comes for a second after
        the first answer. A server that resets the connection has said what came before."""
        answered = b""
        with socket.create_connection((HOST, self.port)) as connection:
            with suppress(OSError):
                connection.sendall(data)
            while select.select([connection], [], [], 1.0 if answered else within_s)[0]:
                try:
                    piece = connection.recv(65_536)
                except OSError:
                    break
                if not piece:
                    break
                answered += piece
        return answered

    def control(self, method: str, path: str, body: Any = None) -> Told:
        """What the sandbox's control port says."""
        return ask(self.ports["control"], method, f"/_sandbox/{path}", body)

    def caught(self, delivery_id: str) -> dict[str, Any]:
        """The one mail that the sandbox has of a delivery."""
        [summary] = self.control("GET", f"inbox?delivery_id={delivery_id}").json["data"]
        return dict(self.control("GET", f"inbox/{summary['id']}").json)

    def mail(self, message_id: str, project: str = "default") -> dict[str, Any]:
        return dict(self.ask("GET", f"/v1/emails/{message_id}", project=project).json)

    def is_honest_to_others(self) -> bool:
        """Whether an honest client is served: a mail is accepted and read back."""
        accepted = self.ask("POST", "/v1/emails", MAIL)
        return accepted.status == 202 and self.ask("GET", f"/v1/emails/{accepted.json['id']}").status == 200

    @property
    def rss_mib(self) -> float:
        return self._status("VmRSS") / 1024

    @property
    def peak_mib(self) -> float:
        return self._status("VmHWM") / 1024

    @property
    def cpu_s(self) -> float:
        """Time that its threads have worked."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _status(self, name: str) -> int:
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(rf"^{name}:\s+(\d+) kB$", text, re.MULTILINE)
        assert found is not None
        return int(found[1])


def until(holds: Any, within_s: float = READY_WITHIN_S) -> None:
    """Looks again and again; fails if it does not hold in time."""
    ends_at = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < ends_at, "it did not come to that in time"
        select.select([], [], [], LOOK_S)


@contextmanager
def running(words: Sequence[str | Path], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A command that is ended at the end."""
    with log.open("ab") as out, subprocess.Popen(words, stdout=out, stderr=out, env=environ()) as process:
        try:
            yield process
        finally:
            process.kill()


def answers(port: int, path: str, process: subprocess.Popen[bytes], log: Path) -> bool:
    assert process.poll() is None, log.read_text()[-5000:]
    try:
        return ask(port, "GET", path).status == 200
    except (OSError, http.client.HTTPException):
        return False


@contextmanager
def sandbox(folder: Path) -> Iterator[Mapping[str, int]]:
    """The sandbox's ports, by provider, and `control`."""
    ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
    words = [word for name, port in ports.items() for word in (f"--{name}-port", str(port))]
    log = folder / "sandbox.log"
    with running((*EVERPOST, "sandbox", *words), log) as process:
        until(lambda: answers(ports["control"], "/_sandbox/ledger", process, log))
        yield ports


@contextmanager
def served(
    folder: Path,
    accounts: str = ACCOUNTS,
    *,
    level: str = "error",
    ports: Mapping[str, int] | None = None,
    files_max: int | None = None,
    words: Sequence[str] = (),
) -> Iterator[Served]:
    """A server over a folder, ready for requests; with its own sandbox unless the `ports` of one are given."""
    with ExitStack() as parts:
        if ports is None:
            ports = parts.enter_context(sandbox(folder))
        [port] = free_ports(1)
        config = folder / "everpost.toml"
        sinks = f'"file:{folder}/events.jsonl", "stdout"'
        described = accounts.format(patience_s=PROVIDER_PATIENCE_S, **ports)
        config.write_text(CONFIG.format(folder=folder, port=port, level=level, sinks=sinks, accounts=described))
        config.chmod(0o600)
        log = folder / "server.log"
        limited = () if files_max is None else ("prlimit", f"--nofile={files_max}:{files_max}")
        process = parts.enter_context(running((*limited, *EVERPOST, "serve", "--config", config, *words), log))
        until(lambda: answers(port, "/readyz", process, log))
        yield Served(process, port, folder, ports)


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()
