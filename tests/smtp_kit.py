"""Mail handed in by SMTP, over real sockets, to a real engine over the memory store."""

import asyncio
import base64
import ssl
import subprocess
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from everpost.entrypoints.http.app import build_app
from everpost.entrypoints.http.door import LOCAL
from everpost.entrypoints.smtp.listeners import Listeners
from everpost.entrypoints.smtp.session import House, Patience
from everpost.entrypoints.smtp.submit import Submitter
from everpost.model.key import Scope
from everpost.settings import SubmissionSettings, TlsFiles
from everpost.store.port import Filter
from http_kit import ScriptedWire, running
from system_parts import program

MAIL = (
    b"From: Ann <ann@example.com>\r\nTo: bob@example.org\r\nSubject: Hello\r\nMessage-ID: <1@example.com>\r\n\r\n"
    b"It works\r\n"
)


class Client:
    """Says what it likes."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    async def reply(self) -> str:
        """The next one, whole."""
        lines = []
        while True:
            line = (await self.reader.readline()).decode()
            lines.append(line.rstrip("\r\n"))
            if line[3:4] != "-":
                return "\n".join(lines)

    async def say(self, line: str) -> str:
        return await self.send(line.encode() + b"\r\n")

    async def send(self, data: bytes) -> str:
        self.writer.write(data)
        return await self.reply()

    async def rest(self) -> bytes:
        """Until the server closes the connection."""
        return await self.reader.read()

    def close(self) -> None:
        self.writer.close()


@dataclass
class Served:
    listeners: Listeners
    engine: Any
    services: Any
    wire: ScriptedWire
    ports: dict[str, int]
    token: str | None
    admission: Any

    @asynccontextmanager
    async def client(self, kind="plain", **options):
        reader, writer = await asyncio.open_connection("127.0.0.1", self.ports[kind], **options)
        client = Client(reader, writer)
        assert (await client.reply()).startswith("220 ")
        try:
            yield client
        finally:
            client.close()

    async def known(self, client: Client) -> None:
        """Says hello and logs in."""
        assert "PIPELINING" in await client.say("EHLO client.example.com")
        if self.token is not None:
            assert (await client.say(plain(self.token))).startswith("235 ")

    async def mails(self) -> list[Any]:
        page = await self.services.console.messages(Filter(project="default"), None, 100)
        return [await self.engine.ports.store.read_message("default", stored.message.id) for stored in reversed(page)]


def plain(token: str, user: str = "everpost") -> str:
    return "AUTH PLAIN " + base64.b64encode(f"\0{user}\0{token}".encode()).decode()


def certified(folder: Path, name: str = "mail.example.com") -> TlsFiles:
    """A certificate that signs itself, made by openssl."""
    files = TlsFiles(certificate=folder / "cert.pem", private_key=folder / "key.pem")
    words = [program("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    words += ["-days", "2", "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}"]
    words += ["-keyout", str(files.private_key), "-out", str(files.certificate)]
    subprocess.run(words, check=True, capture_output=True)
    return files


def trusting(files: TlsFiles) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=files.certificate)
    context.check_hostname = False
    return context


@asynccontextmanager
async def submitting(*, needs_key=True, tls=None, patience=None, store=None, scope=Scope.SEND):
    wire = ScriptedWire()
    wire.released.set()
    async with running(wire, store=store) as (services, engine):
        token = (await engine.keyring.create("default", scope, "test"))[1] if needs_key else None
        door = build_app(services)
        submitter = Submitter(services.acceptor, engine.forms, door.gate.admission, services.metrics, services.clock)
        house = House(
            name="mail.example.com",
            submitter=submitter,
            keyring=engine.keyring if needs_key else None,
            local=LOCAL,
            patience=patience or Patience(),
        )
        at = SubmissionSettings(starttls_port=0 if tls else None, tls_port=0 if tls else None, plain_port=0, tls=tls)
        listeners = Listeners(house, at)
        await listeners.start()
        found = [int(place.rpartition(":")[2]) for place in listeners.places]
        ports = dict(zip(("starttls", "tls", "plain") if tls else ("plain",), found, strict=True))
        try:
            yield Served(listeners, engine, services, wire, ports, token, door.gate.admission)
        finally:
            await listeners.stop(1.0)
