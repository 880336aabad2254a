"""The client against a real server: what it sends, reads, repeats and raises."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from client.conftest import answered
from everpost.client import (
    Address,
    Attachment,
    Conflict,
    Everpost,
    EverpostError,
    Forbidden,
    Invalid,
    NoAnswer,
    NotFound,
    Patience,
    Refused,
    Unauthorized,
    Unavailable,
    calls,
)
from everpost.model import message
from everpost.model.key import Scope

PLAIN = {"from_": "ann@example.com", "to": "bob@example.org", "subject": "Hello", "text": "It works"}
LATER = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
AGAIN = answered(503, retry_after=0)


async def test_a_mail_arrives_with_all_that_was_said_of_it(house, tmp_path):
    file = tmp_path / "Rechnung.txt"
    file.write_bytes(b"7 Euro")
    sent = await house.ask(
        "send",
        from_=Address("ann@example.com", "Ann Größe"),
        to=["Bob <bob@example.org>", Address("zoe@example.org", "Łukasz, Q.")],
        cc="cleo@example.org",
        bcc=("dan@example.org",),
        reply_to="desk@example.com",
        subject="Grüße ✓",
        text="Zażółć",
        html='<img src="cid:logo">',
        attachments=[
            file,
            Attachment(filename="logo.png", content=b"\x89PNG\0", content_id="logo"),
            Attachment(filename="a", content=b"", content_type="application/pdf"),
        ],
        headers={"X-Campaign": "spring"},
        tags=["welcome"],
        metadata={"order": "7"},
        stream="newsletter",
        send_at=LATER,
        expires_at=LATER.timestamp() + 3600,
        on_unknown="hold",
        resolve_within_s=60,
        allow_loss=["tags"],
    )
    [mail] = await house.mails()
    assert (mail.id, sent.state, sent.recipients[1].name) == (sent.id, "queued", "Łukasz, Q.")
    assert mail.sender == message.Address("ann@example.com", "Ann Größe")
    assert mail.to == (message.Address("bob@example.org", "Bob"), message.Address("zoe@example.org", "Łukasz, Q."))
    assert [each[0].email for each in (mail.cc, mail.bcc, mail.reply_to)] == [
        "cleo@example.org",
        "dan@example.org",
        "desk@example.com",
    ]
    assert (mail.subject, mail.text, mail.html) == ("Grüße ✓", "Zażółć", '<img src="cid:logo">')
    assert [(one.filename, one.content_type, one.content, one.content_id) for one in mail.attachments] == [
        ("Rechnung.txt", "text/plain", b"7 Euro", None),
        ("logo.png", "image/png", b"\x89PNG\0", "logo"),
        ("a", "application/pdf", b"", None),
    ]
    assert (mail.headers, mail.tags, mail.metadata) == ({"X-Campaign": "spring"}, ("welcome",), {"order": "7"})
    assert (mail.stream, mail.on_unknown, mail.allow_loss) == ("newsletter", "hold", ("tags",))
    assert (mail.send_at, mail.expires_at) == (LATER.timestamp(), LATER.timestamp() + 3600)


@pytest.mark.parametrize(
    "faults",
    [
        ["lost"],
        ["cut"],
        ["silent"],
        [AGAIN],
        [answered(429, retry_after=0), answered(500), answered(502, b"<html>"), "lost"],
        [answered(409, b'{"code":"idempotency_running"}', retry_after=0)],
    ],
    ids=str,
)
async def test_what_goes_wrong_on_the_way_is_repeated_as_the_same_mail(faults, house, quick):
    house.way.faults = [*faults]
    sent = await house.ask("send", **PLAIN, patience=quick)
    assert [mail.id for mail in await house.mails()] == [sent.id]
    keys = {line for head in house.way.heads for line in head.split("\r\n") if line.startswith("idempotency-key")}
    assert (len(keys), len(house.way.heads) > len(faults)) == (1, True)


async def test_two_calls_are_two_mails_unless_they_have_the_same_key(house):
    for key in (None, None, "k", "k"):
        await house.ask("send", **PLAIN, idempotency_key=key)
    assert len(await house.mails()) == 3


@pytest.mark.parametrize(
    ("change", "key", "kind", "words"),
    [
        ({"to": ["bob@example.org", "bob"]}, None, Invalid, "to[1]: "),
        ({"send_at": datetime(2030, 1, 1)}, None, Invalid, "with a zone; write it as"),  # noqa: DTZ001
        ({}, "evp_nonsense", Unauthorized, "An API key is needed"),
    ],
)
async def test_what_is_refused_is_raised_at_once_with_the_server_s_words(change, key, kind, words, house):
    with pytest.raises(kind) as caught:
        await house.ask("send", **PLAIN | change, key=key)
    refused = caught.value
    assert words in str(refused)
    assert refused.request_id in str(refused)
    assert (refused.code in refused.type, refused.status in (401, 422)) == (True, True)
    assert len(house.way.heads) == 1
    assert await house.mails() == []


async def test_each_fault_is_named(house):
    with pytest.raises(Invalid) as caught:
        await house.ask("send", from_="ann@example.com", to="bob@example.org", tags=[""])
    assert {one.field for one in caught.value.errors} == {"subject", "text", "tags[0]"}


async def test_refusals_have_classes_of_their_own(house):
    with pytest.raises(NotFound):
        await house.ask("get", "em_none")
    with pytest.raises(Forbidden, match="scope"):
        await house.ask("send", **PLAIN, key=await house.key(Scope.READ))
    await house.ask("send", **PLAIN, idempotency_key="k")
    with pytest.raises(Invalid, match="idempotency_mismatch"):
        await house.ask("send", **PLAIN | {"text": "Other"}, idempotency_key="k")
    done = await house.ask("send", **PLAIN, wait_s=20)
    with pytest.raises(Conflict, match="not_cancellable"):
        await house.ask("cancel", done.id)


async def test_nobody_waits_longer_than_the_deadline(house):
    house.way.faults = [answered(503, b'{"code":"overloaded"}', retry_after=60)]
    with pytest.raises(Unavailable) as caught:
        await house.ask("send", **PLAIN)
    assert (caught.value.code, len(house.way.heads)) == ("overloaded", 1)
    assert caught.value.idempotency_key in house.way.heads[0]


async def test_a_mail_that_nobody_knows_of_may_be_sent_again_by_its_key(house):
    house.way.faults = ["lost"] * 9
    with pytest.raises(NoAnswer) as caught:
        await house.ask("send", **PLAIN, patience=Patience(deadline_s=0.1))
    house.way.faults = []
    sent = await house.ask("send", **PLAIN, idempotency_key=caught.value.idempotency_key)
    assert [mail.id for mail in await house.mails()] == [sent.id]


async def test_what_can_t_be_reached_is_told(house):
    with pytest.raises(NoAnswer, match="Connect"):
        await house.ask("get", "em_1", url="http://127.0.0.1:1", patience=Patience(deadline_s=0.1))


async def test_an_answer_of_somebody_else_is_no_success(house):
    house.way.faults = [answered(200, b"<html>")]
    with pytest.raises(NoAnswer, match="is the address right"):
        await house.ask("send", **PLAIN)
    house.way.faults = [answered(301, b"", location="https://elsewhere.example/")]
    with pytest.raises(Refused, match=r"leads to https://elsewhere\.example/: is the address right"):
        await house.ask("send", **PLAIN)
    assert len(house.way.heads) == 2


async def test_waiting_brings_the_hand_over(house):
    sent = await house.ask("send", **PLAIN, wait_s=20)
    assert (sent.state, sent.attempts[0].account, sent.attempts[0].outcome) == ("sent", "first", "accepted")


async def test_a_mail_is_shown_moved_cancelled_and_sent_again(house):
    sent = await house.ask("send", **PLAIN, send_at=LATER, metadata={"order": "7"}, tags=["a"])
    shown = await house.ask("get", sent.id)
    assert (shown.sender, shown.subject) == (Address("ann@example.com"), "Hello")
    assert (shown.send_at, shown.metadata, shown.tags) == (LATER, {"order": "7"}, ("a",))
    moved = await house.ask("reschedule", sent.id, LATER + timedelta(hours=1), "not at night")
    assert moved.send_at == LATER + timedelta(hours=1)
    cancelled = await house.ask("cancel", sent.id, "wrong price")
    assert (cancelled.state, "wrong price" in cancelled.deliveries[0].reason) == ("cancelled", True)
    house.way.faults = ["lost"]
    again = await house.ask("resend", sent.id, "right price")
    assert (await house.ask("get", again.id)).resend_of == sent.id
    assert len(await house.mails()) == 2


@pytest.mark.parametrize("act", ["cancel", "reschedule"])
async def test_what_can_be_done_once_is_not_repeated_after_a_lost_answer(act, house):
    sent = await house.ask("send", **PLAIN, send_at=LATER)
    house.way.faults, house.way.heads = ["lost"], []
    with pytest.raises(NoAnswer):
        await house.ask(act, sent.id, *((LATER, "x") if act == "reschedule" else ()))
    assert len(house.way.heads) == 1


async def test_lists_are_walked_page_by_page(house, monkeypatch):
    ids = [(await house.ask("send", **PLAIN, send_at=LATER, tags=["a"])).id for _ in range(5)]
    await house.ask("send", **PLAIN, send_at=LATER)
    monkeypatch.setattr(calls, "PAGE", 2)
    found = await house.ask("emails", tag="a", created_from=LATER - timedelta(days=2))
    assert [each.id for each in found] == ids[::-1]
    page = await house.ask("email_page", limit=3, tag="a")
    rest = await house.ask("email_page", page.next_cursor, 3, tag="a")
    assert [each.id for each in (*page.data, *rest.data)] == ids[::-1]
    assert rest.next_cursor is None


async def test_events_are_read_on_from_where_one_was(house, monkeypatch):
    monkeypatch.setattr(calls, "PAGE", 2)
    sent = await house.ask("send", **PLAIN, wait_s=20)
    told = await house.ask("events", message=sent.id, since=datetime.now(UTC) - timedelta(days=1))
    assert [each.type.removeprefix("dev.everpost.") for each in told] == [
        "email.accepted",
        "email.attempted",
        "email.sent",
    ]
    assert {each.subject for each in told} == {sent.id}
    rest = await house.ask("events", told[0].sequence, message=sent.id)
    assert [each.id for each in rest] == [each.id for each in told[1:]]


async def test_addresses_are_stopped_and_allowed_again(house, monkeypatch):
    monkeypatch.setattr(calls, "PAGE", 1)
    for name in ("bob", "zoe"):
        await house.ask("suppress", f"{name}@example.org", "asked by phone", stream="newsletter", expires_at=LATER)
    listed = await house.ask("suppressions")
    assert [(each.address, each.reason, each.stream, each.expires_at) for each in listed] == [
        ("bob@example.org", "asked by phone", "newsletter", LATER),
        ("zoe@example.org", "asked by phone", "newsletter", LATER),
    ]
    assert await house.ask("unsuppress", "bob@example.org", stream="newsletter") is None
    assert [each.address for each in await house.ask("suppressions", "z")] == ["zoe@example.org"]
    assert await house.ask("suppressions", "b") == []


async def test_the_environment_says_where_and_with_which_key(house, monkeypatch):
    monkeypatch.setenv("EVERPOST_URL", house.way.url + "/")
    monkeypatch.setenv("EVERPOST_KEY", house.token)

    def send():
        with Everpost() as client:
            return client.send(**PLAIN)

    sent = await asyncio.to_thread(send)
    assert [mail.id for mail in await house.mails()] == [sent.id]


@pytest.mark.parametrize("url", ["", "mail.example.com", "ftp://mail.example.com", "https://"])
def test_an_address_that_is_none_is_refused_at_once(url, monkeypatch):
    monkeypatch.delenv("EVERPOST_URL", raising=False)
    with pytest.raises(ValueError, match="address of Everpost"):
        Everpost(url)


def test_all_that_is_raised_is_one_family():
    assert all(issubclass(kind, EverpostError) for kind in (NoAnswer, Refused, Unavailable, Invalid))
