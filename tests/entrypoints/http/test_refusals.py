import re
from pathlib import Path

import pytest

from everpost.entrypoints.http.app import build_app
from everpost.entrypoints.http.problems import CODES
from everpost.model.limits import BODY_BYTES_MAX
from everpost.store.port import StoreUnavailable
from http_kit import NATIVE

SOURCE = Path(__file__).parents[3] / "src" / "everpost"
CODE = re.compile(r'code="([a-z_]+)"|(?:problem|Refused)\(\s*"([a-z_]+)"')

TABLE = {
    "no such path": ("GET", "/v2/emails", 404, "not_found"),
    "a path too long": ("GET", "/v1/emails/a/b/c", 404, "not_found"),
    "a trailing slash": ("GET", "/v1/emails/", 404, "not_found"),
    "no such method": ("DELETE", "/v1/emails", 405, "method_not_allowed"),
    "unknown parameter": ("GET", "/v1/emails?stat=sent", 400, "bad_parameter"),
    "parameter where none is known": ("GET", "/v1/accounts?x=1", 400, "bad_parameter"),
    "parameter twice": ("GET", "/v1/emails?tag=a&tag=b", 400, "bad_parameter"),
    "query that is no UTF-8": ("GET", "/v1/emails?tag=%ff", 400, "bad_parameter"),
    "unknown state": ("GET", "/v1/emails?state=gone", 400, "bad_parameter"),
    "bad limit": ("GET", "/v1/emails?limit=0", 400, "bad_parameter"),
    "large limit": ("GET", "/v1/emails?limit=201", 400, "bad_parameter"),
    "bad time": ("GET", "/v1/emails?created_from=monday", 400, "bad_parameter"),
    "bad cursor": ("GET", "/v1/emails?cursor=%21", 400, "bad_parameter"),
    "cursor of no number": ("GET", "/v1/events?after=YWJj", 400, "bad_parameter"),
    "no such route": ("GET", "/v1/routes/fast", 404, "unknown_route"),
}


@pytest.mark.parametrize(("method", "target", "status", "code"), TABLE.values(), ids=TABLE)
async def test_a_refusal_is_problem_json_with_a_stable_code(call, method, target, status, code):
    answer = await call(method, target, headers={"x-request-id": "req-1"})
    assert answer.status == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json["code"] == code
    assert answer.json["type"] == f"/docs#problem-{code}"
    assert answer.json["status"] == status
    assert answer.json["instance"] == target.partition("?")[0]
    assert answer.json["request_id"] == "req-1"
    assert answer.json["title"] == CODES[code].title


async def test_an_unknown_parameter_names_the_nearest(call):
    [error] = (await call("GET", "/v1/emails?stat=sent")).json["errors"]
    assert error == {"field": "stat", "message": "unknown; did you mean `state`?"}


async def test_405_says_what_is_allowed(call):
    assert (await call("DELETE", "/v1/emails")).headers["allow"] == "GET, HEAD, POST"


async def test_faulty_fields_are_all_named(call):
    answer = await call("POST", "/v1/emails", NATIVE | {"to": ["bob"], "subject": "a\nb"})
    assert answer.status == 422
    assert {error["field"] for error in answer.json["errors"]} == {"to[0]", "subject"}


async def test_json_is_read_under_any_content_type(call):
    headers = {"content-type": "text/plain"}
    assert (await call("POST", "/v1/emails", NATIVE, headers)).status == 202
    answer = await call("POST", "/v1/emails", b"from=ann%40example.com", headers)
    assert (answer.status, answer.json["code"]) == (400, "bad_json")
    assert "looks like a form" in answer.json["detail"]


@pytest.mark.parametrize(
    ("path", "detail"),
    [
        ("/v1/emails/", "no operation has this path; leave the last slash out, as in /v1/emails"),
        ("/v1/mails/", "no operation has this path; see /docs"),
    ],
)
async def test_a_slash_too_many_is_told(call, path, detail):
    assert (await call("GET", path)).json["detail"] == detail


async def test_an_announced_body_that_is_too_large_is_refused_unread(call):
    answer = await call("POST", "/v1/emails", b"{", {"content-length": str(BODY_BYTES_MAX + 1)})
    assert (answer.status, answer.json["code"]) == (413, "body_too_large")
    assert str(BODY_BYTES_MAX) in answer.json["detail"]
    assert answer.headers["connection"] == "close"


async def test_an_endless_body_is_not_read_to_its_end(services):
    chunk = bytes(1024 * 1024)
    received = 0

    async def receive():
        nonlocal received
        received += 1
        return {"type": "http.request", "body": chunk, "more_body": True}

    sent = []

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/v1/emails", "query_string": b"", "headers": []}
    await build_app(services)(scope, receive, send)
    assert sent[0]["status"] == 413
    assert received == BODY_BYTES_MAX // len(chunk) + 1


async def test_a_body_in_many_parts_is_put_together(call):
    assert (await call("POST", "/v1/emails", NATIVE, parts=7)).status == 202


async def test_a_caller_who_leaves_in_mid_body_gets_no_answer(services):
    messages = [{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}]

    async def receive():
        return messages.pop(0)

    sent = []
    scope = {"type": "http", "method": "POST", "path": "/v1/emails", "query_string": b"", "headers": []}
    await build_app(services)(scope, receive, sent.append)
    assert sent == []


async def test_a_bad_idempotency_key_is_refused(call):
    for key in ("", "two words", '""', '"open', "é", "k" * 257):
        answer = await call("POST", "/v1/emails", NATIVE, {"idempotency-key": key})
        assert (answer.status, answer.json["code"]) == (400, "bad_header"), key


async def test_a_bug_is_a_500_that_tells_nothing_but_the_request_id(call, services, monkeypatch, caplog):
    async def broken(*_args):
        raise RuntimeError("a secret of the inside")

    monkeypatch.setattr(services.console, "message", broken)
    answer = await call("GET", "/v1/emails/em_1", headers={"x-request-id": "req-1"})
    assert (answer.status, answer.json["code"]) == (500, "internal_error")
    assert b"secret" not in answer.body
    assert "req-1" in answer.json["detail"]
    [record] = [record for record in caplog.records if record.levelname == "ERROR"]
    assert record.request == "req-1"


async def test_a_store_that_is_away_is_a_503(call, services, monkeypatch):
    async def away(*_args):
        raise StoreUnavailable("disk full")

    monkeypatch.setattr(services.console, "message", away)
    answer = await call("GET", "/v1/emails/em_1")
    assert (answer.status, answer.json["code"]) == (503, "store_unavailable")
    assert answer.headers["retry-after"] == "1"


async def test_the_original_api_tells_problems_in_its_own_form(call):
    answer = await call("POST", "/sendEmail", b"{}")
    assert (answer.status, answer.headers["content-type"]) == (400, "application/json")
    assert answer.json["status"] == "error"
    assert {error["field"] for error in answer.json["errors"]} == {"from", "to", "subject", "text"}


async def test_head_answers_like_get_without_a_body(call):
    answer = await call("HEAD", "/v1/accounts")
    assert (answer.status, answer.body) == (200, b"")
    assert int(answer.headers["content-length"]) == len((await call("GET", "/v1/accounts")).body)


async def test_answers_are_not_to_be_stored_and_carry_the_request_id(call):
    answer = await call("GET", "/healthz", headers={"x-request-id": "bad id\x01"})
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert re.fullmatch(r"[0-9a-f]{20}", answer.headers["x-request-id"])


async def test_the_log_has_one_record_a_request_without_addresses(call, caplog):
    caplog.set_level("INFO", logger="everpost.entrypoints.http")
    answer = await call("POST", "/v1/emails", NATIVE, {"x-request-id": "req-1"})
    await call("GET", "/v1/suppressions/bob@example.org")
    first, second = [record for record in caplog.records if record.name == "everpost.entrypoints.http.door"]
    assert (first.request, first.route, first.status) == ("req-1", "/v1/emails", 202)
    assert first.message_id == answer.json["id"]
    assert second.route == "/v1/suppressions/{address:path}"
    assert not any("bob" in str(vars(record)) for record in (first, second))


async def test_websockets_are_turned_away(services):
    sent = []

    async def send(message):
        sent.append(message)

    scope = {"type": "websocket", "path": "/", "query_string": b"", "headers": []}
    await build_app(services)(scope, None, send)
    assert sent == [{"type": "websocket.close", "code": 1000}]


def test_every_code_that_the_source_gives_is_explained():
    used = {"unknown_route", "unknown_provider", "unknown_account"}  # put together from two words
    for path in SOURCE.rglob("*.py"):
        if path.parent.name in ("http", "engine", "webhooks", "core") or path.name.startswith(("faults", "native")):
            used |= {code or short for code, short in CODE.findall(path.read_text())}
    assert used - set(CODES) == set()
    assert set(CODES) - used == set()
