import asyncio
import time

from everpost.providers.contract import HttpResponse
from http_kit import BUSY, NATIVE, TAKEN

REFUSED = HttpResponse(status=400, headers={}, body=b"no such mailbox")


async def sent(call, body=NATIVE, **headers):
    return await call("POST", "/v1/emails", body, headers)


async def until_final(call, message_id):
    async with asyncio.timeout(10):
        while True:
            answer = await call("GET", f"/v1/emails/{message_id}")
            if answer.json["state"] not in ("queued", "sending"):
                return answer.json
            await asyncio.sleep(0.01)


async def test_a_mail_is_accepted_with_202_and_then_handed_over(call):
    answer = await sent(call)
    assert answer.status == 202
    assert answer.json["state"] == "queued"
    assert answer.json["attempts"] == []
    bob = {"email": "bob@example.org", "name": "", "kind": "to", "state": "pending", "reason": "", "told_at": None}
    assert answer.json["recipients"] == [bob]
    assert answer.headers["location"] == f"/v1/emails/{answer.json['id']}"

    mail = await until_final(call, answer.json["id"])
    assert mail["state"] == "sent"
    assert mail["recipients"][0]["state"] == "sent"
    assert mail["from"] == {"email": "ann@example.com", "name": "Ann"}
    [attempt] = mail["attempts"]
    assert (attempt["account"], attempt["outcome"], attempt["status"]) == ("first", "accepted", 202)
    assert attempt["why"]


async def test_prefer_wait_answers_200_with_the_final_state_and_every_attempt(call, wire):
    wire.answers["first"] = BUSY
    answer = await sent(call, prefer="respond-async, wait=5")
    assert answer.status == 200
    assert answer.headers["preference-applied"] == "wait=5"
    assert answer.json["state"] == "sent"
    told = [(attempt["account"], attempt["outcome"]) for attempt in answer.json["attempts"]]
    assert told == [("first", "unavailable"), ("first", "skipped"), ("second", "accepted")]


async def test_prefer_wait_answers_202_when_the_hand_over_takes_longer(call, wire):
    wire.released.clear()
    answer = await sent(call, prefer="wait=1")
    assert answer.status == 202
    assert answer.json["state"] == "queued"
    assert answer.headers["preference-applied"] == "wait=1"


async def test_a_rejected_mail_says_so_for_its_recipients(call, wire):
    wire.answers["first"] = REFUSED
    answer = await sent(call, prefer="wait=5")
    assert answer.json["state"] == "failed"
    assert answer.json["recipients"][0]["state"] == "rejected"
    assert answer.json["attempts"][0]["text"] == "no such mailbox"


async def test_the_same_key_and_body_get_the_same_bytes(call, wire):
    first = await sent(call, **{"idempotency-key": "order-1"})
    await until_final(call, first.json["id"])
    again = await sent(call, **{"idempotency-key": '"order-1"'})
    assert (again.status, again.body) == (first.status, first.body)
    assert again.headers["location"] == first.headers["location"]
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    assert wire.sent == ["first"]


async def test_a_synchronous_answer_is_replayed_as_it_was(call):
    headers = {"idempotency-key": "order-1", "prefer": "wait=5"}
    first = await sent(call, **headers)
    again = await sent(call, **headers)
    assert (again.status, again.body) == (200, first.body)
    assert again.headers["idempotency-replayed"] == "true"


async def test_a_key_used_for_another_body_is_refused(call):
    await sent(call, **{"idempotency-key": "order-1"})
    answer = await sent(call, NATIVE | {"subject": "Other"}, **{"idempotency-key": "order-1"})
    assert (answer.status, answer.json["code"]) == (422, "idempotency_mismatch")


async def test_a_key_whose_first_request_is_running_is_told_to_come_back(call, wire):
    wire.released.clear()
    headers = {"idempotency-key": "order-1", "prefer": "wait=30"}
    first = asyncio.create_task(sent(call, **headers))
    await wire.asked.wait()
    answer = await sent(call, **headers)
    assert (answer.status, answer.json["code"]) == (409, "idempotency_running")
    assert int(answer.headers["retry-after"]) >= 1
    wire.released.set()
    assert (await first).status == 200


async def test_a_scheduled_mail_can_be_cancelled_once(call):
    answer = await sent(call, NATIVE | {"send_at": int(time.time()) + 1_000_000})
    message_id = answer.json["id"]
    cancelled = await call("POST", f"/v1/emails/{message_id}/cancel")
    assert (cancelled.status, cancelled.json["state"]) == (200, "cancelled")
    assert cancelled.json["recipients"][0]["state"] == "cancelled"
    again = await call("POST", f"/v1/emails/{message_id}/cancel")
    assert (again.status, again.json["code"]) == (409, "not_cancellable")
    assert (await call("POST", "/v1/emails/em_none/cancel")).status == 404


async def test_mails_are_listed_newest_first_in_pages(call):
    ids = [(await sent(call, NATIVE | {"tags": ["odd" if n % 2 else "even"]})).json["id"] for n in range(5)]
    first = (await call("GET", "/v1/emails?limit=3")).json
    second = (await call("GET", f"/v1/emails?limit=3&cursor={first['next_cursor']}")).json
    assert [mail["id"] for mail in first["data"] + second["data"]] == sorted(ids, reverse=True)
    assert second["next_cursor"] is None
    odd = (await call("GET", "/v1/emails?tag=odd&recipient=BOB@example.org")).json["data"]
    assert {mail["id"] for mail in odd} == {ids[1], ids[3]}
    assert (await call("GET", "/v1/emails?created_before=2020-01-01T00:00:00Z")).json["data"] == []
    await until_final(call, ids[-1])


async def test_events_are_read_on_from_a_cursor(call, wire):
    wire.answers["first"] = TAKEN
    message_id = (await sent(call, prefer="wait=5")).json["id"]
    page = (await call("GET", f"/v1/events?message={message_id}&limit=2")).json
    rest = (await call("GET", f"/v1/events?message={message_id}&after={page['next_cursor']}")).json
    events = page["data"] + rest["data"]
    assert [event["type"] for event in events] == [
        "dev.everpost.email.accepted",
        "dev.everpost.email.attempted",
        "dev.everpost.email.sent",
    ]
    assert {event["subject"] for event in events} == {message_id}
    assert {event["specversion"] for event in events} == {"1.0"}
    assert [event["sequence"] for event in events] == sorted(event["sequence"] for event in events)
    assert (await call("GET", f"/v1/events?message={message_id}&after={rest['next_cursor']}")).json["data"] == []
    after_the_first = await call("GET", f"/v1/events?message={message_id}&after={events[0]['sequence']}")
    assert after_the_first.json["data"] == events[1:]


async def test_a_mail_that_nobody_has_sent_is_not_found(call):
    answer = await call("GET", "/v1/emails/em_none")
    assert (answer.status, answer.json["code"]) == (404, "not_found")


async def test_an_unknown_route_is_named_with_the_known_ones(call):
    answer = await sent(call, NATIVE | {"route": "fast"})
    assert answer.status == 422
    [error] = answer.json["errors"]
    assert error["field"] == "route"
    assert "default" in error["message"]


async def test_a_traceparent_reaches_the_events(call):
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    message_id = (await sent(call, traceparent=trace)).json["id"]
    [accepted, *_] = (await call("GET", f"/v1/events?message={message_id}")).json["data"]
    assert accepted["data"]["trace"] == trace
    await until_final(call, message_id)
