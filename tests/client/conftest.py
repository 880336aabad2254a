"""A real server over the memory store, a way to it that can fail, and both clients as one."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from functools import partial

import httpx
import pytest

from everpost.client import AsyncEverpost, Everpost, Patience
from everpost.entrypoints.http.app import build_app
from everpost.model.key import Scope
from everpost.store.port import Filter
from http_kit import ScriptedWire, running
from socket_kit import Server


class Way:
    """Between a client and the server. Each request meets the next of `faults`, and after these none: `cut` before it
    has got through, `lost` on the way back, `silent` for ever, or bytes that are answered in the server's place."""

    def __init__(self, port):
        self._port = port
        self.faults, self.heads = [], []
        self._silent = asyncio.Event()

    async def start(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def stop(self):
        self._silent.set()
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader, writer):
        try:
            while request := await self._message(reader):
                self.heads.append(request.partition(b"\r\n\r\n")[0].decode().lower())
                fault = self.faults.pop(0) if self.faults else None
                if fault == "cut":
                    return
                if fault == "silent":
                    await self._silent.wait()
                    return
                answer = fault if isinstance(fault, bytes) else await self._forward(request)
                if fault == "lost":
                    return
                writer.write(answer)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client has left
        finally:
            writer.close()

    async def _forward(self, request):
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        writer.write(request)
        answer = await self._message(reader)
        writer.close()
        return answer

    @staticmethod
    async def _message(reader):
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return b""
        lines = head.lower().split(b"\r\n")
        size = next((int(line.split(b":")[1]) for line in lines if line.startswith(b"content-length:")), 0)
        return head + await reader.readexactly(size)


def answered(status, body=b"{}", **headers):
    """Bytes that stand for an answer."""
    fields = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status} No\r\ncontent-length: {len(body)}\r\n{fields}\r\n".encode() + body


def taken(call):
    found = call()
    return list(found) if isinstance(found, Iterator) else found


@dataclass
class House:
    engine: object
    wire: ScriptedWire
    way: Way
    token: str
    kind: type[Everpost | AsyncEverpost]
    http: httpx.Client | httpx.AsyncClient

    async def ask(self, method, *args, key=None, patience=None, url=None, **named):
        """What one call of the client brings."""
        client = self.kind(url or self.way.url, key or self.token, patience=patience, http=self.http)
        call = partial(getattr(client, method), *args, **named)
        if self.kind is Everpost:
            return await asyncio.to_thread(taken, call)
        found = call()
        return [one async for one in found] if isinstance(found, AsyncIterator) else await found

    async def mails(self):
        """As they are stored, the oldest first."""
        store = self.engine.ports.store
        page = await store.list_messages(Filter(project="default"), None, 100)
        return [await store.read_message("default", stored.message.id) for stored in reversed(page)]

    async def key(self, scope):
        return (await self.engine.keyring.create("default", scope, "test"))[1]


@pytest.fixture(params=[Everpost, AsyncEverpost])
async def house(request):
    wire = ScriptedWire()
    wire.released.set()
    async with running(wire) as (services, engine):
        server = Server(build_app(replace(services, keyring=engine.keyring)))
        listening = socket.create_server(("127.0.0.1", 0))
        await server.startup([listening])
        way = Way(listening.getsockname()[1])
        await way.start()
        _, token = await engine.keyring.create("default", Scope.ADMIN, "client")
        http = (httpx.Client if request.param is Everpost else httpx.AsyncClient)(verify=False)  # reads no certificates
        yield House(engine, wire, way, token, request.param, http)
        await asyncio.to_thread(http.close) if request.param is Everpost else await http.aclose()
        await way.stop()
        server.should_exit = True
        await server.shutdown([listening])


@pytest.fixture
def quick():
    """Patience for tests that lose a try by time."""
    return Patience(deadline_s=30, try_s=1)
