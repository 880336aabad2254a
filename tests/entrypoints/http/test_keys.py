"""API keys over the API: those of one's own project, and none that is stronger than one's own."""

import asyncio
from dataclasses import replace

import pytest

from everpost.entrypoints.http.app import build_app
from everpost.model.key import Scope
from everpost.model.limits import KEY_DAYS_MAX
from http_kit import Caller

KEYS = "/v1/keys"


@pytest.fixture
def keyed(services, engine):
    """The same room, where keys are needed; and a way to call with one."""
    call = Caller(build_app(replace(services, keyring=engine.keyring)))

    async def ask(token, method, target, body=b""):
        return await call(method, target, body, {"authorization": f"Bearer {token}"})

    return ask


async def admin(engine, project="shop", **more):
    return (await engine.keyring.create(project, Scope.ADMIN, "admin", **more))[1]


async def test_a_key_is_made_shown_once_used_and_revoked(keyed, engine):
    mine = await admin(engine)
    made = await keyed(mine, "POST", KEYS, {"scope": "read", "name": "a laptop", "days": 30})
    assert made.status == 201
    key = made.json
    assert (key["name"], key["scope"], key["project"], key["state"], key["used_at"]) == (
        *("a laptop", "read", "shop", "ok"),
        None,
    )
    token = key.pop("token")
    assert token.startswith(f"evp_{key['id']}_")
    listed = await keyed(mine, "GET", KEYS)
    assert [one["name"] for one in listed.json["data"]] == ["admin", "a laptop"]
    assert token.split("_")[2] not in listed.body.decode()
    assert listed.json["data"][1] == key
    assert (await keyed(token, "GET", "/v1/accounts")).status == 200
    await asyncio.gather(*engine.keyring._uses._tasks)
    assert (await keyed(mine, "GET", KEYS)).json["data"][1]["used_at"] is not None
    assert (await keyed(mine, "DELETE", f"{KEYS}/{key['id']}")).status == 204
    assert (await keyed(mine, "DELETE", f"{KEYS}/{key['id']}")).status == 204
    assert (await keyed(token, "GET", "/v1/accounts")).status == 401
    assert (await keyed(mine, "GET", KEYS)).json["data"][1]["state"] == "revoked"


async def test_keys_of_another_project_are_neither_seen_nor_made_nor_revoked(keyed, engine):
    mine, theirs = await admin(engine), await admin(engine, "blog")
    other = (await keyed(theirs, "POST", KEYS, {"scope": "send"})).json
    assert other["project"] == "blog"
    assert other["id"] not in (await keyed(mine, "GET", KEYS)).body.decode()
    refused = await keyed(mine, "DELETE", f"{KEYS}/{other['id']}")
    assert (refused.status, refused.json["code"]) == (404, "not_found")
    asked = await keyed(mine, "POST", KEYS, {"scope": "send", "project": "blog"})
    assert (asked.status, asked.json["errors"][0]["field"]) == (422, "project")
    assert (await keyed(other["token"], "GET", "/v1/accounts")).status == 200


@pytest.mark.parametrize("scope", ["read", "send"])
async def test_only_an_administrator_may_look_at_keys(keyed, engine, scope):
    _, token = await engine.keyring.create("shop", Scope(scope), "")
    key = (await engine.keyring.list_keys("shop"))[0]
    asked = (("GET", KEYS, b""), ("POST", KEYS, {"scope": "read"}), ("DELETE", f"{KEYS}/{key.id}", b""))
    assert [(await keyed(token, *each)).status for each in asked] == [403, 403, 403]


@pytest.mark.parametrize(("days", "status"), [(None, 422), (2, 422), (0.5, 201)])
async def test_a_key_that_ends_makes_none_that_lasts_longer(keyed, engine, days, status):
    mine = await admin(engine, lasts_s=86_400.0)
    answer = await keyed(mine, "POST", KEYS, {"scope": "admin", "days": days})
    assert answer.status == status
    if status == 422:
        [error] = answer.json["errors"]
        assert (error["field"], "ends in 1.00 days" in error["message"]) == ("days", True)


FAULTY = {
    "no scope": ({}, "scope"),
    "no such scope": ({"scope": "root"}, "scope"),
    "no days": ({"scope": "read", "days": 0}, "days"),
    "too many days": ({"scope": "read", "days": KEY_DAYS_MAX + 1}, "days"),
    "a line break": ({"scope": "read", "name": "a\nb"}, "name"),
}


@pytest.mark.parametrize(("body", "field"), FAULTY.values(), ids=FAULTY)
async def test_a_faulty_key_is_not_made(call, body, field):
    answer = await call("POST", KEYS, body)
    assert (answer.status, [error["field"] for error in answer.json["errors"]]) == (422, [field])
    assert (await call("GET", KEYS)).json["data"] == []


async def test_a_project_has_no_more_keys_that_hold_than_the_limit_says(call, monkeypatch):
    monkeypatch.setattr("everpost.engine.key_desk.KEYS_MAX", 2)
    first = (await call("POST", KEYS, {"scope": "read"})).json
    await call("POST", KEYS, {"scope": "read"})
    refused = await call("POST", KEYS, {"scope": "read"})
    assert (refused.status, refused.json["code"]) == (409, "too_many_keys")
    await call("DELETE", f"{KEYS}/{first['id']}")
    assert (await call("POST", KEYS, {"scope": "read"})).status == 201


async def test_the_audit_trail_tells_who_has_made_and_revoked_a_key(call):
    key = (await call("POST", KEYS, {"scope": "read"})).json
    await call("DELETE", f"{KEYS}/{key['id']}")
    events = (await call("GET", "/v1/events")).json["data"]
    told = [(event["type"].rpartition("everpost.")[2], event["data"]["by"], event["data"]["key"]) for event in events]
    assert told == [("key.created", "local", key["id"]), ("key.revoked", "local", key["id"])]
