import base64
from dataclasses import replace

import pytest

from everpost.engine.series import Recorder
from everpost.entrypoints.http.app import all_operations, build_app
from everpost.model.key import Scope
from http_kit import NATIVE, ORIGINAL, Caller

OPEN = {"/healthz", "/livez", "/readyz", "/", "/config.json", "/page/{file}", "/docs", "/openapi.json"}
SIGNED = {"/hooks/{account}"}  # by a provider


@pytest.fixture
async def keyed(services, engine):
    """An API that asks for keys, and a token of each scope."""
    app = build_app(replace(services, keyring=engine.keyring))
    return Caller(app), {scope: (await engine.keyring.create("default", scope, "test"))[1] for scope in Scope}


def bearer(token):
    return {"authorization": f"Bearer {token}"}


async def test_only_an_administrator_may_ignore_an_unsubscription(keyed):
    call, tokens = keyed
    mail = NATIVE | {"ignore_unsubscribe": True}
    refused = await call("POST", "/v1/emails", mail, bearer(tokens[Scope.SEND]))
    assert (refused.status, refused.json["code"]) == (403, "forbidden")
    assert "ignore_unsubscribe" in refused.json["detail"]
    assert (await call("POST", "/v1/emails", mail, bearer(tokens[Scope.ADMIN]))).status == 202


async def test_every_operation_but_the_open_ones_needs_a_key(keyed, services):
    call, _ = keyed
    for operation in all_operations(services):
        path = operation.path.replace("{", "").replace("}", "").replace(":path", "")
        answer = await call(operation.method, path, b"{}")
        assert (answer.status == 401) == (operation.path not in OPEN | SIGNED), operation.id
        if answer.status == 401:
            assert answer.headers["www-authenticate"] == 'Bearer realm="everpost"'


async def test_scopes_say_what_a_key_may_do(keyed):
    call, tokens = keyed
    table = [
        ("POST", "/v1/emails", NATIVE, {Scope.SEND, Scope.ADMIN}),
        ("POST", "/sendEmail", ORIGINAL, {Scope.SEND, Scope.ADMIN}),
        ("GET", "/v1/emails", b"", set(Scope)),
        ("GET", "/v1/events", b"", set(Scope)),
        ("GET", "/metrics", b"", set(Scope)),
        ("POST", "/setEmailProvider", {"provider": "first"}, {Scope.ADMIN}),
        ("PUT", "/v1/suppressions/bob@example.net", b"", {Scope.ADMIN}),
    ]
    for method, path, body, allowed in table:
        for scope, token in tokens.items():
            answer = await call(method, path, body, bearer(token))
            assert (answer.status == 403) == (scope not in allowed), (path, scope)


async def test_the_refusal_names_the_scope_that_is_needed(keyed):
    call, tokens = keyed
    answer = await call("POST", "/v1/emails", NATIVE, bearer(tokens[Scope.READ]))
    assert answer.json["code"] == "forbidden"
    assert "scope send" in answer.json["detail"]


async def test_the_key_may_come_as_the_password_of_basic(keyed):
    call, tokens = keyed
    pair = base64.b64encode(f"api:{tokens[Scope.READ]}".encode()).decode()
    assert (await call("GET", "/v1/accounts", headers={"authorization": f"Basic {pair}"})).status == 200
    for bad in ("Basic !!!", "Basic ", "Bearer", "Digest x", "Bearer evp_wrong"):
        assert (await call("GET", "/v1/accounts", headers={"authorization": bad})).status == 401


async def test_projects_see_only_their_own_mail_and_events(keyed, engine):
    call, tokens = keyed
    other = (await engine.keyring.create("other", Scope.READ, "test"))[1]
    message_id = (await call("POST", "/v1/emails", NATIVE, bearer(tokens[Scope.SEND]))).json["id"]
    assert (await call("GET", f"/v1/emails/{message_id}", headers=bearer(other))).status == 404
    assert (await call("GET", "/v1/emails", headers=bearer(other))).json["data"] == []
    subjects = {
        name: {event.get("subject") for event in (await call("GET", "/v1/events", headers=bearer(token))).json["data"]}
        for name, token in {"other": other, "admin": tokens[Scope.ADMIN]}.items()
    }
    assert message_id in subjects["admin"]
    assert message_id not in subjects["other"]


async def test_projects_see_only_their_own_figures(keyed, engine):
    call, tokens = keyed
    other = (await engine.keyring.create("other", Scope.READ, "test"))[1]
    await call("POST", "/v1/emails", NATIVE, bearer(tokens[Scope.SEND]))
    await Recorder(engine.ports).catch_up()
    seen = {
        name: sum((await call("GET", "/v1/series", headers=bearer(token))).json["totals"]["accepted"])
        for name, token in {"other": other, "own": tokens[Scope.READ]}.items()
    }
    assert seen == {"other": 0, "own": 1}


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"host": "127.0.0.1.evil.example:8025"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
    ],
)
async def test_without_keys_no_page_from_elsewhere_gets_through(call, headers):
    answer = await call("POST", "/sendEmail", ORIGINAL, headers)
    assert (answer.status, answer.json["code"]) == (403, "not_local")


@pytest.mark.parametrize("host", ["127.0.0.1:8025", "localhost", "LOCALHOST:80", "[::1]:8025"])
async def test_without_keys_this_machine_gets_through(call, host):
    headers = {"host": host, "origin": f"http://{host}"}
    assert (await call("GET", "/v1/accounts", headers=headers)).status == 200
