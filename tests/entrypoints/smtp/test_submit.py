"""A mail is durable before it is answered, taken once however often it comes, and for those of its envelope alone."""

import asyncio
import contextlib

import msgspec
import pytest

import http_kit
from everpost.entrypoints.smtp import submit
from everpost.entrypoints.smtp.session import Patience
from everpost.model import limits
from everpost.model.message import Address
from everpost.store.memory import MemoryStore
from everpost.store.port import StoreUnavailable
from smtp_kit import MAIL, certified, submitting, trusting

BOB, EVE = Address("bob@example.org"), Address("eve@example.org")
TAKEN = "250 2.0.0 queued as em_"


async def begin(client, recipients=(BOB,), parameters=""):
    assert (await client.say(f"MAIL FROM:<ann@example.com>{parameters}")).startswith("250 ")
    for each in recipients:
        assert (await client.say(f"RCPT TO:<{each.email}>")).startswith("250 ")
    assert (await client.say("DATA")).startswith("354 ")


async def send(client, mail=MAIL, recipients=(BOB,)):
    await begin(client, recipients)
    return await client.send(mail + b".\r\n")


def with_fields(*fields, mail=MAIL):
    return "".join(f"{field}\r\n" for field in fields).encode() + mail


class TroubledStore(MemoryStore):
    """`trouble`: what the next accept raises; `reached` is set when it begins, and it waits for `released`."""

    trouble: Exception | None = None

    def __init__(self):
        super().__init__()
        self.reached, self.released = asyncio.Event(), asyncio.Event()
        self.released.set()

    async def accept(self, *args, **options):
        self.reached.set()
        await self.released.wait()
        if self.trouble is not None:
            raise self.trouble
        return await super().accept(*args, **options)


async def test_the_answer_comes_after_the_store_has_the_mail_and_says_its_id():
    store = TroubledStore()
    async with submitting(store=store) as served, served.client() as client:
        await served.known(client)
        store.released.clear()
        answer = asyncio.create_task(send(client))
        await store.reached.wait()
        assert not answer.done()
        assert await served.mails() == []
        store.released.set()
        reply = await answer
        [mail] = await served.mails()
    assert reply == f"250 2.0.0 queued as {mail.id}"
    assert (mail.sender, mail.to, mail.subject, mail.text) == (
        Address("ann@example.com", "Ann"),
        (BOB,),
        "Hello",
        "It works\n",
    )


async def test_what_the_store_cannot_take_now_may_come_again():
    store = TroubledStore()
    async with submitting(store=store) as served, served.client() as client:
        await served.known(client)
        store.trouble = StoreUnavailable("disk full")
        assert (await send(client)).startswith("451 4.3.0 ")
        store.trouble = RuntimeError("a bug")
        assert (await send(client)).startswith("451 4.3.0 ")
        store.trouble = None
        assert (await send(client)).startswith(TAKEN)
        assert len(await served.mails()) == 1


async def test_a_client_that_is_gone_before_the_answer_comes_again_and_sends_one_mail():
    store = TroubledStore()
    async with submitting(store=store) as served:
        async with served.client() as client:
            await served.known(client)
            store.released.clear()
            await begin(client)
            client.writer.write(MAIL + b".\r\n")
            await store.reached.wait()
            client.writer.transport.abort()
        store.released.set()
        async with served.client() as client:
            await served.known(client)
            reply = await send(client)
        [mail] = await served.mails()
    assert reply == f"250 2.0.0 queued as {mail.id}, as before"


async def test_half_a_mail_is_none():
    async with submitting() as served:
        async with served.client() as client:
            await served.known(client)
            await begin(client)
            client.writer.write(MAIL + b".\r")
            client.writer.write_eof()
            with contextlib.suppress(ConnectionError):
                await client.rest()
        assert await served.mails() == []


async def test_the_same_mail_is_taken_once_and_another_one_is_another():
    others = [
        (MAIL.replace(b"1@", b"2@"), (BOB,)),
        (MAIL.replace(b"works", b"worked"), (BOB,)),
        (MAIL, (BOB, EVE)),
    ]
    async with submitting() as served, served.client() as client:
        await served.known(client)
        replies = [await send(client), await send(client)]
        assert replies[1] == f"{replies[0]}, as before"
        for mail, recipients in others:
            assert "before" not in await send(client, mail, recipients)
        nameless = MAIL.replace(b"Message-ID", b"X-Other")
        assert "before" not in await send(client, nameless)
        assert "before" not in await send(client, nameless)  # nothing says that it is not meant twice
        assert len(await served.mails()) == 6


@pytest.mark.parametrize("name", ["Idempotency-Key", "Resend-Idempotency-Key", "IDEMPOTENCY-KEY"])
async def test_a_key_of_the_clients_own_is_honoured_though_the_mail_was_written_anew(name):
    async with submitting() as served, served.client() as client:
        await served.known(client)
        first = await send(client, with_fields(f"{name}: order-1"))
        again = await send(client, with_fields(f"{name}: order-1", "Date: now", mail=MAIL.replace(b"1@", b"2@")))
        other = await send(client, with_fields(f"{name}: order-1", mail=MAIL.replace(b"works", b"worked")))
        [mail] = await served.mails()
    assert again == f"{first}, as before"
    assert other.startswith("554 5.6.0 The idempotency key was used for another request")
    assert name.lower() not in {each.lower() for each in mail.headers}


async def test_the_envelope_says_whom_the_mail_is_for():
    hidden = with_fields("Bcc: carol@example.org")
    async with submitting() as served, served.client() as client:
        await served.known(client)
        assert (await send(client, hidden, (EVE, BOB))).startswith(TAKEN)
        [mail] = await served.mails()
        assert (mail.to, mail.cc, mail.bcc) == ((BOB,), (), (EVE,))
        assert "carol" not in str(mail)
        refused = await send(client, MAIL, (EVE,))
        assert refused.startswith("554 5.6.0 to[0]: bob@example.org is shown and is no recipient (RCPT TO)")


async def test_fields_of_our_own_are_obeyed_and_taken_out():
    fields = (
        "X-Everpost-Tags: welcome, =?utf-8?q?gr=C3=BC=C3=9Fe?=",
        'X-Everpost-Metadata: {"order": "4711"}',
        "X-Everpost-Send-At: 2030-01-31T09:00:00Z",
        "X-Everpost-Expires-At: 2030-02-01T09:00:00Z",
        "X-Everpost-On-Unknown: hold",
        "X-Everpost-Route: default",
        "X-Everpost-Id: em_of_another_life",
        "X-Mine: stays",
    )
    async with submitting() as served, served.client() as client:
        await served.known(client)
        far = with_fields(*(field for field in fields if "At:" not in field))
        assert (await send(client, far)).startswith(TAKEN)
        [mail] = await served.mails()
        assert (mail.tags, mail.metadata, mail.on_unknown) == (("welcome", "grüße"), {"order": "4711"}, "hold")
        assert mail.headers == {"X-Mine": "stays", "Message-ID": "<1@example.com>"}
        assert "send_at: must be at most" in await send(client, with_fields(*fields))


@pytest.mark.parametrize(
    ("field", "told"),
    [
        ("X-Everpost-Tag: a", "did you mean `x-everpost-tags`?"),
        ("X-Everpost-Metadata: [1]", "is not a JSON object of strings"),
        ("X-Everpost-Send-At: tomorrow", "is not an RFC 3339 time"),
        ("X-Everpost-On-Unknown: pray", "must be one of: resend, hold"),
        ("X-Everpost-Route: nowhere", "unknown route"),
        ("Idempotency-Key: two words", "visible ASCII characters"),
        ("X-SMTPAPI: {}", "an order to a provider"),
        ("Subject: another", "is given twice"),
        ("From: eve@example.net", "is given twice"),
        ("X-Odd: =?utf-8?q?=0D=0ABcc:_eve=40example.net?=", "control character"),
        ("no field", "is none, such as"),
    ],
)
async def test_a_fault_says_what_and_where(field, told):
    async with submitting() as served, served.client() as client:
        await served.known(client)
        reply = await send(client, with_fields(field))
        assert reply.startswith("554")
        assert told in reply
        assert await served.mails() == []
        assert (await send(client)).startswith(TAKEN)  # the session goes on


async def test_a_mail_goes_as_it_stands_where_every_account_takes_that(monkeypatch):
    takes_raw = msgspec.structs.replace(http_kit.PROVIDER.limits, raw=True)
    monkeypatch.setattr(http_kit, "PROVIDER", msgspec.structs.replace(http_kit.PROVIDER, limits=takes_raw))
    mail = with_fields("X-Everpost-Tags: welcome", "Bcc: carol@example.org", "X-Mine: stays")
    async with submitting() as served, served.client() as client:
        await served.known(client)
        assert (await send(client, mail, (EVE,))).startswith(TAKEN)  # whom To shows is no matter then
        [message] = await served.mails()
    assert (message.is_raw, message.bcc, message.tags) == (True, (EVE,), ("welcome",))
    date, _, rest = message.raw.partition(b"\r\n")
    assert date.startswith(b"Date: ")
    assert rest == b"X-Mine: stays\r\n" + MAIL


async def test_a_mail_that_is_too_large_is_refused_by_its_word_or_by_its_bytes(monkeypatch):
    async with submitting() as served, served.client() as client:
        await served.known(client)
        size = limits.SMTP_MESSAGE_BYTES_MAX + 1
        assert (await client.say(f"MAIL FROM:<ann@example.com> SIZE={size}")).startswith("552 5.3.4")
        monkeypatch.setattr("everpost.entrypoints.smtp.lines.SMTP_MESSAGE_BYTES_MAX", 1000)
        assert (await send(client, MAIL + b"x" * 70 + b"\r\n" * 1000)).startswith("552 5.3.4")
        assert (await send(client)).startswith(TAKEN)


async def test_more_than_the_memory_is_for_is_put_off(monkeypatch):
    async with submitting() as served, served.client() as one, served.client() as other:
        await served.known(one)
        await served.known(other)
        monkeypatch.setattr(submit, "SMTP_BODIES_BYTES_MAX", 64 * 1024)
        await begin(one)
        one.writer.write(MAIL + b"x\r\n" * 20_000)
        await other.say("NOOP")
        await begin(other)
        assert (await other.send(MAIL + b"x\r\n" * 20_000 + b".\r\n")).startswith("452 4.3.1")
        assert (await one.send(b".\r\n")).startswith(TAKEN)
        assert (await send(other, MAIL.replace(b"1@", b"2@"))).startswith(TAKEN)


async def test_who_overloads_the_http_api_is_asked_to_come_again(monkeypatch):
    monkeypatch.setattr("everpost.entrypoints.http.admission.Admission.enter", lambda *_: None)
    async with submitting() as served, served.client() as client:
        await served.known(client)
        assert (await send(client)).startswith("452 4.3.1")


async def test_recipients_beyond_the_greatest_number_are_for_another_mail():
    async with submitting() as served, served.client() as client:
        await served.known(client)
        await client.say("MAIL FROM:<ann@example.com>")
        commands = b"".join(b"RCPT TO:<b%d@example.org>\r\n" % n for n in range(limits.RECIPIENTS_MAX))
        client.writer.write(commands)
        told = {(await client.reply())[:3] for _ in range(limits.RECIPIENTS_MAX)}
        assert told == {"250"}
        assert (await client.say("RCPT TO:<more@example.org>")).startswith("452 4.5.3")
        assert (await client.say("RCPT TO:<B7@example.org>")).startswith("250 ")  # it is among them


@pytest.mark.parametrize(
    ("patience", "stage", "told"),
    [
        (Patience(login_s=0.05), "login", "421 4.4.2"),
        (Patience(command_s=0.05), "command", "421 4.4.2"),
        (Patience(content_s=0.05), "content", "421 4.4.2"),
    ],
)
async def test_who_says_nothing_more_is_sent_away(patience, stage, told):
    async with submitting(patience=patience) as served, served.client() as client:
        if stage == "login":
            client.writer.write(b"EHLO client.exam")
        else:
            await served.known(client)
        if stage == "command":
            client.writer.write(b"MAIL FR")
        if stage == "content":
            await begin(client)
            client.writer.write(MAIL)
        assert (await client.rest()).split(b"\r\n")[0].decode().startswith(told)
        assert await served.mails() == []


@pytest.mark.parametrize("command", ["NOOP", "RSET", "EHLO x", "VRFY bob", "XYZZY"])
async def test_commands_that_bring_no_mail_nearer_come_to_an_end(command):
    async with submitting() as served, served.client() as client:
        await served.known(client)
        client.writer.write(f"{command}\r\n".encode() * 1)
        for _ in range(limits.SMTP_COMMANDS_MAX):
            if (await client.reply()).startswith("421 4.7.0"):
                break
            client.writer.write(f"{command}\r\n".encode())
        assert await client.rest() in (b"", b"421 4.7.0 too many commands, and no mail\r\n")


async def test_of_strangers_the_oldest_goes_for_a_newcomer_and_of_clients_nobody(monkeypatch):
    monkeypatch.setattr("everpost.entrypoints.smtp.listeners.SMTP_CONNECTIONS_MAX", 2)
    async with submitting() as served, served.client() as known, served.client() as stranger:
        await served.known(known)
        async with served.client() as newcomer:
            with contextlib.suppress(ConnectionError):
                assert await stranger.rest() == b""
            await served.known(newcomer)
            reader, writer = await asyncio.open_connection("127.0.0.1", served.ports["plain"])
            assert (await reader.read()).startswith(b"421 4.3.2")
            writer.close()
            assert (await send(known)).startswith(TAKEN)


async def test_at_the_end_a_mail_on_its_way_is_taken_and_all_others_are_sent_away():
    async with submitting() as served, served.client() as idle, served.client() as busy:
        await served.known(idle)
        await served.known(busy)
        await begin(busy)
        busy.writer.write(MAIL)
        await idle.say("NOOP")
        stopping = asyncio.create_task(served.listeners.stop(30))
        assert (await idle.reply()).startswith("421 4.3.2")
        assert (await busy.send(b".\r\n")).startswith(TAKEN)
        assert (await busy.reply()).startswith("421 4.3.2")
        await stopping
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", served.ports["plain"])
        assert len(await served.mails()) == 1


async def test_a_certificate_that_was_renewed_is_used_without_a_restart(tmp_path):
    old = certified(tmp_path)
    async with submitting(tls=old) as served:
        trust = trusting(old)
        async with served.client("tls", ssl=trust) as client:
            await served.known(client)
        certified(tmp_path, "renewed.example.com")
        old.private_key.rename(tmp_path / "kept.pem")  # half of it is there: the one before is used
        async with served.client("tls", ssl=trust):
            pass
        (tmp_path / "kept.pem").rename(old.private_key)
        async with served.client("tls", ssl=trusting(old)) as client:
            assert "renewed" in str(client.writer.get_extra_info("peercert"))
