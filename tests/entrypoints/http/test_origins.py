"""Pages of other origins: those that are listed may call, and nobody notices the others."""

import asyncio
import socket
from dataclasses import replace

import pytest

from everpost.entrypoints.http.app import build_app
from everpost.entrypoints.http.origins import Origins
from everpost.model.key import Scope
from everpost.model.limits import ACCEPTING_BURST_MAX, ACCEPTING_MAX
from http_kit import NATIVE, Caller
from socket_kit import Connection, Server

PAGE = "https://page.example.com"
ASKED = {"origin": PAGE, "access-control-request-method": "PUT", "access-control-request-headers": "authorization"}
GRANTS = ("access-control-allow-origin", "access-control-allow-methods", "access-control-allow-headers")


@pytest.fixture
async def app(services, engine):
    return build_app(replace(services, keyring=engine.keyring, origins=Origins([PAGE])))


@pytest.fixture
def from_page(app):
    return Caller(app)


async def bearer(engine):
    return {"authorization": f"Bearer {(await engine.keyring.create('default', Scope.ADMIN, 'test'))[1]}"}


async def test_a_browser_is_told_what_a_listed_page_may_send(from_page):
    answer = await from_page("OPTIONS", "/v1/routes/default", headers=ASKED)
    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == PAGE
    assert answer.headers["access-control-allow-methods"] == "GET, HEAD, PUT"
    sendable = set(answer.headers["access-control-allow-headers"].split(", "))
    assert sendable >= {"authorization", "content-type", "idempotency-key", "if-match"}
    assert answer.headers["vary"] == "origin"
    assert "access-control-allow-credentials" not in answer.headers


async def test_a_listed_page_may_read_answers_and_refusals(from_page, engine):
    key = await bearer(engine)
    calls = [
        await from_page("GET", "/v1/routes/default", headers={"origin": PAGE, **key}),
        await from_page("POST", "/v1/emails", NATIVE, {"origin": PAGE, **key}),
        await from_page("GET", "/v1/emails", headers={"origin": PAGE}),
        await from_page("GET", "/v1/nothing", headers={"origin": PAGE}),
    ]
    assert [answer.status for answer in calls] == [200, 202, 401, 404]
    for answer in calls:
        assert answer.headers["access-control-allow-origin"] == PAGE
        assert {"etag", "retry-after"} <= set(answer.headers["access-control-expose-headers"].split(", "))


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "null",
        PAGE.upper(),
        PAGE + ":443",
        PAGE + "/",
        PAGE + ".evil.example",
        "http://page.example.com",
    ],
)
async def test_no_other_page_is_let_in(from_page, engine, origin):
    answer = await from_page("OPTIONS", "/v1/emails", headers=ASKED | {"origin": origin})
    assert (answer.status, answer.json["code"]) == (403, "foreign_origin")
    assert origin in answer.json["detail"]
    read = await from_page("GET", "/v1/routes", headers={"origin": origin, **await bearer(engine)})
    for told in (answer.headers, read.headers):
        assert not set(GRANTS) & set(told)


async def test_who_is_no_page_is_told_nothing_of_origins(from_page, engine):
    answer = await from_page("GET", "/v1/routes", headers=await bearer(engine))
    assert answer.status == 200
    assert not {*GRANTS, "vary"} & set(answer.headers)


async def test_a_plain_options_is_a_method_like_any_other(from_page):
    for headers in ({}, {"origin": PAGE}):
        assert (await from_page("OPTIONS", "/v1/emails", headers=headers)).status == 405


async def test_without_a_list_nobody_is_let_in(call):
    answer = await call("OPTIONS", "/v1/emails", headers=ASKED | {"origin": "http://localhost:8080"})
    assert answer.status == 405
    assert not set(GRANTS) & set((await call("GET", "/v1/routes", headers={"origin": "http://localhost:1"})).headers)


async def test_a_listed_page_can_read_that_it_was_turned_away(app):
    server = Server(app)
    permits = [app.gate.admission.enter(0) for _ in range(ACCEPTING_MAX + ACCEPTING_BURST_MAX)]
    assert app.gate.admission.enter(0) is None
    listening = socket.create_server(("127.0.0.1", 0))
    await server.startup([listening])
    reader, writer = await asyncio.open_connection(*listening.getsockname())
    for origin in (PAGE, "https://evil.example"):
        writer.write(f"POST /v1/emails HTTP/1.1\r\nHost: x\r\nOrigin: {origin}\r\nContent-Length: 0\r\n\r\n".encode())
        status, headers, _ = await Connection(reader, writer).answer()
        assert status == 503
        assert headers.get("access-control-allow-origin") == (PAGE if origin == PAGE else None)
    writer.close()
    for permit in permits:
        if permit is not None:
            permit.leave()
    server.should_exit = True
    await server.shutdown([listening])
