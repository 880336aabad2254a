"""What the bench sends is what it says, and what it is answered is what it counts."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from msgspec.structs import asdict, replace

from callers import Callers, HttpLine
from everpost.dialects import legacy
from everpost.dialects import sendgrid as dialect
from everpost.dialects.dropins import mailgun, postmark, resend, sendgrid
from everpost.dialects.native import mail as native
from everpost.model.message import Draft
from everpost.sandbox.api import submission_of
from load import KINDS, Spec, prepared, run
from open_loop import Loop
from open_loop import Spec as OpenSpec

DOORS = {"sendgrid": sendgrid, "mailgun": mailgun, "resend": resend, "postmark": postmark}


@contextmanager
def answering(answer):
    """A server that gives `answer(number of the request)`: a status and headers. None: the connection is cut."""
    bodies = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            given = answer(len(bodies))
            if given is None:
                self.close_connection = True
                return
            status, headers = given
            self.send_response(status)
            for name, value in {"Content-Length": "0", **headers}.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield server.server_address[1], bodies
    finally:
        server.shutdown()
        server.server_close()


def request_of(kind, number):
    head, _, body = prepared(Spec(kind=kind, port=1, first=1, token="evp_1"))(number).partition(b"\r\n\r\n")
    lines = [line.partition(": ") for line in head.decode().split("\r\n")[1:]]
    headers = {name.lower(): value for name, _, value in lines}
    assert int(headers["content-length"]) == len(body)
    return submission_of("POST", KINDS[kind].path, headers, body)


def body_of(kind, number):
    return request_of(kind, number).body


def drafts(kind, number):
    request = request_of(kind, number)
    if kind == "direct":
        return dialect.parse(request).draft
    if kind in DOORS:
        return DOORS[kind].parse(request).mails[0]
    return (legacy if kind == "sync" else native).parse(request.body)


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_request_is_a_mail_that_is_told_from_all_others(kind):
    first, second = drafts(kind, 1), drafts(kind, 2)
    assert isinstance(first, Draft)
    assert first.subject != second.subject
    assert first.to != second.to


@pytest.mark.parametrize("kind", DOORS)
def test_the_doors_are_given_the_mail_that_the_native_api_is(kind):
    ours, theirs = drafts("later", 7), drafts(kind, 7)
    own = {"postmark": {"send_at": ours.send_at}, "resend": {"tags": ours.tags}}.get(kind, {})
    later = {"send_at": pytest.approx(ours.send_at, abs=5)} if theirs.send_at else {}
    assert asdict(replace(theirs, **own)) == asdict(ours) | later


@pytest.mark.parametrize("kind", ["accept", "later", "sync", "send"])
def test_mails_are_of_two_kilobytes(kind):
    assert len(body_of(kind, 12345)) == 2048


def test_a_closed_loop_sends_as_many_as_it_is_told():
    with answering(lambda _: (202, {})) as (port, bodies):
        result = run(Spec(kind="accept", port=port, first=1, connections=4, count=30))
    assert (result.accepted, result.statuses, len(bodies)) == (30, {"202": 30}, 30)


def test_a_closed_loop_counts_only_what_was_accepted():
    with answering(lambda number: (503, {}) if number % 3 == 0 else (202, {})) as (port, _):
        result = run(Spec(kind="accept", port=port, first=1, connections=2, count=30))
    assert result.statuses == {"202": 20, "503": 10}
    assert result.accepted == 20
    assert result.rate == pytest.approx(20 / result.seconds)


def open_loop(port, **fields):
    usual = {"kind": "accept", "port": port, "first": 1, "token": "", "rate": 500, "seconds": 0.2, "connections": 8}
    return Loop(OpenSpec(**{**usual, "good_within_s": 60, **fields})).run()


def test_an_open_loop_counts_what_is_taken_and_what_is_turned_away():
    def answer(number):
        return (202, {}) if number % 2 else (503, {"Retry-After": "1"} if number % 4 else {})

    with answering(answer) as (port, bodies):
        result = open_loop(port)
    assert result.due == len(bodies) == 100
    assert result.statuses == {"202": 50, "503": 50, "silent": 0}
    assert (result.good, result.rejected, result.told_when) == (50, 50, 25)


def test_an_open_loop_charges_a_stall_to_every_request_that_was_due_meanwhile():
    """One connection, and the first answer comes when all the others have been due for long."""
    go_on = threading.Event()

    def answer(_):
        go_on.wait(10)
        return 202, {}

    with answering(answer) as (port, _):
        threading.Timer(0.5, go_on.set).start()
        result = open_loop(port, connections=1, good_within_s=0.1)
    assert result.statuses["202"] == 100
    assert result.good == 0
    assert result.accepted_p50_ms > 300  # each request by itself took next to nothing


def test_an_open_loop_goes_on_when_connections_are_cut():
    with answering(lambda number: None if number % 10 == 0 else (202, {})) as (port, _):
        result = open_loop(port)
    assert result.statuses == {"202": 90, "broken": 10, "silent": 0}


def test_a_caller_that_insists_hands_in_again_what_got_no_answer():
    with answering(lambda number: None if number == 1 else (202, {})) as (port, bodies):
        callers = Callers(HttpLine(port, "/send", ""), insist=True)
        callers.send(["a-1"], 1, lambda _: None)
    assert callers.acknowledged == {"a-1"}
    assert [json.loads(body)["subject"] for body in bodies] == ["a-1", "a-1"]


def test_a_caller_gives_up_a_mail_that_was_refused_or_not_answered():
    with answering(lambda number: None if number == 1 else (502, {})) as (port, bodies):
        callers = Callers(HttpLine(port, "/send", ""))
        callers.send(["a-1", "a-2"], 1, lambda _: None)
    assert callers.acknowledged == set()
    assert len(bodies) == 2


def test_a_caller_that_repeats_itself_is_told_of_one_mail():
    with answering(lambda _: (202, {})) as (port, bodies):
        answered = []
        callers = Callers(HttpLine(port, "/send", ""), times=2)
        callers.send(["a-1", "a-2"], 1, answered.append)
    assert len(bodies) == 4
    assert answered == [1, 2]
