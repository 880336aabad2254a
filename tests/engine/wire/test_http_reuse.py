"""Connections that serve more than one request: no answer is ever taken for another one's, and nothing is repeated."""

import asyncio

import pytest

from everpost.engine.wire import http
from everpost.engine.wire.http import IDLE_S
from everpost.providers.contract import HttpRequest, Phase
from scripted_server import Peer, ScriptedServer, happened, settled
from wire_kit import OK, outcome, patient, post

STALE = b"HTTP/1.1 201 Stale\r\nContent-Length: 5\r\n\r\nstale"


async def takes_all(peer):
    while True:
        await peer.request()
        peer.send(OK)


def answers_once_and_then(deed):
    """The first connection is answered once; the others as long as they last."""

    async def script(peer):
        await peer.request()
        peer.send(OK)
        await peer.drained()
        if peer.number == 1:
            await deed(peer)
        else:
            await takes_all(peer)

    return script


def kept_in(idle: list[Peer]):
    async def keep(peer):
        idle.append(peer)
        await peer.hang()

    return keep


async def twice(send, server, between=None):
    """Outcomes of two requests after each other."""
    first = outcome(await send(server, post(server, path="/1")))
    if between is not None:
        await between()
    return first, outcome(await send(server, post(server, path="/2")))


async def test_a_connection_serves_many_requests_and_each_gets_its_own_answer(send, tls):
    async def echoes(peer):
        while True:
            target = (await peer.request()).split(b" ")[1]
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(target), target))

    async with ScriptedServer(echoes, tls=tls) as server:
        for number in range(5):
            assert (await send(server, post(server, path=f"/{number}"))).body == b"/%d" % number
        assert server.connections == 1


@pytest.mark.parametrize(
    ("answer", "connections"),
    [
        (OK, 1),
        (b"HTTP/1.1 204 No Content\r\n\r\n", 1),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", 1),
        (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok", 1),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", 2),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", 2),
        (OK + b"surplus", 2),
        (OK + STALE, 2),
    ],
)
async def test_only_a_connection_that_is_left_clean_is_used_again(send, tls, answer, connections):
    async def script(peer):
        while True:
            await peer.request()
            peer.send(answer)

    async with ScriptedServer(script, tls=tls) as server:
        first, second = await twice(send, server)
        assert first == second
        assert first != 201
        assert server.connections == connections
        assert len(server.requests) == 2


@pytest.mark.parametrize(
    "second", [STALE, b"HTTP/1.1 201 Stale\r\nX-A: 2\r\n\r\nstale", b"HTTP/1.1 102 Processing\r\n\r\n", b"nonsense"]
)
async def test_the_first_of_two_answers_counts_with_its_own_headers_and_body(send, tls, second):
    async def script(peer):
        await peer.request()
        peer.send(b"HTTP/1.1 400 Bad\r\nX-A: 1\r\nContent-Length: 3\r\n\r\nbad" + second)

    async with ScriptedServer(script, tls=tls) as server:
        answer = await send(server, post(server))
        assert (answer.status, answer.headers, answer.body) == (400, {"x-a": "1", "content-length": "3"}, b"bad")


async def test_a_second_answer_that_ends_with_the_connection_does_not_take_the_place_of_the_first(send, tls):
    async def script(peer):
        await peer.request()
        peer.send(b"HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 201 Stale\r\n\r\nstale")

    async with ScriptedServer(script, tls=tls) as server:
        assert outcome(await send(server, post(server))) == 204


@pytest.mark.parametrize("deed", [Peer.close, Peer.cut, Peer.reset])
async def test_a_connection_that_the_server_ended_while_it_was_idle_is_not_used_again(send, tls, deed):
    idle: list[Peer] = []

    async def ends():
        deed(idle[0])
        await settled()

    async with ScriptedServer(answers_once_and_then(kept_in(idle)), tls=tls) as server:
        assert await twice(send, server, ends) == (200, 200)
        assert (server.connections, len(server.requests)) == (2, 2)


async def test_an_end_that_has_arrived_unseen_on_an_idle_connection_disqualifies_it(send, tls):
    """It lies in the socket, and the event loop had no chance to read it: the moment in which most clients fail."""
    idle: list[Peer] = []

    async def ends():
        idle[0].end_at_once()

    async with ScriptedServer(answers_once_and_then(kept_in(idle)), tls=tls) as server:
        assert await twice(send, server, ends) == (200, 200)
        assert (server.connections, len(server.requests)) == (2, 2)


@pytest.mark.parametrize("late", [STALE, b"HTTP/1.1 408 Request Timeout\r\n\r\n", b"x"])
async def test_an_answer_that_has_arrived_unseen_on_an_idle_connection_is_not_given_to_the_next_request(send, late):
    idle: list[Peer] = []

    async def comes_late():
        idle[0].send_at_once(late)

    async with ScriptedServer(answers_once_and_then(kept_in(idle))) as server:
        assert await twice(send, server, comes_late) == (200, 200)
        assert (server.connections, len(server.requests)) == (2, 2)


async def test_an_answer_that_nobody_has_asked_for_ends_an_idle_connection(send, tls):
    async def says_more(peer):
        peer.send(STALE)
        await peer.until_left()

    async with ScriptedServer(answers_once_and_then(says_more), tls=tls) as server:
        assert outcome(await send(server, post(server))) == 200
        await happened(server.left)
        assert outcome(await send(server, post(server))) == 200


@pytest.mark.parametrize("deed", [Peer.close, Peer.cut, Peer.reset])
async def test_a_connection_that_ends_exactly_as_we_write_may_have_taken_it_and_it_is_not_repeated(send, tls, deed):
    async def ends_when_written_to(peer):
        await peer.read(1)
        deed(peer)

    async with ScriptedServer(answers_once_and_then(ends_when_written_to), tls=tls) as server:
        assert await twice(send, server) == (200, (Phase.ANSWER, True))
        assert (server.connections, len(server.requests)) == (1, 1)


async def test_the_late_answer_to_a_request_that_was_given_up_reaches_no_other_one(send, tls):
    async def answers_late(peer):
        while True:
            target = (await peer.request()).split(b" ")[1]
            if target == b"/2":
                await given_up.wait()
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n" + target)

    given_up = asyncio.Event()
    async with ScriptedServer(answers_late, tls=tls) as server:
        assert (await send(server, post(server, path="/1"))).body == b"/1"
        assert outcome(await send(server, post(server, path="/2"), patient(answer_s=0.05))) == (Phase.ANSWER, True)
        given_up.set()
        assert (await send(server, post(server, path="/3"))).body == b"/3"
        assert (server.connections, len(server.requests)) == (2, 3)


@pytest.mark.parametrize(("idle_s", "connections"), [(IDLE_S - 0.1, 1), (IDLE_S, 2)])
async def test_a_connection_that_was_idle_for_long_is_ended_and_not_used_again(send, tls, idle_s, connections):
    async def time_passes():
        send.clock.now += idle_s

    async with ScriptedServer(takes_all, tls=tls) as server:
        assert await twice(send, server, time_passes) == (200, 200)
        assert server.connections == connections


async def test_connections_that_nobody_needs_any_more_are_ended(send):
    async with ScriptedServer(takes_all) as server:
        await asyncio.gather(*(send(server, post(server)) for _ in range(2)))
        for _ in range(2):
            send.clock.now += IDLE_S * 0.6
            assert outcome(await send(server, post(server))) == 200
        await happened(server.left)
        assert server.connections == 2


async def test_no_more_connections_than_allowed_and_a_wait_for_one_that_ends(send, monkeypatch):
    monkeypatch.setattr(http, "CONNECTIONS_MAX", 2)
    go_on = asyncio.Event()

    async def waits(peer):
        await peer.request()
        await go_on.wait()
        peer.send(OK)
        await takes_all(peer)

    async with ScriptedServer(waits) as server:
        tasks = [asyncio.create_task(send(server, post(server))) for _ in range(2)]
        await server.until(lambda: len(server.requests) == 2)
        assert outcome(await send(server, post(server), patient(connect_s=0.05))) == (Phase.CONNECT, False)
        waiting = asyncio.create_task(send(server, post(server)))
        go_on.set()
        assert [outcome(answer) for answer in await asyncio.gather(*tasks, waiting)] == [200, 200, 200]
        assert (server.connections, len(server.requests)) == (2, 3)


@pytest.mark.parametrize("ended_by", ["cancel", "fault", "refusal"])
async def test_every_end_of_a_request_gives_its_place_back(send, monkeypatch, ended_by):
    monkeypatch.setattr(http, "CONNECTIONS_MAX", 1)

    async def script(peer):
        await peer.request()
        if peer.number == 1:
            await peer.until_left()
        else:
            peer.send(OK)

    async with ScriptedServer(script) as server:
        if ended_by == "cancel":
            task = asyncio.create_task(send(server, post(server)))
            await server.until(lambda: server.requests)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        elif ended_by == "fault":
            assert outcome(await send(server, post(server), patient(answer_s=0.05))) == (Phase.ANSWER, True)
        else:
            unresolvable = HttpRequest(method="GET", url=server.url.replace("127.0.0.1", "a..b"), headers={})
            for _ in range(2):
                assert outcome(await send(server, unresolvable)) == (Phase.DNS, False)
            return
        assert outcome(await send(server, post(server))) == 200


async def test_closing_the_wire_ends_the_idle_connections(send, tls):
    async with ScriptedServer(answers_once_and_then(Peer.until_left), tls=tls) as server:
        assert outcome(await send(server, post(server))) == 200
        await send.wire.close()
        await happened(server.left)
        assert server.torn_down == 0, "nothing was owed"
