import socket

import pytest


def test_the_key_goes_as_a_bearer_token(everpost, server):
    server.put("GET", "/v1/accounts", 200, {"data": [], "next_cursor": None})
    everpost("accounts", "--key", "evp_x")
    assert server.asked[0].headers["Authorization"] == "Bearer evp_x"


def test_url_and_key_may_come_from_the_environment(everpost, server, monkeypatch):
    server.put("GET", "/v1/accounts", 200, {"data": [], "next_cursor": None})
    monkeypatch.setenv("EVERPOST_KEY", "evp_y")
    assert everpost("accounts").code == 0
    assert server.asked[0].headers["Authorization"] == "Bearer evp_y"


def test_a_server_that_is_not_running_gets_a_hint(everpost):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    ended = everpost("accounts", "--url", f"http://127.0.0.1:{port}")
    assert ended.code == 1
    assert ended.out == ""
    assert f"no server answers at http://127.0.0.1:{port}" in ended.err
    assert "start one with: everpost dev" in ended.err


@pytest.mark.parametrize("url", ["localhost:8025", "ftp://example.com", "http://"])
def test_an_address_that_is_none_is_wrong_usage(everpost, url):
    ended = everpost("accounts", "--url", url)
    assert ended.code == 2
    assert "is not a server's address" in ended.err


def test_a_missing_key_gets_a_hint(everpost, server):
    problem = {"code": "unauthorized", "status": 401, "title": "A key is needed"}
    server.put("GET", "/v1/accounts", 401, problem)
    ended = everpost("accounts")
    assert ended.code == 1
    assert "A key is needed" in ended.err
    assert "everpost keys create" in ended.err


def test_where_faulty_fields_are_named_nobody_is_sent_to_the_body_for_them(everpost, server):
    problem = {
        "code": "validation_failed",
        "status": 422,
        "title": "The mail has faults",
        "detail": "every faulty field is listed under `errors`; nothing was accepted",
        "errors": [{"field": "to[0]", "message": "no @"}],
    }
    server.put("POST", "/v1/emails", 422, problem)
    ended = everpost("send", "--from", "ann@example.com", "--to", "bob")
    assert ended.err.splitlines() == ["everpost: The mail has faults", "  to[0]: no @"]


def test_every_faulty_field_of_a_problem_is_shown(everpost, server):
    problem = {
        "code": "invalid_request",
        "status": 400,
        "title": "The mail has faults",
        "detail": "2 of its fields",
        "errors": [{"field": "to[0]", "message": "no @"}, {"field": "subject", "message": "too long"}],
    }
    server.put("POST", "/v1/emails", 400, problem)
    ended = everpost("send", "--from", "ann@example.com", "--to", "bob")
    assert ended.code == 1
    assert ended.err.splitlines() == [
        "everpost: The mail has faults: 2 of its fields",
        "  to[0]: no @",
        "  subject: too long",
    ]
    as_json = everpost("send", "--from", "ann@example.com", "--to", "bob", "--json")
    assert as_json.code == 1
    assert as_json.err == ""
    assert as_json.json == {
        "error": {
            "code": "invalid_request",
            "message": "The mail has faults: 2 of its fields",
            "details": ["to[0]: no @", "subject: too long"],
        }
    }


@pytest.mark.parametrize("status", [200, 502])
def test_an_answer_that_is_no_json_is_told_as_such(everpost, server, status):
    server.put("GET", "/v1/accounts", status, b"<html>a proxy</html>")
    ended = everpost("accounts")
    assert ended.code == 1
    assert f"answered {status} without JSON" in ended.err


def test_a_connection_that_breaks_is_told_as_such(everpost):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)
        ended = everpost("accounts", "--url", url)
    assert ended.code == 1
    assert url in ended.err


def test_a_key_that_no_header_can_carry_is_wrong_usage(everpost):
    ended = everpost("accounts", "--key", "evp_\r\nX: y")
    assert ended.code == 2
    assert "can't be sent" in ended.err
