"""Clients that say little, or nothing, or do not listen: named deadlines end them, and the others are served."""

import asyncio
import resource
import socket
import time
from contextlib import asynccontextmanager, suppress
from types import SimpleNamespace

import pytest
import uvicorn

from attacks.house import ask
from everpost.entrypoints.http.app import build_app
from everpost.entrypoints.http.call import Call, Reply
from everpost.entrypoints.http.origins import Origins
from everpost.entrypoints.http.protocol import Protocol
from everpost.entrypoints.http.punctuality import sweep
from everpost.entrypoints.http.turns import Turns
from everpost.model.limits import (
    ANSWER_READ_S_MAX,
    CONNECTIONS_MAX,
    REQUEST_BODY_S_MAX,
    REQUEST_HEAD_S_MAX,
    REQUEST_WIRE_BYTES_MAX,
)
from http_kit import ScriptedWire, running
from scripted_server import settled
from server_kit import HOST

TRICKLERS = 4_000
HONEST = 50
GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST /v1/emails HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n{"
ROOM = 32


class Server:
    """The real app behind the real protocol, and a clock that can be put forward."""

    def __init__(self, server, port):
        self._server = server
        self.port = port

    @property
    def connections(self):
        return self._server.server_state.connections

    async def connect(self, data=b""):
        reader, writer = await asyncio.open_connection(HOST, self.port)
        writer.write(data)
        return reader, writer

    def sweep_after(self, seconds):
        sweep(self.connections, asyncio.get_running_loop().time() + seconds)


@asynccontextmanager
async def real_app(app, limit=None):
    listening = socket.create_server((HOST, 0))
    config = uvicorn.Config(
        app, http=Protocol, lifespan="off", log_config=None, access_log=False, limit_concurrency=limit
    )
    server = uvicorn.Server(config)
    config.load()
    server.lifespan = config.lifespan_class(config)
    await server.startup([listening])
    yield Server(server, listening.getsockname()[1])
    for connection in list(server.server_state.connections):
        connection.transport.abort()
    for task in server.server_state.tasks:
        task.cancel()
    server.should_exit = True
    await server.shutdown([listening])
    await settled()


@pytest.fixture
async def server():
    wire = ScriptedWire()
    wire.released.set()
    async with running(wire) as (services, _), real_app(build_app(services)) as place:
        yield place


async def ending(reader):
    async with asyncio.timeout(20):
        return await reader.read()


async def seen(server, holds):
    """Until a connection of the server is in this state."""
    async with asyncio.timeout(20):
        while True:
            if any(holds(connection) for connection in server.connections):
                return
            await asyncio.sleep(0)


@pytest.mark.parametrize("said", [b"", b"GET", b"GET / HTTP/1.1\r\nHost: x\r\nX: "], ids=["nothing", "a word", "some"])
async def test_a_head_must_be_there_within_its_deadline(server, said):
    reader, writer = await server.connect(said)
    await seen(server, lambda one: one._received == len(said))
    server.sweep_after(REQUEST_HEAD_S_MAX - 1)
    await settled()
    assert len(server.connections) == 1
    server.sweep_after(REQUEST_HEAD_S_MAX + 1)
    answered = await ending(reader)
    assert answered.startswith(b"HTTP/1.1 408 ") if said else answered == b""
    writer.close()


async def test_blanks_before_a_request_do_not_put_the_deadline_off(server):
    reader, writer = await server.connect(GET)
    assert (await reader.readuntil(b'"}')).startswith(b"HTTP/1.1 200 ")
    writer.write(b"\r\n")
    await seen(server, lambda one: one._received == 2)
    server.sweep_after(REQUEST_HEAD_S_MAX + 1)
    await ending(reader)
    writer.close()


async def test_a_body_must_be_there_within_its_deadline(server):
    reader, writer = await server.connect(POST)
    await seen(server, lambda one: one._received == len(POST))
    server.sweep_after(REQUEST_BODY_S_MAX - 1)
    await settled()
    assert len(server.connections) == 1
    server.sweep_after(REQUEST_BODY_S_MAX + 1)
    assert (await ending(reader)).startswith(b"HTTP/1.1 408 ")
    writer.close()


async def test_after_an_early_answer_the_rest_of_a_body_is_not_waited_for_longer_than_a_head(server):
    reader, writer = await server.connect(POST.replace(b"/v1/emails", b"/nowhere/at/all"))
    assert (await reader.readuntil(b'"}')).startswith(b"HTTP/1.1 404 ")
    server.sweep_after(REQUEST_HEAD_S_MAX + 1)
    await ending(reader)
    writer.close()


async def test_a_body_without_end_is_cut_off_though_its_answer_was_given(server):
    reader, writer = await server.connect(POST.replace(b"100", b"1000000000000").replace(b"/v1/emails", b"/nowhere"))
    assert (await reader.readuntil(b'"}')).startswith(b"HTTP/1.1 404 ")
    piece = bytes(1024 * 1024)
    taken = 0
    with suppress(OSError):
        while taken < 2 * REQUEST_WIRE_BYTES_MAX:
            writer.write(piece)
            await writer.drain()
            taken += len(piece)
    assert taken < 2 * REQUEST_WIRE_BYTES_MAX
    writer.close()


class OpenGate:
    turns = Turns()

    @staticmethod
    def refusal(_exchange):
        return None


class Door:
    """One that answers so much that no socket's buffers take it in, or nobody at all."""

    gate = OpenGate

    def __init__(self, body=None):
        self._body = body

    async def deal(self, incoming):
        if self._body is None:
            await asyncio.Event().wait()
        return Call(incoming, services=SimpleNamespace(origins=Origins()), reply=Reply(status=200, body=self._body))

    def tell(self, call, took_s): ...


async def test_who_reads_nothing_of_an_answer_is_cut_off():
    async with real_app(Door(bytes(64 * 1024 * 1024))) as server:
        _, writer = await server.connect(GET)
        await seen(server, lambda one: one._stuck_since is not None)
        server.sweep_after(ANSWER_READ_S_MAX - 1)
        await settled()
        assert len(server.connections) == 1
        server.sweep_after(ANSWER_READ_S_MAX + 1)
        await settled()
        assert len(server.connections) == 0
        writer.close()


async def test_who_waits_for_an_answer_is_not_late():
    async with real_app(Door()) as server:
        _, writer = await server.connect(GET)
        await seen(server, lambda one: one._answering is not None)
        server.sweep_after(86_400)
        await settled()
        assert len(server.connections) == 1
        writer.close()


async def test_who_speaks_finds_a_place_though_all_are_taken_by_the_silent():
    wire = ScriptedWire()
    wire.released.set()
    async with running(wire) as (services, _), real_app(build_app(services), limit=ROOM) as server:
        silent = [await server.connect(b"GET ") for _ in range(4 * ROOM)]
        for _ in range(HONEST):
            assert (await asyncio.to_thread(ask, server.port, "GET", "/healthz")).status == 200
        assert len(server.connections) <= ROOM
        for _, writer in silent:
            writer.close()


def trickle(port, count):
    """Sockets that have begun a request and go on a byte at a time, as many as this machine allows."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    sockets = []
    for _ in range(min(count, CONNECTIONS_MAX - 100, hard - 200)):
        connection = socket.create_connection((HOST, port))
        connection.sendall(b"POST /v1/emails HTTP/1.1\r\nHost: x\r\nX-A: b")
        sockets.append(connection)
    return sockets


def is_closed(connection):
    connection.settimeout(0)
    try:
        return connection.recv(4096) == b"" or is_closed(connection)
    except BlockingIOError:
        return False
    except OSError:
        return True


@pytest.mark.slow
def test_trickling_sockets_hinder_nobody_and_are_closed_when_their_time_is_over(house):
    house.token()
    before = house.rss_mib
    sockets = trickle(house.port, TRICKLERS)
    assert len(sockets) >= 500
    open_, served = list(sockets), 0
    until = time.monotonic() + REQUEST_HEAD_S_MAX + 10
    while (open_ and time.monotonic() < until) or served < HONEST:
        assert house.is_honest_to_others()
        served += 1
        for connection in open_:
            with suppress(OSError):  # closed: seen below
                connection.send(b"c")
        open_ = [connection for connection in open_ if not is_closed(connection)]
    assert open_ == []
    assert house.peak_mib < before + len(sockets) * 0.03 + 30
    for connection in sockets:
        connection.close()
