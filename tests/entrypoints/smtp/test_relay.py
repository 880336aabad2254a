"""Nothing is taken from whoever has not logged in, and a key is taken over TLS or on this machine alone."""

import base64
import contextlib

import pytest

from everpost.entrypoints.smtp.listeners import Listeners
from everpost.model import limits
from everpost.model.key import Scope
from smtp_kit import MAIL, certified, plain, submitting, trusting

SENDERS = (
    "<ann@example.com>",
    "<>",
    "<postmaster@example.com>",
    "<ann@[127.0.0.1]>",
    "<@a.example,@b.example:ann@example.com>",
)
RECIPIENTS = (
    "<bob@example.org>",
    "<bob%example.org@mail.example.com>",
    '<"bob@example.org"@mail.example.com>',
    "<@mail.example.com:bob@example.org>",
    "<example.org!bob@mail.example.com>",
    "<bob@[127.0.0.1]>",
    "<postmaster>",
    "<bob>",
)


@pytest.mark.parametrize("kind", ["plain", "starttls", "tls"])
@pytest.mark.parametrize("sender", SENDERS)
async def test_nobody_relays_without_a_login(kind, sender, tmp_path):
    files = certified(tmp_path)
    options = {"ssl": trusting(files)} if kind == "tls" else {}
    async with submitting(tls=files) as served, served.client(kind, **options) as client:
        assert (await client.say(f"MAIL FROM:{sender}")).startswith("503 5.5.1")  # before EHLO
        await client.say("EHLO client.example.com")
        assert (await client.say(f"MAIL FROM:{sender}")).startswith("530 5.7.0")
        for recipient in RECIPIENTS:
            assert (await client.say(f"RCPT TO:{recipient}")).startswith("503 5.5.1")
        assert (await client.say("DATA")).startswith("554 5.5.1")
        assert await served.mails() == []


@pytest.mark.parametrize("sender", SENDERS)
async def test_after_a_login_only_addresses_that_providers_take_are_recipients(sender):
    async with submitting() as served, served.client() as client:
        await served.known(client)
        begun = await client.say(f"MAIL FROM:{sender}")
        assert begun[:3] == ("250" if sender in SENDERS[:3] else "553")
        if begun.startswith("250"):
            told = [(await client.say(f"RCPT TO:{recipient}"))[:9] for recipient in RECIPIENTS]
            assert told == ["250 2.1.5", "250 2.1.5", *["553 5.1.3"] * 2, "250 2.1.5", *["553 5.1.3"] * 3]


async def test_a_key_is_not_asked_for_in_the_open_by_another_machine(tmp_path, monkeypatch):
    files = certified(tmp_path)
    usual = Listeners.session_of

    def from_elsewhere(self, guest, *, is_tls):
        monkeypatch.setattr(type(guest), "peer", "192.0.2.1")
        return usual(self, guest, is_tls=is_tls)

    monkeypatch.setattr(Listeners, "session_of", from_elsewhere)
    async with submitting(tls=files) as served, served.client("starttls") as client:
        offered = await client.say("EHLO client.example.com")
        assert ("STARTTLS" in offered, "AUTH" in offered) == (True, False)
        assert (await client.say(plain(served.token))).startswith("538 5.7.11")
        assert (await client.say("STARTTLS")).startswith("220 ")
        await client.writer.start_tls(trusting(files))
        assert (await client.say(plain(served.token))).startswith("503 ")  # what was said in the open is forgotten
        offered = await client.say("EHLO client.example.com")
        assert ("STARTTLS" in offered, "AUTH PLAIN LOGIN" in offered) == (False, True)
        assert (await client.say(plain(served.token))).startswith("235 ")


async def test_a_command_that_was_sent_ahead_of_tls_is_no_command(tmp_path):
    async with submitting(tls=certified(tmp_path)) as served, served.client("starttls") as client:
        await client.say("EHLO client.example.com")
        assert (await client.send(b"STARTTLS\r\nRSET\r\n")).startswith("554 5.5.2")
        assert await client.rest() == b""


@pytest.mark.parametrize(
    ("scope", "command", "code"),
    [
        (Scope.SEND, "AUTH PLAIN !!!", "501 5.5.2"),
        (Scope.SEND, "AUTH PLAIN " + base64.b64encode(b"no parts").decode(), "501 5.5.2"),
        (Scope.SEND, "AUTH PLAIN =", "501 5.5.2"),
        (Scope.SEND, "AUTH CRAM-MD5", "504 5.5.4"),
        (Scope.SEND, "AUTH", "504 5.5.4"),
        (Scope.SEND, plain("evp_no_key"), "535 5.7.8"),
        (Scope.READ, None, "535 5.7.8"),
        (Scope.ADMIN, None, "235 2.7.0"),
    ],
)
async def test_a_login_is_a_key_that_may_send(scope, command, code):
    async with submitting(scope=scope) as served, served.client() as client:
        await client.say("EHLO client.example.com")
        assert (await client.say(command or plain(served.token))).startswith(code)


async def test_a_login_by_questions_can_be_given_up_and_tried_again():
    async with submitting() as served, served.client() as client:
        await client.say("EHLO client.example.com")
        assert await client.say("AUTH LOGIN") == "334 VXNlcm5hbWU6"
        assert (await client.say("*")).startswith("501 5.7.0")
        assert await client.say("AUTH LOGIN " + base64.b64encode(b"anybody").decode()) == "334 UGFzc3dvcmQ6"
        assert (await client.say(base64.b64encode(served.token.encode()).decode())).startswith("235 ")
        assert (await client.say(plain(served.token))).startswith("503 ")


async def test_guessing_ends_the_connection():
    async with submitting() as served, served.client() as client:
        await client.say("EHLO client.example.com")
        told = [(await client.say(plain(f"evp_guess{n}")))[:3] for n in range(limits.SMTP_LOGIN_FAULTS_MAX)]
        assert told == ["535", "535", "421"]
        assert await client.rest() == b""


async def test_a_key_that_is_revoked_sends_nothing_more_by_an_open_connection():
    async with submitting() as served, served.client() as client:
        await served.known(client)
        [key] = await served.engine.keyring.list_keys("default")
        await served.engine.keyring.revoke(key.id)
        assert (await client.say("MAIL FROM:<ann@example.com>")).startswith("421 4.7.0")
        assert await client.rest() == b""


@pytest.mark.parametrize("line", ["GET / HTTP/1.1", "POST / HTTP/1.1", "CONNECT mail:25 HTTP/1.1"])
async def test_a_web_page_has_no_browser_send_mail(line):
    async with submitting(needs_key=False) as served, served.client() as client:
        attack = (
            f"{line}\r\nHost: x\r\n\r\nEHLO x\r\nMAIL FROM:<ann@example.com>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\n"
        )
        with contextlib.suppress(ConnectionError):
            await client.send(attack.encode() + MAIL + b".\r\n")
            await client.rest()
        assert await served.mails() == []
