"""The operations on webhooks."""

import dataclasses

import pytest

from everpost.entrypoints.http.app import build_app
from everpost.model.key import Scope
from everpost.model.limits import WEBHOOK_FILTER_MAX, WEBHOOK_LOGIN_CHARS_MAX, WEBHOOK_URL_CHARS_MAX
from http_kit import NATIVE, Caller

URL = "https://hooks.example.com/everpost"
ALL = "/v1/webhooks"


async def make(call, **fields):
    answer = await call("POST", ALL, {"url": URL, **fields})
    assert answer.status == 201, answer.json
    return answer.json


async def test_a_webhook_is_made_shown_changed_and_deleted(call):
    made = await make(call, events=["email.sent", "email.sent"], description="shop")
    assert made["secret"].startswith("whsec_")
    assert (made["events"], made["enabled"], made["delivered"]) == (["email.sent"], True, 0)
    one = f"{ALL}/{made['id']}"
    shown = await call("GET", one)
    assert shown.json == {name: value for name, value in made.items() if name != "secret"}
    assert (await call("GET", ALL)).json == {"data": [shown.json], "next_cursor": None}
    changed = await call("PATCH", one, {"events": [], "enabled": False})
    assert (changed.json["events"], changed.json["enabled"], changed.json["reason"]) == ([], False, "by local")
    assert changed.json["description"] == "shop"
    assert (await call("PATCH", one, {"enabled": True})).json["reason"] == ""
    assert (await call("DELETE", one)).status == 204
    assert (await call("GET", one)).status == 404


async def test_a_secret_is_shown_when_it_is_made_and_never_again(call):
    made = await make(call)
    one = f"{ALL}/{made['id']}"
    rotated = (await call("POST", one + "/rotate")).json
    assert rotated["secret"] not in (made["secret"], None)
    assert rotated["old_secrets_until"] is not None
    for method, path, body in (
        ("GET", one, b""),
        ("GET", ALL, b""),
        ("PATCH", one, {"description": "x"}),
        ("GET", one + "/attempts", b""),
        ("GET", "/v1/events", b""),
        ("POST", one + "/test", b""),
    ):
        answer = await call(method, path, body)
        assert answer.status == 200
        assert b"whsec_" not in answer.body


async def test_the_format_is_chosen_once_and_the_login_is_never_shown(call):
    made = await make(call, format="sendgrid", login="shop:correct-horse")
    one = f"{ALL}/{made['id']}"
    assert (made["format"], made["has_login"]) == ("sendgrid", True)
    assert made["verification_key"].startswith("MFkw")
    for answer in (await call("GET", one), await call("GET", ALL), await call("GET", "/v1/events")):
        assert b"horse" not in answer.body
    assert (await call("GET", one)).json["verification_key"] == made["verification_key"]
    assert (await call("PATCH", one, {"format": "ses"})).status == 422
    assert (await call("PATCH", one, {"login": ""})).json["has_login"] is False
    assert "verification_key" not in await make(call)


async def test_a_test_tells_the_status_and_nothing_of_the_answer(call, wire):
    one = f"{ALL}/{(await make(call))['id']}"
    told = (await call("POST", one + "/test")).json
    assert (told["ok"], told["status"], told["error"]) == (True, 202, "")
    assert set(told) == {"ok", "status", "latency_ms", "error"}
    assert wire.sent


async def test_a_replay_is_taken_up_and_told(call):
    one = f"{ALL}/{(await make(call))['id']}"
    mail = (await call("POST", "/v1/emails", NATIVE, {"prefer": "wait=5"})).json
    events = (await call("GET", "/v1/events")).json["data"]
    event = next(each for each in events if each.get("subject") == mail["id"])
    assert (await call("POST", one + "/replay", {"event": event["id"]})).status == 202
    answer = await call("POST", one + "/replay", {"since": "2020-01-31T09:00:00Z"})
    assert (answer.status, answer.json["is_replaying"]) == (202, True)


FAULTY = {
    "no url": ({}, "url"),
    "plain http": ({"url": "http://hooks.example.com/"}, "url"),
    "a long one": ({"url": URL + "x" * WEBHOOK_URL_CHARS_MAX}, "url"),
    "an address inside": ({"url": "https://10.0.0.1/"}, "url"),
    "a login without a password": ({"url": URL, "login": "shop"}, "login"),
    "a login of two lines": ({"url": URL, "login": "shop:x\r\nX-Evil: 1"}, "login"),
    "a long login": ({"url": URL, "login": "shop:" + "x" * WEBHOOK_LOGIN_CHARS_MAX}, "login"),
    "an unknown format": ({"url": URL, "format": "sparkpost"}, "format"),
    "a format that is no string": ({"url": URL, "format": {}}, "format"),
    "an unknown type": ({"url": URL, "events": ["email.sended"]}, "events[0]"),
    "too many types": ({"url": URL, "events": ["email.sent"] * (WEBHOOK_FILTER_MAX + 1)}, "events"),
    "an unknown account": ({"url": URL, "accounts": ["third"]}, "accounts[0]"),
    "an empty tag": ({"url": URL, "tags": [""]}, "tags[0]"),
    "a line break": ({"url": URL, "description": "a\nb"}, "description"),
    "an unknown field": ({"url": URL, "secret": "whsec_x"}, "secret"),
    "a wrong type": ({"url": 1}, "url"),
}


@pytest.mark.parametrize(("body", "field"), FAULTY.values(), ids=FAULTY)
async def test_what_is_faulty_is_named(call, body, field):
    answer = await call("POST", ALL, body)
    assert (answer.status, [error["field"] for error in answer.json["errors"]]) == (422, [field])
    assert (await call("GET", ALL)).json["data"] == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "event"),
        ({"event": "x", "since": 1}, "event"),
        ({"event": "x", "until": 1}, "until"),
        ({"event": "x"}, "event"),
        ({"since": "yesterday"}, "since"),
        ({"since": 10, "until": 5}, "until"),
    ],
)
async def test_a_replay_of_nothing_is_named(call, body, field):
    one = f"{ALL}/{(await make(call))['id']}"
    answer = await call("POST", one + "/replay", body)
    assert (answer.status, [error["field"] for error in answer.json["errors"]][:1]) == (422, [field])


ONE = f"{ALL}/wh_aaaaaaaaaaaaaaaa"
ABSENT = [
    ("GET", ONE, b""),
    ("PATCH", ONE, {"enabled": True}),
    ("DELETE", ONE, b""),
    ("POST", ONE + "/rotate", b""),
    ("POST", ONE + "/test", b""),
    ("POST", ONE + "/replay", {"since": 1}),
    ("GET", ONE + "/attempts", b""),
]


@pytest.mark.parametrize(("method", "path", "body"), ABSENT)
async def test_a_webhook_that_nobody_has_made_is_not_found(call, method, path, body):
    answer = await call(method, path, body)
    assert (answer.status, answer.json["code"]) == (404, "not_found")


async def test_only_keys_of_scope_admin_change_and_all_of_the_project_read(services, engine):
    tokens = {scope: (await engine.keyring.create("shop", scope, ""))[1] for scope in Scope}
    call = Caller(build_app(dataclasses.replace(services, keyring=engine.keyring)))

    async def ask(scope, method, path, body=b""):
        return await call(method, path, body, {"authorization": f"Bearer {tokens[scope]}"})

    made = (await ask("admin", "POST", ALL, {"url": URL})).json
    one = f"{ALL}/{made['id']}"
    for scope in ("send", "read"):
        assert (await ask(scope, "GET", one)).status == 200
        for method, path, body in (
            ("POST", ALL, {"url": URL}),
            ("PATCH", one, {}),
            ("DELETE", one, b""),
            ("POST", one + "/rotate", b""),
            ("POST", one + "/test", b""),
            ("POST", one + "/replay", {"since": 1}),
        ):
            assert (await ask(scope, method, path, body)).status == 403
    tokens["admin"] = (await engine.keyring.create("another", Scope.ADMIN, ""))[1]
    assert (await ask("admin", "GET", one)).status == 404
    assert (await ask("admin", "GET", ALL)).json["data"] == []
