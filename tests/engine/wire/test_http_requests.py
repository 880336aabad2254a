"""What leaves for an HTTP server: these bytes and no others, in time or not at all, and never twice."""

import asyncio

import pytest

from everpost.engine.wire.http import TAIL_BYTES
from everpost.engine.wire.stream import PIECE_BYTES
from everpost.providers.contract import HttpRequest, HttpResponse, Phase
from scripted_server import Peer, ScriptedServer, happened, settled
from wire_kit import ABSORBED, LARGE, OK, body_of, outcome, patient, post


async def takes_it(peer):
    while True:
        await peer.request()
        peer.send(OK)


async def test_a_request_is_written_as_it_was_given(send, tls):
    async with ScriptedServer(takes_it, tls=tls) as server:
        url = f"{server.url}/v3/mail?a=%20b&c"
        request = HttpRequest(method="POST", url=url, headers={"X-Key": "é key", "x-other": ""}, body=b"\x00mail")
        assert await send(server, request) == HttpResponse(status=200, headers={"content-length": "2"}, body=b"ok")
        host = f"127.0.0.1:{server.port}".encode()
        assert server.received == (
            b"POST /v3/mail?a=%20b&c HTTP/1.1\r\n"
            b"Host: " + host + b"\r\nX-Key: \xe9 key\r\nx-other: \r\nContent-Length: 5\r\n\r\n\x00mail"
        )


@pytest.mark.parametrize(
    ("method", "path", "start", "length"),
    [("GET", "", b"GET / HTTP/1.1\r\n", False), ("DELETE", "/a", b"DELETE /a HTTP/1.1\r\n", True)],
)
async def test_an_empty_body_has_a_length_unless_the_method_has_no_body(send, method, path, start, length):
    async with ScriptedServer(takes_it) as server:
        await send(server, HttpRequest(method=method, url=server.url + path, headers={}))
        assert server.received.startswith(start)
        assert (b"\r\nContent-Length: 0\r\n" in server.received) is length


@pytest.mark.parametrize(
    "size",
    [0, 1, TAIL_BYTES - 200, TAIL_BYTES, TAIL_BYTES + 1, PIECE_BYTES + TAIL_BYTES, 3 * PIECE_BYTES + 17, LARGE],
)
async def test_a_request_of_any_size_arrives_whole_and_its_connection_serves_the_next_one(send, tls, size):
    async with ScriptedServer(takes_it, tls=tls) as server:
        assert [outcome(await send(server, post(server, size))) for _ in range(2)] == [200, 200]
        assert [request.partition(b"\r\n\r\n")[2] for request in server.requests] == [body_of(size)] * 2
        assert server.connections == 1


@pytest.mark.parametrize("late_by_s", [0.001, 3600.0])
@pytest.mark.parametrize("size", [100, LARGE])
async def test_after_its_time_not_one_byte_of_a_request_leaves(send, tls, late_by_s, size):
    async with ScriptedServer(takes_it, tls=tls) as server:
        answer = await send(server, post(server, size), not_after=send.clock() - late_by_s)
        await settled()
        assert (outcome(answer), server.received) == ((Phase.DEADLINE, False), b"")
        assert outcome(await send(server, post(server), not_after=send.clock())) == 200


async def test_the_time_is_looked_at_when_the_connection_stands(send):
    async def slow_name_server(*_, **__):
        send.clock.now += 10
        return await names("127.0.0.1", server.port)

    async with ScriptedServer(takes_it) as server:
        loop = asyncio.get_running_loop()
        names, loop.getaddrinfo = loop.getaddrinfo, slow_name_server
        assert outcome(await send(server, post(server), not_after=send.clock() + 9)) == (Phase.DEADLINE, False)
        assert server.received == b""


@pytest.mark.parametrize(
    ("url", "headers"),
    [
        ("/a\r\nX: y", {}),
        ("/a\nb", {}),
        ("/a\tb", {}),
        ("/a b", {}),
        ("/a\x00", {}),
        ("/ä", {}),
        ("/", {"X": "a\r\nY: b"}),
        ("/", {"X": "a\nb"}),
        ("/", {"X": "a\rb"}),
        ("/", {"X": "a\x00b"}),
        ("/", {"X": "Ω"}),
        ("/", {"X\r\nY": "a"}),
        ("/", {"X: Y": "a"}),
        ("/", {"": "a"}),
    ],
)
async def test_what_would_be_read_as_something_else_is_refused_before_anything_leaves(send, url, headers):
    async with ScriptedServer(takes_it) as server:
        with pytest.raises(ValueError):
            await send(server, HttpRequest(method="POST", url=server.url + url, headers=headers))
        assert server.connections == 0


@pytest.mark.parametrize("method", ["", "GET /other", "GET\r\nX: y", "GÉT"])
async def test_a_method_is_one_word(send, method):
    with pytest.raises(ValueError, match="a method"):
        await send.wire.send(HttpRequest(method=method, url="http://127.0.0.1/", headers={}), patient(), send.clock())


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/", "http:///mail", "127.0.0.1/mail", "https://"])
async def test_only_http_and_https_addresses_with_a_host_are_called(send, url):
    with pytest.raises(ValueError, match="not an http or https address"):
        await send.wire.send(HttpRequest(method="GET", url=url, headers={}), patient(), send.clock())


@pytest.mark.parametrize("size", [100, LARGE])
async def test_a_cancelled_request_ends_its_connection_at_once(send, tls, size):
    begun = asyncio.Event()

    async def waits(peer):
        await peer.read(1000)
        begun.set()
        if size == LARGE:
            await go_on.wait()
        await peer.until_left()

    go_on = asyncio.Event()
    async with ScriptedServer(waits, tls=tls, narrow=True) as server:
        task = asyncio.create_task(send(server, post(server, size)))
        await happened(begun)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        go_on.set()
        await happened(server.left)
        assert len(server.received) < LARGE, "what had not left yet never did"
        assert server.connections == 1


@pytest.mark.parametrize(
    ("size", "timeouts", "said"),
    [(LARGE, patient(write_s=0.05), (Phase.WRITE, False)), (ABSORBED, patient(answer_s=0.05), (Phase.ANSWER, True))],
)
async def test_a_request_that_was_given_up_does_not_arrive_later(send, tls, size, timeouts, said):
    """Neither from our buffers nor from the kernel's, which would try for minutes: by then somebody may have asked the
    provider, been told that it is not there, and sent it elsewhere."""
    go_on = asyncio.Event()
    peers: list[Peer] = []

    async def stalls(peer):
        peers.append(peer)
        await peer.read(1000)
        await go_on.wait()
        await peer.until_left()

    async with ScriptedServer(stalls, tls=tls, narrow=True) as server:
        assert outcome(await send(server, post(server, size), timeouts)) == said
        await settled()
        assert peers[0].was_reset, "at once, though the server has not read what it had"
        go_on.set()
        await happened(server.left)
        assert len(server.received) < size
