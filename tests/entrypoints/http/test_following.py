"""Events as they come: server-sent events over a real connection."""

import asyncio
import http.client
import json
import socket
from contextlib import suppress
from dataclasses import replace

import pytest

from everpost.engine import feed
from everpost.entrypoints.http import following
from everpost.entrypoints.http.app import build_app
from everpost.model.event import Event, EventType
from everpost.model.key import Scope
from everpost.model.limits import STREAMS_MAX
from http_kit import NATIVE, Caller
from socket_kit import Connection, Server, until

NOW = 1_800_000_000.0


class Stream:
    """What a reader of server-sent events makes of the bytes."""

    def __init__(self, reader, writer):
        self.connection = Connection(reader, writer)
        self.comments = 0
        self.retry = None

    async def block(self):
        """The fields of the next block, as the standard reads them; None: the stream has ended."""
        raw = (await self.connection.reader.readuntil(b"\n\n")).decode()
        fields = {}
        for line in raw.strip("\n").split("\n"):
            name, _, value = line.partition(":")
            fields[name] = value.removeprefix(" ")
        return fields

    async def event(self):
        async with asyncio.timeout(20):
            while "data" not in (fields := await self.block()):
                self.comments += "" in fields
                self.retry = fields.get("retry", self.retry)
            event = json.loads(fields["data"])
            assert int(fields["id"]) == int(event["sequence"])
            return event

    async def events(self, count):
        return [await self.event() for _ in range(count)]

    async def ended(self):
        """What comes before the end."""
        async with asyncio.timeout(20):
            return await self.connection.ended()

    def close(self):
        self.connection.writer.close()


@pytest.fixture
async def follow(server):
    opened = []

    async def ask(query="", *, to=None, expect=200, **headers):
        reader, writer = await asyncio.open_connection(*(to or server).address)
        stream = Stream(reader, writer)
        opened.append(stream)
        fields = {"host": "127.0.0.1", "accept": "text/event-stream"} | headers
        lines = [f"GET /v1/events{query} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items()), "", ""]
        writer.write("\r\n".join(lines).replace("last_event_id", "last-event-id").encode())
        if expect != 200:
            return await stream.connection.answer()
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        assert head[0] == "HTTP/1.1 200 OK"
        stream.headers = dict(line.split(": ", 1) for line in head[1:] if line)
        return stream

    yield ask
    for stream in opened:
        stream.close()
    await until(lambda: not server.server_state.connections)


@pytest.fixture
def add(services, engine):
    async def some(*ids, project="default", message=None):
        events = [
            Event(id=id_, type=EventType.SENT, at=NOW, project=project, message_id=message, data={}) for id_ in ids
        ]
        await engine.ports.store.record(events)
        engine.ports.news.nudge()

    return some


def ids(events):
    return [event["id"] for event in events]


async def begun(engine):
    """The end of the trail is known: what comes now is told."""
    await until(lambda: engine.feed.position is not None)


async def test_events_come_as_they_happen(follow, engine, call):
    stream = await follow()
    assert stream.headers["content-type"] == "text/event-stream"
    assert stream.headers["cache-control"] == "no-store"
    assert "content-length" not in stream.headers
    await begun(engine)
    sent = await call("POST", "/v1/emails", NATIVE, {"prefer": "wait=5"})
    told = await stream.events(3)
    assert [event["type"].rpartition(".")[2] for event in told] == ["accepted", "attempted", "sent"]
    assert {event["data"]["message_id"] for event in told} == {sent.json["id"]}
    assert stream.retry == "2000"
    page = (await call("GET", "/v1/events")).json["data"]
    assert told == page


async def test_a_reader_resumes_behind_the_last_event_that_it_has_read(follow, add):
    await add("a", "b", "c")
    assert ids(await (await follow("?after=1")).events(2)) == ["b", "c"]
    assert ids(await (await follow(last_event_id="2")).events(1)) == ["c"]
    assert ids(await (await follow("?after=0", last_event_id="1")).events(2)) == ["b", "c"]
    assert ids(await (await follow("?after=0")).events(3)) == ["a", "b", "c"]
    assert ids(await (await follow("?after=00000000000000000002")).events(1)) == ["c"]


async def test_a_stream_may_be_of_one_mail(follow, add):
    stream = await follow("?after=0&message=em_1")
    await add("a", message="em_1")
    await add("b", message="em_2")
    await add("c", message="em_1")
    assert ids(await stream.events(2)) == ["a", "c"]


async def test_silence_is_told_by_comments(follow, engine, add, monkeypatch):
    monkeypatch.setattr(following, "HEARTBEAT_S", 0.001)
    stream = await follow()
    await begun(engine)
    for _ in range(3):
        while "" not in await stream.block():
            pass
    await add("a")
    assert (await stream.event())["id"] == "a"


@pytest.fixture
async def keyed(services, engine):
    listening = socket.create_server(("127.0.0.1", 0))
    server = Server(build_app(replace(services, keyring=engine.keyring)))
    await server.startup([listening])
    server.address = listening.getsockname()
    yield server
    server.should_exit = True
    await server.shutdown([listening])


async def bearer(engine, project, scope):
    key, token = await engine.keyring.create(project, scope, "test")
    return key, {"authorization": f"Bearer {token}"}


async def test_a_key_follows_its_own_project_and_an_administrator_all(follow, engine, keyed, add):
    (_, shop), (_, admin) = await bearer(engine, "shop", Scope.READ), await bearer(engine, "shop", Scope.ADMIN)
    mine, every = await follow(to=keyed, **shop), await follow(to=keyed, **admin)
    others = await follow("?message=em_1", to=keyed, **shop)
    await begun(engine)
    await add("theirs", project="other", message="em_1")
    await add("ours", project="shop", message="em_1")
    assert ids(await every.events(2)) == ["theirs", "ours"]
    assert ids(await mine.events(1)) == ["ours"]
    assert ids(await others.events(1)) == ["ours"]


async def test_a_stream_needs_a_key(follow, keyed):
    status, _, _ = await follow(to=keyed, expect=401)
    assert status == 401


async def test_a_stream_ends_with_its_key(follow, engine, keyed, add, monkeypatch):
    key, shop = await bearer(engine, "default", Scope.READ)
    stream = await follow(to=keyed, **shop)
    await begun(engine)
    await add("before")
    assert (await stream.event())["id"] == "before"
    await engine.keyring.revoke(key.id)
    await add("after")
    assert b"data" not in await stream.ended()


async def test_so_many_streams_are_open_and_no_more(follow, engine, monkeypatch):
    monkeypatch.setattr(following, "STREAMS_MAX", 3)
    first, *_ = [await follow() for _ in range(3)]
    status, headers, body = await follow(expect=503)
    assert (status, headers["retry-after"], json.loads(body)["code"]) == (503, "5", "too_many_streams")
    assert "at most 3" in json.loads(body)["detail"]
    first.close()
    await until(lambda: engine.feed.readers == 2)
    await follow()
    assert STREAMS_MAX == 256


async def test_who_goes_is_forgotten_and_costs_nothing(follow, engine, server):
    stream = await follow()
    assert engine.feed.readers == 1
    stream.close()
    await until(lambda: engine.feed.readers == 0)
    assert engine.feed._reading is None
    await until(lambda: not server.server_state.connections)


async def test_a_reader_that_does_not_read_is_cut_and_resumes(follow, engine, server, add):
    stream = await follow("?after=0", last_event_id="0")
    await begun(engine)
    await until(lambda: server.protocol._answering is not None)
    number = 0
    while server.protocol._stuck_since is None:  # until all buffers on the way are full
        await add(*(f"e{number + one:05d}" for one in range(500)))
        number += 500
        await asyncio.sleep(0)
    protocol = server.protocol
    protocol.end_if_late(asyncio.get_running_loop().time() + 61)
    await until(lambda: engine.feed.readers == 0)
    told = []
    with suppress(asyncio.IncompleteReadError, ConnectionError):
        while True:
            told.append(await stream.event())
    assert 0 < len(told) < number
    again = await follow(last_event_id=str(int(told[-1]["sequence"])))
    told += await again.events(number - len(told))
    assert ids(told) == [f"e{one:05d}" for one in range(number)]


async def test_a_stop_ends_streams_at_once_and_tells_when_to_come_back(follow, engine, services):
    listening = socket.create_server(("127.0.0.1", 0))
    server = Server(build_app(services))
    await server.startup([listening])
    server.address = listening.getsockname()
    stream = await follow(to=server)
    await begun(engine)
    server.should_exit = True
    async with asyncio.timeout(5):
        await server.shutdown([listening])
    assert (await stream.ended()).endswith(b"retry: 2000\n\n")
    assert engine.feed.readers == 0


async def test_a_store_that_is_away_ends_a_stream_that_needs_it_and_the_reader_comes_back(follow, engine, add):
    await add("a")

    async def gone(*_):
        raise feed.StoreUnavailable("gone")

    read = engine.ports.store.read_events
    stream = await follow("?after=1")
    await begun(engine)
    engine.feed._store = stream_store = type("Store", (), {"read_events": staticmethod(gone)})()
    assert stream_store
    late = await follow("?after=0")
    assert b"data" not in await late.ended()
    engine.feed._store = type("Store", (), {"read_events": staticmethod(read)})()
    await add("b")
    assert (await stream.event())["id"] == "b"


async def test_other_requests_are_answered_beside_streams(follow, engine, call):
    streams = [await follow() for _ in range(20)]
    await begun(engine)
    assert (await call("POST", "/v1/emails", NATIVE, {"prefer": "wait=5"})).status == 200
    assert [len(await stream.events(3)) for stream in streams] == 20 * [3]


@pytest.mark.parametrize("told", ["x", "-1", "1.5", "1" * 30])
async def test_a_place_that_is_none_is_refused(follow, told):
    status, _, body = await follow(expect=400, last_event_id=told)
    assert (status, json.loads(body)["code"]) == (400, "bad_header")


async def test_where_no_answer_can_be_kept_open_pages_are_named(services):
    call = Caller(build_app(replace(services, feed=None)))
    answer = await call("GET", "/v1/events", headers={"accept": "text/event-stream"})
    assert (answer.status, answer.json["code"]) == (406, "no_streams")
    assert "`after`" in answer.json["detail"]


async def test_the_head_of_a_stream_is_that_of_a_page(call):
    answer = await call("HEAD", "/v1/events", headers={"accept": "text/event-stream"})
    assert answer.headers["content-type"] == "application/json"


async def test_a_standard_client_reads_a_stream(server, add):
    await add("a", "b")

    def read():
        client = http.client.HTTPConnection(*server.address, timeout=20)
        client.request("GET", "/v1/events?after=0", headers={"Accept": "text/event-stream"})
        answer = client.getresponse()
        lines = [answer.readline() for _ in range(8)]
        client.close()
        return lines

    lines = await asyncio.to_thread(read)
    assert [line for line in lines if line.startswith(b"id:")] == [b"id: 1\n", b"id: 2\n"]


async def test_any_asgi_server_may_carry_a_stream(services, add, engine):
    await add("a")
    sent, gone = asyncio.Queue(), asyncio.Event()

    async def receive():
        await gone.wait()
        return {"type": "http.disconnect"}

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/v1/events",
        "query_string": b"after=0",
        "headers": [(b"host", b"127.0.0.1"), (b"accept", b"text/event-stream")],
    }
    serving = asyncio.create_task(build_app(services)(scope, receive, sent.put))
    assert (await sent.get())["status"] == 200
    assert (await sent.get())["body"] == b"retry: 2000\n\n"
    assert b"id: 1\n" in (told := await sent.get())["body"]
    assert told["more_body"]
    gone.set()
    await serving
    assert engine.feed.readers == 0
