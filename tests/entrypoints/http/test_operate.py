import re
import time

import pytest

from everpost.model.capability import UNSEEN, Loss
from http_kit import NATIVE


async def test_accounts_tell_their_health_and_quota_and_no_credentials(call):
    await call("POST", "/v1/emails", NATIVE, {"prefer": "wait=5"})
    first, second = (await call("GET", "/v1/accounts")).json["data"]
    assert (first["name"], first["is_default"], second["is_default"]) == ("first", True, False)
    assert first["circuit"]["state"] == "closed"
    assert first["quota"] == {"limit": {"day": 100}, "left": {"day": 99}}
    assert second["quota"] == {"limit": {}, "left": {}}
    assert "settings" not in first


async def test_a_route_is_changed_by_whoever_has_read_its_version(call):
    read = await call("GET", "/v1/routes/default")
    assert (read.json["default"], read.json["version"], read.headers["etag"]) == ("first", 0, '"0"')
    swapped = read.json | {"accounts": read.json["accounts"][::-1], "default": "second"}
    changed = await call("PUT", "/v1/routes/default", swapped)
    assert (changed.status, changed.json["default"], changed.headers["etag"]) == (200, "second", '"1"')
    stale = await call("PUT", "/v1/routes/default", swapped)
    assert (stale.status, stale.json["code"]) == (412, "version_conflict")
    del swapped["version"]
    by_header = await call("PUT", "/v1/routes/default", swapped, {"if-match": '"1"'})
    assert (by_header.status, by_header.json["version"]) == (200, 2)
    assert (await call("GET", "/v1/routes")).json["data"] == [by_header.json]


ROUTE = {"accounts": [{"account": "first"}], "version": 0}
BAD_ROUTES = {
    "no version": ({"accounts": [{"account": "first"}]}, {}, 428, "version_required"),
    "two versions": (ROUTE, {"if-match": '"1"'}, 400, "bad_header"),
    "no ETag": (ROUTE, {"if-match": "1"}, 400, "bad_header"),
    "no accounts": (ROUTE | {"accounts": []}, {}, 422, "validation_failed"),
    "unknown account": (ROUTE | {"accounts": [{"account": "third"}]}, {}, 422, "validation_failed"),
    "another name": (ROUTE | {"name": "fast"}, {}, 422, "validation_failed"),
    "another default": (ROUTE | {"default": "second"}, {}, 422, "validation_failed"),
    "unknown field": (ROUTE | {"weights": []}, {}, 422, "validation_failed"),
    "no word where one is needed": (ROUTE | {"on_unknown": {}}, {}, 422, "validation_failed"),
    "negative time": (ROUTE | {"resolve_within_s": -1}, {}, 422, "validation_failed"),
    "no time": (ROUTE | {"give_up_after_s": 0}, {}, 422, "validation_failed"),
    "negative weight": (ROUTE | {"accounts": [{"account": "first", "weight": -1}]}, {}, 422, "validation_failed"),
    "no loss": (ROUTE | {"allow_loss": ["weight"]}, {}, 422, "validation_failed"),
    "no JSON": (b"first", {}, 400, "bad_json"),
}


@pytest.mark.parametrize(("body", "headers", "status", "code"), BAD_ROUTES.values(), ids=BAD_ROUTES)
async def test_a_faulty_route_changes_nothing(call, body, headers, status, code):
    answer = await call("PUT", "/v1/routes/default", body, headers)
    assert (answer.status, answer.json["code"]) == (status, code)
    assert (await call("GET", "/v1/routes/default")).json["version"] == 0


@pytest.mark.parametrize("policy", [None, [], ["headers", "tags"]])
async def test_a_route_keeps_what_its_mails_may_lose(call, policy):
    changed = await call("PUT", "/v1/routes/default", ROUTE | {"allow_loss": policy})
    assert (changed.status, changed.json["allow_loss"]) == (200, policy)
    assert (await call("GET", "/v1/routes/default")).json == changed.json
    told = (await call("POST", "/v1/routes/default/explain", {"from": "a@example.com", "to": "b@example.org"})).json
    assert told["allow_loss"] == [loss for loss in Loss if loss in (UNSEEN if policy is None else policy)]
    more = {"from": "a@example.com", "to": "b@example.org", "allow_loss": ["calendar"]}
    assert "calendar" in (await call("POST", "/v1/routes/default/explain", more)).json["allow_loss"]
    [event] = (await call("GET", "/v1/events?type=route.changed")).json["data"]
    assert event["data"].get("allow_loss") == policy


async def test_an_unknown_account_is_named_with_the_known_ones(call):
    answer = await call("PUT", "/v1/routes/default", ROUTE | {"accounts": [{"account": "third"}]})
    [error] = answer.json["errors"]
    assert error["field"] == "accounts[0].account"
    assert "first, second" in error["message"]


async def test_an_address_can_be_suppressed_and_allowed_again(call):
    path = "/v1/suppressions/Bob/x@example.org"
    assert (await call("GET", path)).status == 404
    put = await call("PUT", path, {"reason": "asked by phone"})
    assert (put.json["address"], put.json["reason"]) == ("bob/x@example.org", "asked by phone")
    assert (await call("GET", path)).json == put.json
    deleted = await call("DELETE", path)
    assert (deleted.status, deleted.body) == (204, b"")
    assert "content-length" not in deleted.headers
    assert (await call("GET", path)).status == 404


async def test_mail_to_a_suppressed_address_is_not_handed_over(call, wire):
    await call("PUT", "/v1/suppressions/bob@example.org")
    answer = await call("POST", "/v1/emails", NATIVE, {"prefer": "wait=5"})
    assert answer.json["state"] == "failed"
    assert answer.json["recipients"][0]["state"] == "suppressed"
    assert wire.sent == []


async def test_what_is_no_address_can_not_be_suppressed(call):
    answer = await call("PUT", "/v1/suppressions/bob")
    assert (answer.status, answer.json["errors"][0]["field"]) == (422, "address")
    answer = await call("PUT", "/v1/suppressions/bob@example.org", {"reason": ""})
    assert (answer.status, answer.json["errors"][0]["field"]) == (422, "reason")


async def test_a_recipient_is_erased_after_it_was_told_what_that_would_do(call):
    sent = await call("POST", "/v1/emails", NATIVE, {"prefer": "wait=5"})
    [address] = [one["email"] for one in sent.json["recipients"]]
    looked = await call("POST", "/v1/recipients/erase", {"address": address.upper(), "dry_run": True})
    assert looked.json == {"dry_run": True, "messages": 1, "cancelled": 0, "suppressed": False}
    done = await call("POST", "/v1/recipients/erase", {"address": address.upper()})
    assert done.json == looked.json | {"dry_run": False}
    read = await call("GET", f"/v1/emails/{sent.json['id']}")
    assert address not in read.body.decode()
    assert (read.json["state"], read.json["removed"], read.json["subject"]) == ("sent", ["content"], "")


async def test_a_recipient_that_mail_is_waiting_for_is_named_with_it(call):
    later = {"send_at": time.time() + 86_400, "to": ["a@example.org", "b@example.org"]}
    sent = await call("POST", "/v1/emails", NATIVE | later)
    refused = await call("POST", "/v1/recipients/erase", {"address": "a@example.org"})
    assert (refused.status, refused.json["code"]) == (409, "recipient_busy")
    assert sent.json["id"] in refused.json["detail"]


@pytest.mark.parametrize("body", [{"address": "bob"}, {}, {"address": "a@example.org", "dry": True}, b"a@example.org"])
async def test_whom_to_erase_must_be_said_clearly(call, body):
    assert (await call("POST", "/v1/recipients/erase", body)).status in (400, 422)


async def test_it_says_that_it_lives_and_that_it_is_ready(call):
    assert (await call("GET", "/healthz")).json == {"status": "ok", "version": "0.0.0"}
    assert (await call("GET", "/readyz")).json == {"status": "ready"}


async def test_metrics_tell_requests_queue_accounts_and_that_nothing_is_missing(call):
    await call("POST", "/v1/emails", NATIVE, {"prefer": "wait=5"})
    await call("BREW", "/anything/at/all")
    answer = await call("GET", "/metrics")
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    figures = dict(line.rsplit(" ", 1) for line in answer.body.decode().splitlines() if not line.startswith("#"))
    assert figures["everpost_emails_accepted_total"] == "1.0"
    assert figures['everpost_http_requests_total{method="POST",route="/v1/emails",status="200"}'] == "1.0"
    assert figures['everpost_http_requests_total{method="(any)",route="(none)",status="404"}'] == "1.0"
    assert figures['everpost_deliveries{state="sent"}'] == "1.0"
    assert figures["everpost_deliveries_unaccounted"] == "0.0"
    assert figures['everpost_account_circuit{account="first",state="closed"}'] == "1.0"
    assert figures['everpost_account_quota_left{account="first",unit="day"}'] == "99.0"
    assert re.search(r"# EOF\s*$", answer.body.decode())
