"""Every form in which an HTTP answer may come, in one piece and byte by byte, and what of it the wire gives back."""

import pytest

from everpost.model.limits import ANSWER_BODY_BYTES_MAX, ANSWER_HEAD_BYTES_MAX
from everpost.providers.contract import HttpRequest, HttpResponse, Phase
from scripted_server import ScriptedServer
from wire_kit import OK, get, outcome, post

HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"

ANSWERS = {
    "length": (HEAD + b"Content-Length: 3\r\n\r\nabc", 200, {"content-length": "3"}, b"abc"),
    "no body": (b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n", 202, {"content-length": "0"}, b""),
    "no reason": (b"HTTP/1.1 202\r\nContent-Length: 0\r\n\r\n", 202, {"content-length": "0"}, b""),
    "HTTP/1.0": (b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nabc", 200, {"content-length": "3"}, b"abc"),
    "chunks": (CHUNKED + b"2\r\nab\r\n1\r\nc\r\n0\r\n\r\n", 200, {"transfer-encoding": "chunked"}, b"abc"),
    "chunk extension": (CHUNKED + b"3;a=b\r\nabc\r\n0\r\n\r\n", 200, {"transfer-encoding": "chunked"}, b"abc"),
    "204": (b"HTTP/1.1 204 No Content\r\nX: y\r\n\r\n", 204, {"x": "y"}, b""),
    "304 with a length": (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\n", 304, {"content-length": "3"}, b""),
    "100 before": (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, 200, {"content-length": "2"}, b"ok"),
    "several 1xx before": (
        b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + b"HTTP/1.1 102 Processing\r\n\r\n" * 3 + OK,
        200,
        {"content-length": "2"},
        b"ok",
    ),
    "repeated headers": (
        HEAD + b"X-A: 1\r\nx-a: 2\r\nContent-Length: 0\r\n\r\n",
        200,
        {"x-a": "1, 2", "content-length": "0"},
        b"",
    ),
    "empty and foreign values": (
        HEAD + b"X-A:\r\nX-B: \xe4\r\nContent-Length: 0\r\n\r\n",
        200,
        {"x-a": "", "x-b": "ä", "content-length": "0"},
        b"",
    ),
    "offers another protocol": (
        HEAD + b"Upgrade: h2c\r\nConnection: Upgrade\r\nContent-Length: 2\r\n\r\nok",
        200,
        {"upgrade": "h2c", "connection": "Upgrade", "content-length": "2"},
        b"ok",
    ),
    "ends with the connection": (HEAD + b"X: y\r\n\r\nabc", 200, {"x": "y"}, b"abc"),
    "1xx, then ends with the connection": (b"HTTP/1.1 100 Continue\r\n\r\n" + HEAD + b"\r\nabc", 200, {}, b"abc"),
    "error": (b"HTTP/1.1 503 Busy\r\nRetry-After: 3\r\nContent-Length: 1\r\n\r\n!", 503,
              {"retry-after": "3", "content-length": "1"}, b"!"),
}  # fmt: skip


@pytest.mark.parametrize("byte_by_byte", [False, True])
@pytest.mark.parametrize("name", ANSWERS)
async def test_an_answer_is_given_back_as_it_came(send, tls, name, byte_by_byte):
    raw, status, headers, body = ANSWERS[name]

    async def script(peer):
        await peer.request()
        for piece in (raw[at : at + 1] for at in range(len(raw))) if byte_by_byte else (raw,):
            peer.send(piece)
            await peer.drained()

    async with ScriptedServer(script, tls=tls) as server:
        assert await send(server, post(server)) == HttpResponse(status=status, headers=headers, body=body)


async def test_trailers_are_read_and_overwrite_nothing(send):
    async def script(peer):
        await peer.request()
        peer.send(HEAD + b"X-Id: 1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Id: 2\r\nX-Late: 3\r\n\r\n")
        await peer.request()
        peer.send(OK)

    async with ScriptedServer(script) as server:
        answer = await send(server, post(server))
        assert answer.headers == {"x-id": "1", "transfer-encoding": "chunked"}
        assert outcome(await send(server, post(server))) == 200
        assert server.connections == 1, "the trailers were read to their end"


@pytest.mark.parametrize(
    ("length", "more"), [(1000, b""), (0, b""), (0, b"HTTP/1.1 201 Stale\r\nContent-Length: 0\r\n\r\n")]
)
async def test_head_has_no_body_whatever_its_length_says(send, tls, length, more):
    async def script(peer):
        await peer.request()
        peer.send(HEAD + b"Content-Length: %d\r\n\r\n" % length + more)
        await peer.hang()

    async with ScriptedServer(script, tls=tls) as server:
        request = HttpRequest(method="HEAD", url=server.url, headers={})
        assert await send(server, request) == HttpResponse(status=200, headers={"content-length": str(length)})


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_an_answer_and_is_never_followed(send, status):
    async def script(peer):
        await peer.request()
        peer.send(b"HTTP/1.1 %d Elsewhere\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n" % status)
        await peer.request()

    async with ScriptedServer(script) as server:
        answer = await send(server, get(server))
        assert (outcome(answer), answer.headers["location"]) == (status, "/other")
        assert (len(server.requests), server.connections) == (1, 1)


async def test_over_tls_a_body_that_ends_with_the_connection_is_whole_only_if_the_end_was_told(send, trusted):
    """An attacker can end a TCP connection, but not say goodbye in TLS (RFC 9112 9.8)."""

    async def script(peer):
        await peer.request()
        peer.send(HEAD + b"\r\nabc")
        await peer.drained()
        peer.cut()

    async with ScriptedServer(script, tls=trusted) as server:
        assert outcome(await send(server, post(server))) == (Phase.ANSWER, True)


async def test_the_largest_head_and_body_that_are_allowed_are_read(send):
    start, end = HEAD + b"X: ", b"\r\nContent-Length: %d\r\n\r\n" % ANSWER_BODY_BYTES_MAX
    value = b"x" * (ANSWER_HEAD_BYTES_MAX - len(start) - len(end))

    async def script(peer):
        await peer.request()
        peer.send(start + value + end + bytes(ANSWER_BODY_BYTES_MAX))

    async with ScriptedServer(script) as server:
        answer = await send(server, post(server))
        assert answer.headers["x"] == value.decode()
        assert len(answer.body) == ANSWER_BODY_BYTES_MAX
