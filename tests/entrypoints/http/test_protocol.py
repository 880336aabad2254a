"""Answers leave as one piece, and as a whole."""

import asyncio
import socket

import pytest
import uvicorn

from everpost.entrypoints.http.protocol import JoinedWrites, Protocol


class Transport:
    def __init__(self):
        self.written = []
        self.closing = False

    def write(self, data):
        self.written.append(data)

    def is_closing(self):
        return self.closing

    def close(self):
        self.closing = True

    def get_extra_info(self, name):
        return f"the {name}"


@pytest.fixture
def transport():
    return Transport()


async def test_a_head_and_its_body_are_one_write(transport):
    joined = JoinedWrites(transport)
    for piece in (b"head 1, ", b"body 1", b"head 2, ", b"body 2"):
        joined.write(piece)
    assert transport.written == [b"head 1, body 1", b"head 2, body 2"]
    await asyncio.sleep(0)
    assert len(transport.written) == 2


async def test_what_nothing_follows_leaves_in_the_same_turn(transport):
    joined = JoinedWrites(transport)
    joined.write(b"100 Continue")
    assert transport.written == []
    await asyncio.sleep(0)
    assert transport.written == [b"100 Continue"]


async def test_an_empty_body_lets_its_head_go(transport):
    joined = JoinedWrites(transport)
    joined.write(b"204")
    joined.write(b"")
    assert transport.written == [b"204"]


async def test_what_is_held_leaves_before_the_end(transport):
    joined = JoinedWrites(transport)
    joined.write(b"last words")
    joined.close()
    assert (transport.written, transport.closing) == ([b"last words"], True)


async def test_nothing_is_written_to_a_connection_that_ends(transport):
    joined = JoinedWrites(transport)
    joined.write(b"too late")
    transport.closing = True
    await asyncio.sleep(0)
    assert transport.written == []


async def test_all_else_is_the_transports_own(transport):
    assert JoinedWrites(transport).get_extra_info("peername") == "the peername"


async def app(scope, _receive, send):
    """Answers /204 with no body, /stream with two pieces, some time apart, and anything else with its path."""
    path = scope["path"]
    start = {"type": "http.response.start", "status": 204 if path == "/204" else 200, "headers": []}
    if path == "/204":
        await send(start)
        await send({"type": "http.response.body", "body": b""})
        return
    body = path.encode()
    await send(start | {"headers": [(b"content-length", b"%d" % len(body))]})
    for piece, more in ((body[:4], True), (body[4:], False)) if path == "/stream" else ((body, False),):
        await send({"type": "http.response.body", "body": piece, "more_body": more})
        await asyncio.sleep(0.01)


@pytest.fixture
async def connection():
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, http=Protocol, lifespan="off", log_config=None, access_log=False)
    server = uvicorn.Server(config)
    config.load()
    server.lifespan = config.lifespan_class(config)
    await server.startup([listening])
    reader, writer = await asyncio.open_connection(*listening.getsockname())
    yield reader, writer
    writer.close()
    server.should_exit = True
    await server.shutdown([listening])


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("GET /hello", b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n/hello"),
        ("HEAD /hello", b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n"),
        ("GET /204", b"HTTP/1.1 204 No Content\r\n\r\n"),
        ("GET /stream", b"HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\n/stream"),
    ],
)
async def test_answers_come_whole_over_a_connection_that_stays(connection, asked, answered):
    reader, writer = connection
    for _ in range(3):
        writer.write(f"{asked} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert await reader.readexactly(len(answered)) == answered


async def test_the_last_answer_is_whole_before_the_connection_ends(connection):
    reader, writer = connection
    writer.write(b"GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert (await reader.read()).endswith(b"\r\n\r\n/hello")
