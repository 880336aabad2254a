"""So much mail is taken in at once; what is beyond is refused before anything is done for it."""

import asyncio
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everpost.entrypoints.http.admission import BURST_REGAINED, TELL_S, Admission, size_of
from everpost.entrypoints.http.app import build_app
from everpost.entrypoints.http.gate import READ_ON_BYTES_MAX
from everpost.model.limits import (
    ACCEPTING_BURST_MAX,
    ACCEPTING_MAX,
    BODIES_BYTES_MAX,
    BODY_BYTES_MAX,
    WAITING_BYTES_MAX,
    WAITING_CALLERS_MAX,
)
from http_kit import NATIVE, ORIGINAL, Caller
from socket_kit import until

OPERATIONS = pytest.mark.parametrize(("path", "mail"), [("/v1/emails", NATIVE), ("/sendEmail", ORIGINAL)])
AT_ONCE = ACCEPTING_MAX + ACCEPTING_BURST_MAX


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def filled(admission, size=0):
    """All the permits that are to be had."""
    permits = []
    while permit := admission.enter(size):
        permits.append(permit)
    return permits


# --- permits ---------------------------------------------------------------------------------------------------------


def test_so_many_are_let_in_and_no_more():
    admission = Admission(Clock())
    assert len(filled(admission)) == AT_ONCE
    assert admission.accepting == AT_ONCE
    assert admission.enter(0) is None


def test_a_place_that_is_left_is_given_to_another():
    admission = Admission(Clock())
    permits = filled(admission)
    for permit in permits[: ACCEPTING_BURST_MAX + 3]:
        permit.leave()
        permit.leave()  # once more changes nothing
    assert len(filled(admission)) == 3


def test_a_burst_may_wait_and_a_standing_queue_may_not():
    clock = Clock()
    admission = Admission(clock)
    permits = filled(admission)
    served = 0
    for _ in range(100):  # each tenth of a second all places are free again, and all are wanted
        clock.now += 0.1
        for permit in permits:
            permit.leave()
        permits = filled(admission)
        served += len(permits)
    assert served / 100 == pytest.approx(ACCEPTING_MAX + BURST_REGAINED / 10, abs=0.1)
    clock.now += ACCEPTING_BURST_MAX / BURST_REGAINED
    assert len(filled(admission)) == AT_ONCE - len(permits)


def test_bodies_hold_so_many_bytes_together():
    admission = Admission(Clock())
    assert len(filled(admission, BODY_BYTES_MAX)) == BODIES_BYTES_MAX // BODY_BYTES_MAX
    assert admission.enter(1) is None
    assert admission.enter(0) is not None


def test_who_waits_for_a_hand_over_takes_no_place_of_those_who_bring_mail():
    admission = Admission(Clock())
    waiting = [admission.enter(10) for _ in range(WAITING_CALLERS_MAX) if admission.accepting == 0]
    for permit in waiting:
        assert permit.wait()
    for _ in range(WAITING_CALLERS_MAX - len(waiting)):
        assert admission.enter(10).wait()
    assert (admission.accepting, admission.waiting) == (0, WAITING_CALLERS_MAX)
    late = admission.enter(10)
    assert not late.wait()
    assert admission.accepting == 1
    waiting[0].leave()
    assert late.wait()


def test_the_bodies_of_those_who_wait_leave_room_for_others():
    admission = Admission(Clock())
    permits = [admission.enter(BODY_BYTES_MAX) for _ in range(BODIES_BYTES_MAX // BODY_BYTES_MAX)]
    assert sum(permit.wait() for permit in permits) == WAITING_BYTES_MAX // BODY_BYTES_MAX


@given(st.lists(st.tuples(st.sampled_from(["enter", "wait", "leave"]), st.integers(0, 2 * BODY_BYTES_MAX))))
def test_when_all_have_left_nothing_is_counted_any_more(steps):
    admission, permits = Admission(Clock()), []
    for step, number in steps:
        if step == "enter":
            permits += [permit] if (permit := admission.enter(number)) else []
        elif permits:
            getattr(permits[number % len(permits)], step)()
            permits = [permit for permit in permits if not permit.is_over] if step == "leave" else permits
    for permit in permits:
        permit.leave()
    counted = admission.accepting, admission.waiting, admission.body_bytes, admission.waiting_bytes
    assert counted == (0, 0, 0, 0)


def test_that_requests_are_refused_is_told_now_and_then(caplog):
    clock = Clock()
    admission = Admission(clock)
    filled(admission)
    for _ in range(30):
        admission.enter(0)
        clock.now += TELL_S / 10
        admission._burst = 0.0
    assert [record.count for record in caplog.records] == [1, 11, 10]


@pytest.mark.parametrize(
    ("headers", "size"),
    [
        ([], 0),
        ([(b"content-length", b"12")], 12),
        ([(b"content-length", b"99999999999")], BODY_BYTES_MAX),
        ([(b"content-length", b"x")], BODY_BYTES_MAX),
        ([(b"transfer-encoding", b"chunked")], BODY_BYTES_MAX),
    ],
)
def test_a_body_counts_with_what_it_may_hold_at_most(headers, size):
    assert size_of([(b"host", b"localhost"), *headers]) == size


# --- over HTTP -------------------------------------------------------------------------------------------------------


@pytest.fixture
def app(services):
    return build_app(services)


@pytest.fixture
def call(app):
    return Caller(app)


@OPERATIONS
async def test_beyond_it_mail_is_refused_with_a_time_to_come_again(app, call, path, mail):
    filled(app.gate.admission)
    answer = await call("POST", path, mail)
    assert (answer.status, answer.headers["retry-after"], answer.json["code"]) == (503, "1", "overloaded")
    is_native = path == "/v1/emails"
    assert answer.headers["content-type"] == ("application/problem+json" if is_native else "application/json")


@OPERATIONS
async def test_nothing_is_kept_of_what_was_refused_and_its_key_is_free(app, call, engine, path, mail):
    permits = filled(app.gate.admission)
    assert (await call("POST", path, mail, {"idempotency-key": "k1"})).status == 503
    assert (await engine.console.counts()).accepted == 0
    for permit in permits:
        permit.leave()
    answer = await call("POST", path, mail, {"idempotency-key": "k1"})
    assert answer.status in (200, 202)
    assert "idempotency-replayed" not in answer.headers
    assert (await engine.console.counts()).accepted == 1


async def test_it_is_refused_before_its_key_is_looked_at_and_its_body_is_read(services, engine):
    app = build_app(replace(services, keyring=engine.keyring))
    filled(app.gate.admission)

    async def receive():
        raise AssertionError

    sent = []

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/v1/emails", "query_string": b"", "headers": []}
    await app(scope, receive, send)
    assert sent[0]["status"] == 503


@pytest.mark.parametrize("target", ["/healthz", "/v1/emails", "/v1/accounts", "/metrics"])
async def test_whoever_looks_on_is_answered_meanwhile(app, call, target):
    filled(app.gate.admission)
    assert (await call("GET", target)).status == 200


@OPERATIONS
@pytest.mark.parametrize(
    ("body", "headers"),
    [(None, {}), (b"{", {}), (None, {"origin": "https://evil.example"}), (None, {"idempotency-key": '"'})],
)
async def test_every_request_gives_its_place_back(app, call, path, mail, body, headers):
    await call("POST", path, mail if body is None else body, headers)
    admission = app.gate.admission
    assert (admission.accepting, admission.waiting, admission.body_bytes) == (0, 0, 0)


async def test_a_request_that_breaks_or_is_given_up_gives_its_place_back(app, call, services, monkeypatch):
    async def breaks(*_args, **_kwargs):
        raise RuntimeError("a bug")

    monkeypatch.setattr(type(services.acceptor), "accept", breaks)
    assert (await call("POST", "/v1/emails", NATIVE)).status == 500
    assert app.gate.admission.accepting == 0


async def test_who_waits_holds_no_place_while_a_provider_is_slow(app, call, wire):
    wire.released.clear()
    waiting = asyncio.create_task(call("POST", "/v1/emails", NATIVE, {"prefer": "wait=5"}))
    original = asyncio.create_task(call("POST", "/sendEmail", ORIGINAL))
    await until(lambda: len(wire.sent) == 2)
    assert (app.gate.admission.accepting, app.gate.admission.waiting) == (0, 2)
    filled(app.gate.admission)
    wire.released.set()
    assert (await waiting).status == (await original).status == 200
    assert app.gate.admission.waiting == 0


async def test_with_too_many_waiting_mail_is_accepted_and_answered_at_once(app, call, wire):
    wire.released.clear()
    while app.gate.admission.waiting < WAITING_CALLERS_MAX:
        app.gate.admission.enter(0).wait()
    answer = await call("POST", "/v1/emails", NATIVE, {"prefer": "wait=60"})
    assert (answer.status, answer.headers.get("preference-applied")) == (202, None)


async def test_with_too_many_waiting_nothing_is_accepted_that_can_not_be_answered_later(app, call, engine):
    """The original operation has no answer for mail that is accepted and not handed over: they would repeat it."""
    while app.gate.admission.waiting < WAITING_CALLERS_MAX:
        app.gate.admission.enter(0).wait()
    answer = await call("POST", "/sendEmail", ORIGINAL)
    assert (answer.status, answer.json["code"], answer.headers["retry-after"]) == (503, "overloaded", "1")
    assert (await engine.console.counts()).accepted == 0


async def test_what_was_turned_away_is_counted(app, call, services):
    filled(app.gate.admission)
    await call("POST", "/v1/emails", NATIVE)
    figures = (await call("GET", "/metrics")).body.decode()
    assert 'everpost_http_requests_total{method="POST",route="/v1/emails",status="503"} 1.0' in figures
    assert "everpost_http_requests_turned_away_total 0.0" in figures


# --- on our own connections ------------------------------------------------------------------------------------------


def post(mail, path="/v1/emails", more="", length=None):
    body = json.dumps(mail).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\n{more}Content-Length: {length or len(body)}\r\n\r\n"
    return head.encode() + body


@OPERATIONS
async def test_the_connection_goes_on_after_a_refusal(server, connection, path, mail):
    admission = server.config.app.gate.admission
    permits = filled(admission)
    ids = set()
    for _ in range(3):
        connection.writer.write(post(mail, path))
        status, headers, body = await connection.answer()
        told = json.loads(body)
        assert (status, headers["retry-after"], told["code"]) == (503, "1", "overloaded")
        assert told.get("request_id", headers["x-request-id"]) == headers["x-request-id"]
        assert "connection" not in headers
        ids.add(headers["x-request-id"])
    assert len(ids) == 3
    for permit in permits:
        permit.leave()
    connection.writer.write(post(mail, path))
    assert (await connection.answer())[0] in (200, 202)
    assert admission.accepting == 0


async def test_a_body_that_comes_after_its_refusal_is_dropped(server, connection):
    filled(server.config.app.gate.admission)
    request = post(NATIVE)
    connection.writer.write(request[:-20])
    assert (await connection.answer())[0] == 503
    connection.writer.write(request[-20:] + b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert (await connection.answer())[0] == 200


@pytest.mark.parametrize(
    "request_",
    [
        post(NATIVE, length=READ_ON_BYTES_MAX + 1),
        post(NATIVE, more="Expect: 100-continue\r\n"),
        post(NATIVE, more="Connection: close\r\n"),
    ],
    ids=["a large body", "asks before it sends", "its last"],
)
async def test_a_connection_that_is_not_worth_keeping_ends_with_the_refusal(server, connection, request_):
    filled(server.config.app.gate.admission)
    connection.writer.write(request_)
    told = await connection.ended()
    assert told.startswith(b"HTTP/1.1 503 ")
    assert b"\r\nconnection: close\r\n" in told


async def test_requests_sent_without_waiting_are_refused_in_their_order(server, connection):
    filled(server.config.app.gate.admission)
    connection.writer.write(post(NATIVE) + b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n" + post(NATIVE))
    assert [(await connection.answer())[0] for _ in range(3)] == [503, 200, 503]


async def test_it_is_the_same_answer_that_any_server_gives(server, connection, services):
    app = server.config.app
    filled(app.gate.admission)
    connection.writer.write(post(NATIVE, more="X-Request-Id: r\r\n"))
    _, headers, body = await connection.answer()
    usual = await Caller(app)("POST", "/v1/emails", NATIVE, {"x-request-id": headers["x-request-id"]})
    assert (headers, json.loads(body)) == (usual.headers, usual.json)
    figures = (await Caller(app)("GET", "/metrics")).body.decode()
    assert "everpost_http_requests_turned_away_total 1.0" in figures


async def test_nothing_is_begun_for_what_is_turned_away(server, connection, monkeypatch):
    app = server.config.app
    filled(app.gate.admission)
    monkeypatch.delattr(type(app), "deal")
    connection.writer.write(post(NATIVE))
    assert (await connection.answer())[0] == 503
    assert not server.server_state.tasks
