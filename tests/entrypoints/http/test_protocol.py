"""Requests of one connection over a real socket: each is answered whole, in its turn, and as one piece."""

import asyncio
import json

import pytest

from everpost.entrypoints.http.exchange import BODY_WAITING_MAX
from everpost.model.limits import BODY_BYTES_MAX
from http_kit import NATIVE
from socket_kit import Connection, until

HEALTH = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"


def post(body, path="/v1/emails", more=""):
    return f"POST {path} HTTP/1.1\r\nHost: localhost\r\n{more}Content-Length: {len(body)}\r\n\r\n".encode() + body


async def test_a_connection_carries_one_request_after_the_other(connection):
    for _ in range(3):
        connection.writer.write(HEALTH)
        status, headers, body = await connection.answer()
        assert (status, json.loads(body)["status"]) == (200, "ok")
        assert "connection" not in headers


async def test_an_answer_is_one_write(server, connection, monkeypatch):
    connection.writer.write(HEALTH)
    await connection.answer()
    written, protocol = [], server.protocol
    monkeypatch.setattr(protocol, "write", written.append)
    protocol.data_received(post(json.dumps(NATIVE).encode()))
    await asyncio.gather(*server.server_state.tasks)
    [answer] = written
    assert answer.startswith(b"HTTP/1.1 202 Accepted\r\n")
    assert answer.endswith(b"}")


async def test_requests_sent_without_waiting_are_answered_in_their_order(connection):
    paths = ["/healthz", "/nowhere/1", "/readyz", "/nowhere/2"]
    connection.writer.write(b"".join(HEALTH.replace(b"/healthz", path.encode()) for path in paths))
    answers = [await connection.answer() for _ in paths]
    assert [status for status, _, _ in answers] == [200, 404, 200, 404]
    assert [json.loads(body).get("instance") for _, _, body in answers[1::2]] == ["/nowhere/1", "/nowhere/2"]


async def test_a_body_may_come_in_pieces(connection):
    request = post(json.dumps(NATIVE).encode())
    for start in range(0, len(request), 40):
        connection.writer.write(request[start : start + 40])
        await connection.writer.drain()
        await asyncio.sleep(0)
    assert (await connection.answer())[0] == 202


async def test_a_chunked_body_is_put_together(connection):
    body = json.dumps(NATIVE).encode()
    head = b"POST /v1/emails HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    connection.writer.write(head + b"5\r\n" + body[:5] + b"\r\n%x\r\n" % (len(body) - 5) + body[5:] + b"\r\n0\r\n\r\n")
    assert (await connection.answer())[0] == 202


async def test_a_large_body_waits_outside_while_nobody_reads_it(server, connection, monkeypatch):
    connection.writer.write(HEALTH)
    await connection.answer()
    protocol, paused = server.protocol, []
    monkeypatch.setattr(protocol.transport.__class__, "pause_reading", lambda _: paused.append(True), raising=False)
    body = json.dumps(NATIVE | {"text": "x" * 3 * BODY_WAITING_MAX}).encode()
    protocol.data_received(post(body)[: 2 * BODY_WAITING_MAX])
    assert protocol._is_read_paused
    protocol.data_received(post(body)[2 * BODY_WAITING_MAX :])
    assert (await connection.answer())[0] == 202
    assert not protocol._is_read_paused
    assert paused


async def test_who_waits_for_a_word_before_the_body_gets_it(connection):
    body = json.dumps(NATIVE).encode()
    request = post(body, more="Expect: 100-continue\r\n")
    connection.writer.write(request[: -len(body)])
    assert (await connection.reader.readuntil(b"\r\n\r\n")) == b"HTTP/1.1 100 Continue\r\n\r\n"
    connection.writer.write(body)
    assert (await connection.answer())[0] == 202


async def test_who_is_refused_by_the_head_alone_is_not_told_to_go_on(connection):
    connection.writer.write(post(b"x" * 9, "/nowhere", "Expect: 100-continue\r\n")[:-9])
    assert (await connection.answer())[0] == 404


async def test_what_is_left_of_a_refused_body_is_skipped(connection):
    request = post(b"x" * 5000, "/nowhere")
    connection.writer.write(request[:-4000])
    assert (await connection.answer())[0] == 404
    connection.writer.write(request[-4000:] + HEALTH)
    assert (await connection.answer())[0] == 200


async def test_a_body_that_is_announced_as_too_large_ends_the_connection(connection):
    connection.writer.write(
        post(b"", more=f"Content-Length: {BODY_BYTES_MAX + 1}\r\n").replace(b"Content-Length: 0\r\n", b"")
    )
    status, headers, _ = await connection.answer()
    assert (status, headers["connection"]) == (413, "close")
    assert await connection.ended() == b""


async def test_who_was_answered_and_never_ends_its_body_gets_no_second_answer(server, connection):
    """It would be taken for the answer to what is sent next."""
    connection.writer.write(post(b"x" * 5000, "/nowhere")[:-4000])
    assert (await connection.answer())[0] == 404
    server.protocol.end("too late")
    assert await connection.ended() == b""


async def test_what_can_not_be_read_is_not_refused_before_the_answer_to_the_request_before_it(server, connection):
    """That would be taken for the answer to the mail, which is accepted."""
    connection.writer.write(post(json.dumps(NATIVE).encode()))
    await until(lambda: server.server_state.connections and server.protocol._answering is not None)
    server.protocol.data_received(b"this is not HTTP\r\n\r\n")
    assert b"400" not in await connection.ended()


@pytest.mark.parametrize("more", [b"Connection: close\r\n", b""], ids=["asked", "HTTP/1.0"])
async def test_a_connection_ends_after_its_answer_where_that_is_what_the_caller_wants(connection, more):
    version = b"1.1" if more else b"1.0"
    connection.writer.write(b"GET /healthz HTTP/%b\r\nHost: localhost\r\n%b\r\n" % (version, more))
    answer = await connection.ended()
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\nconnection: close\r\n" in answer


async def test_the_answer_to_head_has_no_body(connection):
    connection.writer.write(HEALTH.replace(b"GET", b"HEAD") + HEALTH)
    status, headers, _ = await connection.answer(bodyless=True)
    assert status == 200
    assert headers["content-length"] == str(len((await connection.answer())[2]))


@pytest.mark.parametrize(
    ("target", "instance"),
    [
        ("/no%20w?here", "/no%20w"),
        ("http://localhost/nowhere?x=1", "/nowhere"),
        ("/caf%C3%A9", "/caf%C3%A9"),
        ("/nowhere#place", "/nowhere"),
    ],
)
async def test_targets_are_read_as_they_are_meant(connection, target, instance):
    connection.writer.write(HEALTH.replace(b"/healthz", target.encode()))
    status, _, body = await connection.answer()
    assert (status, json.loads(body)["instance"]) == (404, instance)


@pytest.mark.parametrize(
    "bad",
    [b"nonsense\r\n\r\n", b"GET /\xff HTTP/1.1\r\n\r\n", b"CONNECT x:1 HTTP/1.1\r\n\r\n"],
    ids=["words", "path", "proxy"],
)
async def test_what_is_not_http_is_a_400_and_the_end(connection, bad):
    connection.writer.write(bad)
    status, headers, _ = await connection.answer()
    assert (status, headers["connection"]) == (400, "close")
    assert await connection.ended() == b""


async def test_a_wish_for_another_protocol_is_answered_as_a_plain_request(connection):
    connection.writer.write(HEALTH[:-2] + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
    status, headers, _ = await connection.answer()
    assert (status, headers["connection"]) == (200, "close")
    assert await connection.ended() == b""


async def test_who_leaves_in_mid_body_is_logged_as_gone(server, connection, caplog):
    caplog.set_level("INFO", logger="everpost.entrypoints.http.door")
    connection.writer.write(post(b"x" * 100)[:-50])
    await connection.writer.drain()
    await until(lambda: server.server_state.tasks)
    connection.writer.close()
    await until(lambda: not server.server_state.tasks)
    assert [record.status for record in caplog.records] == [499]


async def test_who_leaves_while_its_mail_is_accepted_has_sent_it_all_the_same(server, connection, services):
    connection.writer.write(post(json.dumps(NATIVE).encode()))
    await connection.writer.drain()
    await until(lambda: server.server_state.tasks)
    server.protocol.transport.abort()
    await until(lambda: not server.server_state.tasks)
    assert (await services.console.counts()).accepted == 1


async def test_a_caller_who_does_not_read_is_written_nothing_more(server, connection):
    connection.writer.write(HEALTH)
    await connection.answer()
    protocol, written = server.protocol, []
    protocol.pause_writing()
    protocol.write = written.append
    protocol.data_received(HEALTH)
    for _ in range(5):
        await asyncio.sleep(0)
    assert written == []
    protocol.resume_writing()
    await asyncio.gather(*server.server_state.tasks)
    assert len(written) == 1


async def test_a_stop_ends_what_rests_and_lets_finish_what_works(server, connection):
    connection.writer.write(HEALTH)
    await connection.answer()
    at_work = Connection(*await asyncio.open_connection(*server.address))
    request = post(json.dumps(NATIVE).encode())
    at_work.writer.write(request[:-5])
    await at_work.writer.drain()
    await until(lambda: server.server_state.tasks)
    for protocol in list(server.server_state.connections):
        protocol.shutdown()
    assert await connection.ended() == b""
    at_work.writer.write(request[-5:])
    status, headers, _ = await at_work.answer()
    assert (status, headers["connection"]) == (202, "close")
    assert await at_work.ended() == b""
    at_work.writer.close()


async def test_a_bug_at_the_door_costs_the_connection_and_not_the_server(server, connection, monkeypatch, caplog):
    connection.writer.write(HEALTH)
    await connection.answer()

    async def broken(_):
        raise RuntimeError("a bug")

    with monkeypatch.context() as patch:
        patch.setattr(server.protocol._door, "deal", broken)
        connection.writer.write(HEALTH)
        assert await connection.ended() == b""
    assert "a connection broke" in caplog.text
    again = Connection(*await asyncio.open_connection(*server.address))
    again.writer.write(HEALTH)
    assert (await again.answer())[0] == 200
    again.writer.close()
