import asyncio
import http.client
import json
from contextlib import asynccontextmanager, contextmanager

import pytest
import uvicorn

from everpost.entrypoints.http import original
from everpost.entrypoints.http.app import build_app
from everpost.providers.contract import HttpResponse
from http_kit import BUSY, ORIGINAL

ANSWER = {400: b"mailbox unknown", 403: b"account suspended"}


def answers(status):
    return HttpResponse(status=status, headers={}, body=ANSWER[status])


async def test_a_mail_that_a_provider_took_is_a_success_with_its_name(call):
    answer = await call("POST", "/sendEmail", ORIGINAL)
    assert answer.status == 200
    assert answer.json["status"] == "success"
    assert answer.json["id"].startswith("em_")
    assert answer.json["provider"] == "first"


async def test_a_refused_connection_fails_over_to_the_next(call, wire):
    wire.answers["first"] = BUSY
    answer = await call("POST", "/sendEmail", ORIGINAL)
    assert (answer.status, answer.json["provider"]) == (200, "second")


async def test_a_rejected_mail_is_a_502_with_the_reason(call, wire):
    wire.answers["first"] = answers(400)
    answer = await call("POST", "/sendEmail", ORIGINAL)
    assert (answer.status, answer.json["code"]) == (502, "not_sent")
    assert "mailbox unknown" in answer.json["message"]


async def test_a_mail_that_nobody_took_in_time_is_a_503_that_says_it_will_be_retried(call, wire, monkeypatch):
    monkeypatch.setattr(original, "WAIT_S", 0.2)
    wire.answers |= {"first": BUSY, "second": BUSY}
    answer = await call("POST", "/sendEmail", ORIGINAL)
    assert (answer.status, answer.json["code"], answer.json["state"]) == (503, "queued", "queued")
    assert "do not send it again" in answer.json["message"]
    assert (await call("GET", f"/v1/emails/{answer.json['id']}")).json["state"] == "queued"


async def test_asking_again_with_the_key_tells_how_the_mail_stands_by_then(call, wire, services, monkeypatch):
    monkeypatch.setattr(original, "WAIT_S", 0.0)
    wire.released.clear()
    headers = {"idempotency-key": "order-1"}
    first = await call("POST", "/sendEmail", ORIGINAL, headers)
    assert first.status == 503
    wire.released.set()
    monkeypatch.setattr(original, "WAIT_S", 5.0)
    services.clock.ahead_s = 60.0  # the first request is surely over
    again = await call("POST", "/sendEmail", ORIGINAL, headers)
    assert (again.status, again.json["id"]) == (200, first.json["id"])
    assert again.headers["idempotency-replayed"] == "true"
    assert len(wire.sent) == 1


async def test_a_kept_answer_is_replayed_byte_for_byte(call, wire):
    headers = {"idempotency-key": "order-1"}
    first = await call("POST", "/sendEmail", ORIGINAL, headers)
    again = await call("POST", "/sendEmail", ORIGINAL, headers)
    assert (again.status, again.body) == (first.status, first.body)
    assert len(wire.sent) == 1


async def test_a_key_of_the_original_api_is_apart_from_the_native_one(call):
    headers = {"idempotency-key": "order-1"}
    first = await call("POST", "/sendEmail", ORIGINAL, headers)
    native = await call("POST", "/v1/emails", ORIGINAL, headers)
    assert (first.status, native.status) == (200, 202)
    assert native.json["id"] != first.json["id"]


async def test_the_default_provider_can_be_changed_and_takes_the_next_mail(call):
    assert (await call("GET", "/getEmailProvider")).json == {"status": "success", "provider": "first"}
    changed = await call("POST", "/setEmailProvider", {"provider": "second"})
    assert (changed.status, changed.json["provider"]) == (200, "second")
    assert (await call("GET", "/getEmailProvider")).json["provider"] == "second"
    assert (await call("POST", "/sendEmail", ORIGINAL)).json["provider"] == "second"
    events = (await call("GET", "/v1/events")).json["data"]
    [told] = [event for event in events if event["type"] == "dev.everpost.route.default_changed"]
    assert (told["data"]["by"], told["data"]["to"]) == ("local", "second")


async def test_an_unknown_provider_is_refused_with_the_known_ones(call):
    answer = await call("POST", "/setEmailProvider", {"provider": "third"})
    assert 400 <= answer.status < 500
    assert answer.json["status"] == "error"
    assert "first, second" in answer.json["message"]


class Server(uvicorn.Server):
    """Tells when it listens, and leaves signals alone."""

    def __init__(self, app):
        super().__init__(uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None, lifespan="off"))
        self.listens = asyncio.Event()

    async def startup(self, sockets=None):
        await super().startup(sockets)
        self.listens.set()

    @contextmanager
    def capture_signals(self):
        yield


@asynccontextmanager
async def listening(app):
    """The real server on loopback; yields its port."""
    server = Server(app)
    task = asyncio.create_task(server.serve())
    await server.listens.wait()
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await task


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "application/json", "text/plain"])
async def test_over_a_real_socket_json_is_taken_under_any_content_type(services, content_type):
    def post(port):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("POST", "/sendEmail", json.dumps(ORIGINAL), {"Content-Type": content_type})
        response = connection.getresponse()
        body = json.loads(response.read())
        connection.close()
        return response.status, body

    async with listening(build_app(services)) as port:
        status, body = await asyncio.to_thread(post, port)
    assert (status, body["status"], body["provider"]) == (200, "success", "first")
