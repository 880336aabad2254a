"""The HTTP room over a real engine."""

import asyncio
import socket

import pytest

from everpost.entrypoints.http.app import build_app
from http_kit import Caller, OneMailInbox, ScriptedWire, running
from socket_kit import Connection, Server


@pytest.fixture
def wire():
    wire = ScriptedWire()
    wire.released.set()
    return wire


@pytest.fixture
async def running_engine(wire):
    async with running(wire, inbox=OneMailInbox()) as pair:
        yield pair


@pytest.fixture
def services(running_engine):
    return running_engine[0]


@pytest.fixture
def engine(running_engine):
    return running_engine[1]


@pytest.fixture
def call(services):
    return Caller(build_app(services))


@pytest.fixture
async def server(services):
    listening = socket.create_server(("127.0.0.1", 0))
    server = Server(build_app(services))
    await server.startup([listening])
    server.address = listening.getsockname()
    yield server
    server.should_exit = True
    await server.shutdown([listening])


@pytest.fixture
async def connection(server):
    reader, writer = await asyncio.open_connection(*server.address)
    yield Connection(reader, writer)
    writer.close()
