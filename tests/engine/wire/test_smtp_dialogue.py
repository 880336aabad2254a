"""What leaves for an SMTP server: these commands in this order, content that can't be read as commands, and in time."""

import asyncio
import socket
from base64 import b64encode

import pytest

from everpost.engine.wire import session
from everpost.providers.contract import Phase, Security, SmtpReply, SmtpStage
from scripted_mail import OFFERS, Dialogue
from scripted_server import Peer, ScriptedServer, happened
from wire_kit import LARGE, mail_for, patient, probe_of, server_tls, smtp_outcome

TAKEN = (SmtpStage.DOT, 250)
BARE = "250 mail.example"
GREEK = "άνν@example.com"


def coded(text):
    return b64encode(text.encode()).decode()


async def dialogue_of(send, host="127.0.0.1", said=TAKEN, steps=None, **changed):
    """The commands of a transaction."""
    dialogue = Dialogue(**(steps or {}))
    async with ScriptedServer(dialogue, host=host) as server:
        assert smtp_outcome(await send(server, mail_for(server, **changed))) == said
        await server.until(lambda: dialogue.commands[-1] == "QUIT")
    return dialogue.commands


async def test_the_commands_of_a_transaction(send):
    assert await dialogue_of(send, data=b"Subject: 33 bytes\r\n\r\nof content\r\n") == [
        "EHLO [127.0.0.1]",
        "MAIL FROM:<ann@example.com> SIZE=33",
        "RCPT TO:<bob@example.org>",
        "RCPT TO:<eve@example.org>",
        "DATA",
        "QUIT",
    ]


async def test_over_ipv6_the_greeting_names_an_ipv6_address(send):
    assert (await dialogue_of(send, host="::1"))[0] == "EHLO [IPv6:::1]"


@pytest.mark.parametrize(
    ("offers", "changed", "command"),
    [
        (BARE, {}, "MAIL FROM:<ann@example.com>"),
        ("250-x\r\n250 size", {"data": b"a\nb"}, "MAIL FROM:<ann@example.com> SIZE=6"),
        ("250-x\r\n250 8BITMIME", {"data": "é\r\n".encode()}, "MAIL FROM:<ann@example.com> BODY=8BITMIME"),
        ("250-x\r\n250 8BITMIME", {}, "MAIL FROM:<ann@example.com>"),
        ("250-x\r\n250 SMTPUTF8", {"mail_from": GREEK}, f"MAIL FROM:<{GREEK}> SMTPUTF8"),
        ("250-x\r\n250 SMTPUTF8", {"rcpt_to": (GREEK,)}, "MAIL FROM:<ann@example.com> SMTPUTF8"),
    ],
)
async def test_an_extension_is_used_where_it_is_needed_and_offered(send, offers, changed, command):
    assert (await dialogue_of(send, steps={"EHLO": offers}, **changed))[1] == command


@pytest.mark.parametrize(
    ("changed", "code"),
    [({"data": "é\r\n".encode()}, 554), ({"mail_from": GREEK}, 553), ({"rcpt_to": ("bob@example.org", GREEK)}, 553)],
)
async def test_what_needs_an_extension_that_is_missing_is_refused_before_the_server_is_asked(send, changed, code):
    commands = await dialogue_of(send, said=(SmtpStage.MAIL, code), steps={"EHLO": BARE}, **changed)
    assert commands == ["EHLO [127.0.0.1]", "QUIT"]


@pytest.mark.parametrize(
    ("data", "on_the_wire"),
    [
        (b"a\r\n.\r\nb\r\n", b"a\r\n..\r\nb\r\n"),
        (b".a\r\n..b\r\n", b"..a\r\n...b\r\n"),
        (b".\r\n", b"..\r\n"),
        (b"a.b\r\n", b"a.b\r\n"),
        (b"no end", b"no end\r\n"),
        (b"", b"\r\n"),
        (b"a\n.\nb", b"a\r\n..\r\nb\r\n"),
        (b"a\r.\rb", b"a\r\n..\r\nb\r\n"),
        (b"a\n.\r\nMAIL FROM:<x>\r\n", b"a\r\n..\r\nMAIL FROM:<x>\r\n"),
        (b"a\r\n.\nMAIL FROM:<x>\r\n", b"a\r\n..\r\nMAIL FROM:<x>\r\n"),
        (b"a\r\r\n.\n\rb\r\n", b"a\r\n\r\n..\r\n\r\nb\r\n"),
    ],
)
async def test_no_line_of_the_content_can_be_read_as_its_end(send, data, on_the_wire):
    dialogue = Dialogue()
    async with ScriptedServer(dialogue) as server:
        assert smtp_outcome(await send(server, mail_for(server, data=data))) == TAKEN
        assert dialogue.content == on_the_wire + b".\r\n"


async def test_a_login_in_one_command(send):
    commands = await dialogue_of(send, username="ann", password="pässword")
    assert commands[1] == "AUTH PLAIN " + coded("\0ann\0pässword")


async def test_a_login_in_two_answers(send):
    steps = {"EHLO": OFFERS.replace("PLAIN LOGIN", "LOGIN"), "AUTH": ["334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6", "235 ok"]}
    commands = await dialogue_of(send, steps=steps, username="ann", password="secret")
    assert commands[1:4] == ["AUTH LOGIN", coded("ann"), coded("secret")]


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
async def test_a_wrong_password_is_tried_once(send, mechanism):
    refused = "535 5.7.8 wrong"
    steps = {
        "EHLO": OFFERS.replace("PLAIN LOGIN", f"{mechanism} CRAM-MD5"),
        "AUTH": [refused] if mechanism == "PLAIN" else ["334 a", "334 b", refused],
    }
    said = (SmtpStage.AUTH, 535)
    commands = await dialogue_of(send, said=said, steps=steps, username="ann", password="wrong")
    assert [command.split(" ")[0] for command in commands].count("AUTH") == 1
    assert "MAIL" not in " ".join(commands)


@pytest.mark.parametrize("offers", [BARE, OFFERS.replace("PLAIN LOGIN", "GSSAPI XOAUTH2")])
async def test_without_a_way_to_log_in_nothing_is_sent(send, offers):
    said = (SmtpStage.AUTH, 504)
    commands = await dialogue_of(send, said=said, steps={"EHLO": offers}, username="ann", password="secret")
    assert commands == ["EHLO [127.0.0.1]", "QUIT"]


async def test_a_probe_logs_in_and_hands_nothing_over(send):
    dialogue = Dialogue(NOOP="250 2.0.0 Ok")
    async with ScriptedServer(dialogue) as server:
        answer = await send(server, probe_of(mail_for(server, username="ann", password="secret")))
        await server.until(lambda: dialogue.commands[-1] == "QUIT")
    assert answer == SmtpReply(stage=SmtpStage.NOOP, code=250, text="2.0.0 Ok")
    login = coded("\0ann\0secret")
    assert dialogue.commands == ["EHLO [127.0.0.1]", f"AUTH PLAIN {login}", "NOOP", "QUIT"]


async def test_a_probe_says_that_the_login_is_refused(send):
    async with ScriptedServer(Dialogue(AUTH="535 5.7.8 wrong", NOOP="250 Ok")) as server:
        answer = await send(server, probe_of(mail_for(server, username="ann", password="wrong")))
    assert smtp_outcome(answer) == (SmtpStage.AUTH, 535)


async def test_a_probe_that_gets_no_reply_is_certainly_no_mail(send):
    async def hang_up(peer):
        peer.close()
        await peer.hang()

    async with ScriptedServer(Dialogue(NOOP=hang_up)) as server:
        assert smtp_outcome(await send(server, probe_of(mail_for(server)))) == (Phase.ANSWER, False)


@pytest.fixture
def away():
    """An address of this machine that is not loopback. Nothing is sent to find out."""
    with socket.socket(type=socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("this machine has no address but loopback")
        return probe.getsockname()[0]


async def test_no_password_leaves_for_another_machine_without_tls(send, away):
    commands = await dialogue_of(send, away, (SmtpStage.AUTH, 538), username="ann", password="secret")
    assert commands == [f"EHLO [{away}]", "QUIT"]


async def test_over_tls_a_password_leaves_for_another_machine(send, authority, away):
    dialogue = Dialogue()
    async with ScriptedServer(dialogue, host=away, tls=server_tls(authority, away)) as server:
        request = mail_for(server, security=Security.TLS, username="ann", password="secret")
        assert smtp_outcome(await send(server, request)) == TAKEN
        assert dialogue.commands[1] == "AUTH PLAIN " + coded("\0ann\0secret")


@pytest.mark.parametrize("address", ["a@b>\r\nRSET", "a@b\n", "a\0@b", "a b@c", "a@b> SIZE=1", "<a@b", "a\x7f@b"])
@pytest.mark.parametrize("place", ["mail_from", "rcpt_to"])
async def test_an_address_that_would_end_its_command_is_refused_before_anything_leaves(send, address, place):
    async with ScriptedServer(Dialogue()) as server:
        with pytest.raises(ValueError, match="address"):
            await send(server, mail_for(server, **{place: address if place == "mail_from" else ("a@b.c", address)}))
        assert server.connections == 0


async def test_after_its_time_no_content_leaves(send):
    dialogue = Dialogue()
    async with ScriptedServer(dialogue) as server:
        late = await send(server, mail_for(server), not_after=send.clock() - 0.001)
        assert smtp_outcome(late) == (Phase.DEADLINE, False)
        assert dialogue.content == b""
        assert smtp_outcome(await send(server, mail_for(server), not_after=send.clock())) == TAKEN


async def test_the_time_is_looked_at_right_before_the_content(send):
    async def takes_its_time(peer):
        send.clock.now += 10
        peer.send(b"354 go on\r\n")

    async with ScriptedServer(Dialogue(DATA=takes_its_time)) as server:
        answer = await send(server, mail_for(server), not_after=send.clock() + 9)
        assert smtp_outcome(answer) == (Phase.DEADLINE, False)
        await happened(server.left)
        assert b"Hello" not in server.received


async def test_a_reply_of_several_lines_is_given_back_in_one_piece(send):
    async with ScriptedServer(Dialogue(dot=b"250-2.0.0 Ok:\r\n250-2.0.0  queued\r\n250 2.0.0 as \xe4\xff")) as server:
        answer = await send(server, mail_for(server))
        assert answer == SmtpReply(
            stage=SmtpStage.DOT, code=250, text="2.0.0 Ok:\n2.0.0  queued\n2.0.0 as \ufffd\ufffd"
        )
        assert answer.text.encode(), "it can be stored"


async def test_a_server_that_ignores_the_goodbye_delays_nothing_and_is_hung_up_on(send, monkeypatch):
    monkeypatch.setattr(session, "QUIT_S", 0.05)
    async with ScriptedServer(Dialogue(QUIT=Peer.until_left)) as server:
        assert smtp_outcome(await send(server, mail_for(server))) == TAKEN
        assert not server.left.is_set()
        await happened(server.left)


async def test_closing_the_wire_ends_the_sessions_that_are_taking_leave(send, monkeypatch):
    monkeypatch.setattr(session, "QUIT_S", 1000.0)
    async with ScriptedServer(Dialogue(QUIT=Peer.until_left)) as server:
        assert smtp_outcome(await send(server, mail_for(server))) == TAKEN
        await send.wire.close()
        await happened(server.left)


@pytest.mark.parametrize("step", ["greeting", "MAIL", "content", "dot"])
async def test_a_cancelled_transaction_ends_its_session_at_once(send, step):
    reached = asyncio.Event()

    async def waits(peer):
        reached.set()
        await peer.until_left()

    large = b"x" * LARGE
    async with ScriptedServer(Dialogue(**{step: waits}), narrow=True) as server:
        data = large if step == "content" else b"mail"
        task = asyncio.create_task(send(server, mail_for(server, data=data), patient()))
        await happened(reached)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await happened(server.left)
        assert len(server.received) < LARGE
        assert server.connections == 1
