"""What every system in the comparison is: processes that take mail by HTTP or SMTP and hand it to two providers."""

import subprocess
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

import accounting
import processes

APPS = Path(__file__).parent / "apps"


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What a system is given."""

    folder: Path  # its own; others can look into it
    providers: Sequence[int]  # ports of the first provider's HTTP API and of the next one's
    mail_servers: Sequence[int]  # the same providers' SMTP ports
    timeout_s: float = 10.0  # how long to wait for a provider

    @property
    def environment(self) -> dict[str, str]:
        hosts = ("127.0.0.1", "localhost")
        urls = " ".join(f"http://{host}:{port}" for host, port in zip(hosts, self.providers, strict=True))
        return {"PROVIDERS": urls, "TIMEOUT_S": str(self.timeout_s), "PYTHONPATH": str(APPS)}


@dataclass(frozen=True)
class Part:
    """A process of a system."""

    command: Sequence[str | Path]
    more: Mapping[str, str] | None = None  # of its environment
    port: int = 0  # it is up when this one is open …
    greeting: bytes = processes.HTTP  # … and answers so; a server may listen long before it can answer
    keeps: bool = False  # a data store of its own, which a crash of the application leaves alone


class Peer(ABC):
    name: ClassVar[str]
    title: ClassVar[str]
    about: ClassVar[str]
    """How it is set up, for the page."""
    kind: ClassVar[str] = "send"
    """Of the mail that it is sent: see load.KINDS."""
    takes_smtp: ClassVar[bool] = False
    waits: ClassVar[bool] = True
    """Whether it answers only after a provider has."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.port = processes.free_port()
        self.token = ""
        self._running: list[tuple[Part, subprocess.Popen[bytes]]] = []

    @classmethod
    @abstractmethod
    def check(cls) -> None:
        """Installs what it needs below bench/out; raises Unavailable."""

    @abstractmethod
    def parts(self) -> list[Part]:
        """In the order in which they are started."""

    def pending(self) -> int:
        """Mails that it has acknowledged and not yet done with."""
        return 0

    @contextmanager
    def up(self) -> Iterator[Self]:
        try:
            self.start()
            yield self
        finally:
            self.stop()

    def start(self) -> None:
        """Starts what is not running."""
        up = [part.command for part, _ in self._running]
        for part in self.parts():
            if part.command in up:
                continue
            log = self.setting.folder / f"{self.name}.log"
            self._running.append((part, processes.start(*part.command, log=log, more=part.more)))
            if part.port:
                processes.until_open(part.port, part.greeting)

    def stop(self) -> None:
        for _, process in reversed(self._running):
            processes.end(process)
        self._running.clear()

    def kill(self) -> None:
        """kill -9, of all processes at once, but not of a data store."""
        for part, process in self._running:
            if not part.keeps:
                processes.kill(process)
        self._running = [(part, process) for part, process in self._running if part.keeps]

    @property
    def pids(self) -> list[int]:
        return [process.pid for _, process in self._running]

    def cpu_s(self) -> float:
        return accounting.cpu_s(*self.pids)

    def memory_mb(self) -> float:
        return accounting.memory_mb(*self.pids)
