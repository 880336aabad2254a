"""POST /v1/emails/raw over a real engine."""

import pytest
from msgspec.structs import replace

import http_kit
from everpost.dialects.raw import MEDIA_TYPE
from everpost.providers.contract import Limits

HEAD = b"From: Ann <ann@example.com>\r\nTo: bob@example.org\r\nDate: Thu, 01 Jan 2026 09:00:00 +0000\r\nSubject: Hi\r\n"
MAIL = HEAD + b"\r\nHello\r\n"
WHOLE = Limits(recipients_max=1000, content_bytes_max=25_000_000, raw=True, metadata=False)


@pytest.fixture
def wire(wire, monkeypatch):
    """As everywhere, of providers that take whole mails and keep no metadata."""
    monkeypatch.setattr(http_kit, "PROVIDER", replace(http_kit.PROVIDER, limits=WHOLE))
    return wire


async def sent(call, mail=MAIL, query="", **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await call("POST", f"/v1/emails/raw{query}", mail, {"Content-Type": MEDIA_TYPE, **named})


def fields(answer):
    return {error["field"]: error["message"] for error in answer.json["errors"]}


async def test_a_whole_mail_is_kept_as_it_came_and_handed_over(call):
    answer = await sent(call, prefer="wait=5", everpost_to="bob@example.org, eve@example.net")
    assert (answer.status, answer.json["state"], answer.json["subject"]) == (200, "sent", "Hi")
    assert [(one["email"], one["kind"]) for one in answer.json["recipients"]] == [
        ("bob@example.org", "to"),
        ("eve@example.net", "bcc"),
    ]
    part = await call("GET", f"/v1/emails/{answer.json['id']}/attachments/0")
    assert part.body == MAIL


async def test_what_is_said_beside_it_holds_and_what_is_lost_is_told_with_the_attempt_and_its_events(call):
    query = "?tags=a,b&metadata=order=12,customer=7&allow_loss=metadata"
    answer = await sent(call, query=query, prefer="wait=5")
    assert (answer.json["tags"], answer.json["metadata"]) == (["a", "b"], {"order": "12", "customer": "7"})
    assert [attempt["lost"] for attempt in answer.json["attempts"]] == [["metadata"]]
    events = (await call("GET", f"/v1/events?message={answer.json['id']}")).json["data"]
    lost = {event["type"].rpartition(".")[2]: event["data"].get("lost") for event in events}
    assert (lost["attempted"], lost["sent"]) == (["metadata"], ["metadata"])


async def test_a_mail_that_may_lose_nothing_is_refused_with_the_reason(call):
    answer = await sent(call, query="?metadata=order=12&allow_loss=")
    assert (answer.status, answer.json["code"]) == (422, "no_account_can_carry")
    assert "it keeps no metadata, and neither the mail nor its route allows for that" in fields(answer)["route"]


async def test_the_same_key_is_the_same_mail_and_another_envelope_is_another(call):
    first = await sent(call, idempotency_key="k")
    again = await sent(call, idempotency_key="k")
    assert (again.json["id"], again.headers["idempotency-replayed"]) == (first.json["id"], "true")
    for change in ({"everpost_to": "eve@example.net"}, {"query": "?tags=a"}, {"mail": MAIL + b"\r\n"}):
        answer = await sent(call, idempotency_key="k", **change)
        assert (answer.status, answer.json["code"]) == (422, "idempotency_mismatch")


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "multipart/mixed", ""])
async def test_another_kind_of_body_is_refused(call, kind):
    answer = await sent(call, Content_Type=kind)
    assert (answer.status, answer.json["code"]) == (415, "unsupported_media_type")


async def test_a_parameter_of_the_kind_is_let_pass(call):
    assert (await sent(call, Content_Type="Message/RFC822; charset=us-ascii")).status == 202


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("?allow_loss=weight", "allow_loss"),
        ("?metadata=order", "metadata"),
        ("?send_at=soon", "send_at"),
        ("?on_unknown=maybe", "on_unknown"),
        ("?route=", "route"),
        ("?tags=a%0D%0ABcc:x", "tags[0]"),
        ("?everpost_to=bob@example.org", "everpost_to"),
    ],
)
async def test_what_is_wrong_beside_it_is_named(call, query, field):
    answer = await sent(call, query=query)
    assert (answer.status, answer.json["code"]) == (400, "bad_parameter")
    assert field in fields(answer)


async def test_what_is_wrong_in_it_is_named(call):
    answer = await sent(call, HEAD.replace(b"Date", b"X-Date") + b"\r\n")
    assert (answer.status, answer.json["code"]) == (422, "validation_failed")
    assert "is missing" in fields(answer)["date"]
    assert "line 7" in fields(await sent(call, MAIL + b"\n.\r\n"))["body"]


async def test_an_envelope_that_can_t_be_read_is_named(call):
    assert "needs an @" in fields(await sent(call, everpost_to="bob"))["envelope[0]"]
