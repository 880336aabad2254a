"""Accounts are probed and paused, and a route explains itself, over HTTP."""

import pytest

from http_kit import NATIVE

SKETCH = {"from": "ann@example.com", "to": ["bob@example.org"], "size_bytes": 48_000, "tags": ["invoice"]}


async def events(call, kind):
    found = (await call("GET", "/v1/events")).json["data"]
    return [event["data"] for event in found if event["type"] == f"dev.everpost.{kind}"]


async def test_an_account_shows_its_places_its_latest_requests_and_what_waits(call):
    first, second = (await call("GET", "/v1/accounts")).json["data"]
    assert first["routes"] == [{"route": "default", "place": 1, "weight": None, "paused": False}]
    assert second["routes"][0]["place"] == 2
    assert first["recent"] == {"window_s": 300.0, "ok": 0, "failed": 0, "share": None}
    assert first["waiting"] == 0


async def test_an_account_is_paused_and_resumed_with_who_and_why(call):
    paused = await call("POST", "/v1/accounts/first/pause", {"reason": "they have maintenance"})
    assert [one["paused"] for one in paused.json["data"][0]["accounts"]] == [True, False]
    [told] = await events(call, "account.paused")
    assert (told["account"], told["reason"], told["route"]) == ("first", "they have maintenance", "default")
    assert told["by"]
    sent = await call("POST", "/v1/emails", NATIVE, {"prefer": "wait=5"})
    assert sent.json["attempts"][-1]["account"] == "second"
    resumed = await call("POST", "/v1/accounts/first/resume")
    assert [one["paused"] for one in resumed.json["data"][0]["accounts"]] == [False, False]
    assert len(await events(call, "account.resumed")) == 1


async def test_a_route_is_changed_with_a_reason(call):
    body = {"accounts": [{"account": "second", "weight": 3}, {"account": "first", "weight": 1}], "version": 0}
    assert (await call("PUT", "/v1/routes/default", body | {"reason": "it is cheaper"})).status == 200
    [told] = await events(call, "route.changed")
    assert (told["reason"], told["weights"]) == ("it is cheaper", {"second": 3.0, "first": 1.0})
    [default] = await events(call, "route.default_changed")
    assert (default["reason"], default["from"], default["to"]) == ("it is cheaper", "first", "second")


@pytest.mark.parametrize("verb", ["pause", "resume", "probe"])
async def test_what_can_not_be_done_to_an_account_is_refused(call, verb):
    unknown = await call("POST", f"/v1/accounts/third/{verb}")
    assert (unknown.status, unknown.json["code"]) == (404, "unknown_account")
    assert "first, second" in unknown.json["detail"]
    for reason in ("", "x" * 501, 7):
        faulty = await call("POST", f"/v1/accounts/first/{verb}", {"reason": reason})
        assert (faulty.status, faulty.json["errors"][0]["field"]) == (422, "reason")
    assert (await call("POST", f"/v1/accounts/first/{verb}", b"{")).json["code"] == "bad_json"


async def test_a_provider_that_can_not_be_asked_says_so_and_nothing_is_sent(call, wire):
    probed = await call("POST", "/v1/accounts/first/probe", {"reason": "is it there?"})
    assert (probed.status, probed.json["verdict"], probed.json["status"]) == (200, "unasked", None)
    assert wire.sent == []
    [told] = await events(call, "account.probed")
    assert (told["verdict"], told["reason"]) == ("unasked", "is it there?")


async def test_a_route_explains_where_a_mail_would_go(call, wire):
    found = (await call("POST", "/v1/routes/default/explain", SKETCH)).json
    assert (found["prospect"], found["account"], found["reason"]) == ("sent", "first", "it is the default account")
    assert found["accounts"] == [
        {"account": "first", "share": 1.0, "reason": "it is the default account", "lost": []},
        {"account": "second", "share": 0.0, "reason": "first is asked before it", "lost": []},
    ]
    assert found["suppressed"] == []
    assert wire.sent == []
    assert (await call("GET", "/v1/emails")).json["data"] == []


async def test_mail_of_an_account_is_explained_as_going_to_whoever_has_only_unsubscribed(call):
    await call("PUT", "/v1/suppressions/bob@example.org", {"source": "unsubscribe", "reason": "wants none"})
    to = SKETCH | {"to": ["bob@example.org"]}
    found = [
        (await call("POST", "/v1/routes/default/explain", to | {"ignore_unsubscribe": it})).json["suppressed"]
        for it in (None, False, True)
    ]
    assert found == [["bob@example.org"], ["bob@example.org"], []]


async def test_a_mail_that_no_account_can_carry_is_explained_as_refused(call):
    found = (await call("POST", "/v1/routes/default/explain", SKETCH | {"size_bytes": 10**9})).json
    assert (found["prospect"], found["account"], found["until"]) == ("refused", None, None)
    assert "1000000000 bytes of content are more than its" in found["reason"]


async def test_what_a_mail_needs_is_explained(call):
    more = {"raw": True, "tags": ["a"], "metadata": {"order": "12"}, "size_bytes": 10}
    found = (await call("POST", "/v1/routes/default/explain", SKETCH | more)).json
    assert found["needs"] | {"recipients": 0} == {
        "recipients": 0,
        "size_bytes": 10,
        "raw": True,
        "attachments": 0,
        "inline": 0,
        "calendar": 0,
        "headers": 0,
        "message_id": False,
        "tags": 1,
        "metadata": 1,
    }
    assert found["prospect"] == "refused"
    assert "it takes no mail as it stands" in found["reason"]


BAD_SKETCHES = {
    "from": SKETCH | {"from": "ann"},
    "to": SKETCH | {"to": []},
    "to[0]": SKETCH | {"to": ["bob@-"]},
    "size_bytes": SKETCH | {"size_bytes": -1},
    "tags": SKETCH | {"tags": ["x"] * 11},
    "attachments[0].filename": SKETCH | {"attachments": [{"filename": ""}]},
    "subject": SKETCH | {"subject": "Hello"},
}


@pytest.mark.parametrize(("field", "body"), BAD_SKETCHES.items(), ids=BAD_SKETCHES)
async def test_a_faulty_outline_is_told_with_its_fields(call, field, body):
    answer = await call("POST", "/v1/routes/default/explain", body)
    assert (answer.status, answer.json["errors"][0]["field"]) == (422, field)


async def test_an_unknown_route_explains_nothing(call):
    answer = await call("POST", "/v1/routes/fast/explain", SKETCH)
    assert (answer.status, answer.json["code"]) == (404, "unknown_route")
