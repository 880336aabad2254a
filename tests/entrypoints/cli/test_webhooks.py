"""`everpost webhooks`: what it asks of a server, and what a person sees."""

import pytest

WEBHOOK = {
    "id": "wh_1",
    "url": "https://hooks.example.com/",
    "format": "standard",
    "has_login": False,
    "description": "shop",
    "events": ["email.sent"],
    "accounts": [],
    "tags": [],
    "enabled": True,
    "reason": "",
    "created_at": "2026-11-26T09:00:00.000Z",
    "changed_at": "2026-11-26T09:00:00.000Z",
    "delivered": 3,
    "given_up": 0,
    "waiting": 1,
    "next_attempt_at": "2026-11-26T10:00:00.000Z",
    "failures": 2,
    "failing_since": "2026-11-26T09:30:00.000Z",
    "ok_at": None,
    "is_replaying": False,
    "old_secrets_until": None,
}
ATTEMPT = {
    "at": "2026-11-26T09:30:00.000Z",
    "event": "em_1.0:2",
    "type": "email.sent",
    "number": 2,
    "status": None,
    "latency_ms": 12.5,
    "error": "connect: connection refused",
    "next_at": "2026-11-26T10:00:00.000Z",
}
ALL = "/v1/webhooks"
ONE = ALL + "/wh_1"

CALLS = [
    (
        ("create", "https://hooks.example.com/", "--events", "email.sent, email.failed", "--description", "shop"),
        ("POST", ALL),
        {"url": "https://hooks.example.com/", "events": ["email.sent", "email.failed"], "description": "shop"},
    ),
    (
        ("create", "https://hooks.example.com/", "--format", "sendgrid", "--login", "shop:secret"),
        ("POST", ALL),
        {"url": "https://hooks.example.com/", "format": "sendgrid", "login": "shop:secret"},
    ),
    (("change", "wh_1", "--login", ""), ("PATCH", ONE), {"login": ""}),
    (
        ("change", "wh_1", "--address", "https://b.example.com", "--tags", ""),
        ("PATCH", ONE),
        {"url": "https://b.example.com", "tags": []},
    ),
    (("enable", "wh_1"), ("PATCH", ONE), {"enabled": True}),
    (("disable", "wh_1"), ("PATCH", ONE), {"enabled": False}),
    (("rotate", "wh_1"), ("POST", ONE + "/rotate"), {}),
    (("replay", "wh_1", "--event", "em_1.0:2"), ("POST", ONE + "/replay"), {"event": "em_1.0:2"}),
    (
        ("replay", "wh_1", "--since", "2026-11-26T09:00:00Z"),
        ("POST", ONE + "/replay"),
        {"since": "2026-11-26T09:00:00Z"},
    ),
]


@pytest.mark.parametrize(("words", "asked", "body"), CALLS)
def test_a_command_is_one_request(server, everpost, words, asked, body):
    server.put(*asked, 200, WEBHOOK)
    assert everpost("webhooks", *words, "--json").json == WEBHOOK
    [request] = server.asked
    assert (request.method, request.path, request.json) == (*asked, body)


def test_the_list_tells_how_each_does(server, everpost):
    server.put("GET", ALL, 200, {"data": [WEBHOOK, WEBHOOK | {"enabled": False}], "next_cursor": None})
    out = everpost("webhooks", "list").out
    assert [line.split()[4] for line in out.splitlines()[1:]] == ["failed", "disabled"]


def test_a_new_secret_is_shown_with_a_warning(server, everpost):
    server.put("POST", ALL, 201, WEBHOOK | {"secret": "whsec_abc"})
    out = everpost("webhooks", "create", "https://hooks.example.com/").out
    assert "whsec_abc" in out
    assert "not shown again" in out


def test_the_key_that_verifies_signatures_as_sendgrids_is_shown(server, everpost):
    server.put("GET", ONE, 200, WEBHOOK | {"format": "sendgrid", "verification_key": "MFkw"})
    assert "MFkw" in everpost("webhooks", "show", "wh_1").out
    server.put("GET", ONE, 200, WEBHOOK)
    assert "whsec" not in everpost("webhooks", "show", "wh_1").out


def test_why_one_is_disabled_is_shown(server, everpost):
    server.put("GET", ONE, 200, WEBHOOK | {"enabled": False, "reason": "it has answered 410 Gone"})
    assert "disabled, it has answered 410 Gone" in everpost("webhooks", "show", "wh_1").out


@pytest.mark.parametrize(
    ("result", "code", "words"),
    [
        ({"ok": True, "status": 204, "latency_ms": 12.0, "error": ""}, 0, "204 after 12 ms"),
        ({"ok": False, "status": 500, "latency_ms": 12.0, "error": "answered 500"}, 1, "answered 500"),
    ],
)
def test_a_test_that_fails_is_a_failure(server, everpost, result, code, words):
    server.put("POST", ONE + "/test", 200, result)
    ended = everpost("webhooks", "test", "wh_1")
    assert ended.code == code
    assert words in ended.out
    assert everpost("webhooks", "test", "wh_1", "--json").json == result


def test_attempts_are_listed(server, everpost):
    page = {"data": [ATTEMPT], "next_cursor": None}
    server.put("GET", ONE + "/attempts", 200, page)
    line = everpost("webhooks", "attempts", "wh_1").out.splitlines()[1]
    assert all(word in line for word in ("email.sent em_1.0:2", "12.5", "connection refused", "10:00:00"))
    assert everpost("webhooks", "attempts", "wh_1", "--json").json == page


def test_a_deleted_one_is_told(server, everpost):
    server.put("DELETE", ONE, 204, b"")
    assert everpost("webhooks", "delete", "wh_1").out == "wh_1 is deleted\n"
