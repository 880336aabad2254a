"""What people do to mail, over HTTP: the form of requests and answers."""

import asyncio
import base64
import email
import time
from datetime import datetime

import pytest

from everpost.providers.contract import HttpResponse
from http_kit import NATIVE

LATER = "2099-01-01T00:00:00Z"
WHY = {"reason": "they have lost it"}


async def sent(call, **fields):
    return (await call("POST", "/v1/emails", NATIVE | fields, {"prefer": "wait=5"})).json["id"]


async def held(call, wire):
    """Nobody can ask the provider, and the sender wants it held."""
    wire.answers["first"] = HttpResponse(status=502, headers={}, body=b"")
    id_ = await sent(call, on_unknown="hold", resolve_within_s=0)
    async with asyncio.timeout(10):
        while True:
            if (await call("GET", f"/v1/emails/{id_}")).json["state"] == "held":
                return id_
            await asyncio.sleep(0.01)


async def test_what_a_mail_says_is_told_apart_from_how_it_stands(call):
    file = {"filename": "naïve „x“.txt", "content": base64.b64encode(b"hi").decode()}
    id_ = await sent(call, html="<p>x</p>", attachments=[file], headers={"X-Order": "1"})
    answer = await call("GET", f"/v1/emails/{id_}/content")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json == {
        "id": id_,
        "subject": NATIVE["subject"],
        "text": NATIVE["text"],
        "html": "<p>x</p>",
        "headers": {"X-Order": "1"},
        "attachments": [
            {"filename": "naïve „x“.txt", "content_type": "text/plain", "content_id": None, "size_bytes": 2},
        ],
        "removed": [],
    }


async def test_the_source_of_a_mail_is_what_a_server_of_mail_would_be_given(call):
    id_ = await sent(call, html="<p>x</p>", headers={"X-Order": "1"})
    answer = await call("GET", f"/v1/emails/{id_}/source")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    told = email.message_from_bytes(answer.body)
    assert (told["subject"], told["x-order"], told["bcc"]) == (NATIVE["subject"], "1", None)
    assert {part.get_content_type() for part in told.walk()} >= {"text/plain", "text/html"}


async def test_a_file_is_given_as_bytes_that_no_browser_makes_anything_of(call):
    file = {"filename": 'a"\u00e9.html', "content": base64.b64encode(b"<script>").decode()}
    id_ = await sent(call, attachments=[file])
    answer = await call("GET", f"/v1/emails/{id_}/attachments/0")
    assert (answer.status, answer.body) == (200, b"<script>")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''a%22%C3%A9.html"
    assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'"
    for place in ("1", "x", "-1", "9999"):
        assert (await call("GET", f"/v1/emails/{id_}/attachments/{place}")).json["code"] == "not_found"


async def test_a_held_mail_is_decided_with_a_reason(call, wire):
    id_ = await held(call, wire)
    refused = await call("POST", f"/v1/emails/{id_}/resolve", {"decision": "sent"})
    assert [error["field"] for error in refused.json["errors"]] == ["reason"]
    body = {"decision": "sent", "reason": "they have it", "attempts": 1}
    answer = await call("POST", f"/v1/emails/{id_}/resolve", body)
    assert (answer.status, answer.json["state"]) == (200, "sent")
    assert answer.json["attempts"][-1]["resolution"] == "decided; sent"
    again = await call("POST", f"/v1/emails/{id_}/resolve", body)
    assert (again.status, again.json["code"]) == (409, "not_resolvable")


async def waiting(call, **fields):
    """It is to be sent in an hour."""
    mail = NATIVE | {"send_at": round(time.time()) + 3600} | fields
    return (await call("POST", "/v1/emails", mail)).json["id"]


async def test_a_mail_is_moved_and_shows_its_new_time(call):
    id_ = await waiting(call)
    there = round(time.time()) + 7200
    answer = await call("POST", f"/v1/emails/{id_}/reschedule", {"send_at": there, "reason": "x"})
    assert answer.status == 200
    assert datetime.fromisoformat(answer.json["send_at"]).timestamp() == there
    assert answer.json["deliveries"][0]["due_at"] == answer.json["send_at"]
    beyond = await call("POST", f"/v1/emails/{id_}/reschedule", {"send_at": LATER, "reason": "x"})
    assert (beyond.status, beyond.json["code"]) == (409, "not_reschedulable")


async def test_a_mail_is_cancelled_with_or_without_a_reason(call):
    for body in (b"", {"reason": "wrong price"}):
        answer = await call("POST", f"/v1/emails/{await waiting(call)}/cancel", body)
        assert (answer.status, answer.json["state"]) == (200, "cancelled")
    assert answer.json["deliveries"][0]["reason"] == "cancelled by local: wrong price"


async def test_a_mail_that_is_sent_again_needs_a_key_and_names_its_origin(call):
    id_ = await sent(call)
    assert (await call("POST", f"/v1/emails/{id_}/resend", WHY)).json["code"] == "bad_header"
    first = await call("POST", f"/v1/emails/{id_}/resend", WHY, {"idempotency-key": "k"})
    assert first.status == 202
    again = await call("POST", f"/v1/emails/{id_}/resend", WHY, {"idempotency-key": "k"})
    assert (again.body, again.headers["idempotency-replayed"]) == (first.body, "true")
    new = await call("GET", first.headers["location"])
    assert new.json["resend_of"] == id_
    other = await call("POST", f"/v1/emails/{id_}/resend", {"reason": "x"}, {"idempotency-key": "k"})
    assert other.json["code"] == "idempotency_mismatch"


async def test_the_traceparent_of_who_sends_again_reaches_the_events_of_the_new_mail(call):
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    told = {"idempotency-key": "k", "traceparent": trace}
    new = await call("POST", f"/v1/emails/{await sent(call)}/resend", WHY, told)
    [first, *_] = (await call("GET", f"/v1/events?message={new.json['id']}")).json["data"]
    assert first["data"]["trace"] == trace


async def test_what_is_looked_for_stands_in_the_body(call):
    ids = [await sent(call, to=[f"bob{number}@example.org"]) for number in range(3)]
    found = await call("POST", "/v1/emails/search", {"filter": {"recipient": "BOB1@example.org"}})
    assert [mail["id"] for mail in found.json["data"]] == [ids[1]]
    page = await call("POST", "/v1/emails/search", {"limit": 2})
    rest = await call("POST", "/v1/emails/search", {"limit": 2, "cursor": page.json["next_cursor"]})
    assert [mail["id"] for mail in page.json["data"] + rest.json["data"]] == sorted(ids, reverse=True)


async def test_many_are_counted_first_and_then_cancelled(call):
    ids = {await waiting(call, tags=["t"]) for _ in range(3)}
    certain = await sent(call, tags=["t"])
    wanted = {"action": "cancel", "filter": {"tag": "t"}, "reason": "wrong price"}
    looked = (await call("POST", "/v1/emails/bulk", wanted | {"dry_run": True})).json
    assert {(await call("GET", f"/v1/emails/{id_}")).json["state"] for id_ in ids} == {"queued"}
    done = (await call("POST", "/v1/emails/bulk", wanted)).json
    assert {(await call("GET", f"/v1/emails/{id_}")).json["state"] for id_ in ids} == {"cancelled"}
    for told in (looked, done):
        assert (told["matched"], told["done"], told["next_cursor"]) == (4, 3, None)
        assert [(one["id"], one["code"]) for one in told["refused"]] == [(certain, "not_cancellable")]


async def test_many_are_sent_again_only_with_a_key(call):
    await sent(call, tags=["t"])
    wanted = {"action": "resend", "filter": {"tag": "t"}, "reason": "lost"}
    assert (await call("POST", "/v1/emails/bulk", wanted)).json["code"] == "bad_header"
    assert (await call("POST", "/v1/emails/bulk", wanted | {"dry_run": True})).json["done"] == 1
    assert (await call("POST", "/v1/emails/bulk", wanted, {"idempotency-key": "k"})).json["done"] == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"action": "cancel", "filter": {}, "reason": "x"}, "filter"),
        ({"action": "reschedule", "filter": {"tag": "t"}, "reason": "x"}, "send_at"),
        ({"action": "cancel", "filter": {"tag": "t"}, "reason": "x", "send_at": LATER}, "send_at"),
        ({"action": "resolve", "filter": {"tag": "t"}, "reason": "x"}, "decision"),
        ({"action": "cancel", "filter": {"tag": "t"}, "reason": "x", "decision": "sent"}, "decision"),
        ({"action": "cancel", "filter": {"tag": "t"}, "reason": ""}, "reason"),
        ({"action": "cancel", "filter": {"created_from": "then"}, "reason": "x"}, "filter.created_from"),
        ({"action": "cancel", "filter": {"tag": "t"}, "reason": "x", "cursor": "!"}, "cursor"),
    ],
)
async def test_what_makes_no_sense_for_many_is_named(call, body, field):
    answer = await call("POST", "/v1/emails/bulk", body)
    assert (answer.status, answer.json["code"]) == (422, "validation_failed")
    assert [error["field"] for error in answer.json["errors"]] == [field]
