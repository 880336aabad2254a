"""What the wire says of every way in which an SMTP transaction can go: who refused it, or how far it got."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest

from everpost.model.account import Timeouts
from everpost.providers.contract import Fault, Phase, Security, SmtpReply, SmtpStage
from scripted_mail import OFFERS, Dialogue
from scripted_server import Peer, ScriptedServer, happened, settled
from wire_kit import ABSORBED, HASTY_S, LARGE, MAIL, mail_for, patient, smtp_outcome

NOT_SENT = (Phase.WRITE, False)
NO_SESSION = (Phase.CONNECT, False)
MAYBE_SENT = (Phase.ANSWER, True)
PATIENT = patient()
LARGE_MAIL = b"Subject: Hello\r\n\r\n" + b"x" * 998 + (b"\r\n" + b"x" * 998) * (LARGE // 1000)


async def closes(peer):
    peer.close()
    await peer.hang()


async def cuts(peer):
    peer.cut()
    await peer.hang()


async def resets(peer):
    peer.reset()
    await peer.hang()


async def hangs(peer):
    await peer.hang()


def says(text: bytes, then=hangs):
    """Without a line's end of its own."""

    async def deed(peer):
        peer.send(text)
        await peer.drained()
        await then(peer)

    return deed


async def goes_on_for_ever(peer):
    while True:
        peer.send(b"220-" + b"x" * 1000)
        await peer.drained()


async def greets_for_ever(peer):
    while True:
        peer.send(b"220-welcome\r\n" * 100)
        await peer.drained()


def after(size: int, deed):
    """Reads so much of the content."""

    async def read_and_do(peer):
        await peer.read_exactly(size)
        await deed(peer)

    return read_and_do


@dataclass(frozen=True)
class Case:
    name: str
    steps: dict[str, Any]
    said: tuple[Any, Any]
    data: bytes = MAIL
    timeouts: Timeouts = PATIENT
    changed: dict[str, Any] = field(default_factory=dict)


SLOW_PEER = patient(write_s=0.05)
NO_REPLY = patient(write_s=HASTY_S, answer_s=0.05)
STARTTLS = {"security": Security.STARTTLS}
OFFERS_TLS = OFFERS.replace("HELP", "STARTTLS")
S = SmtpStage

HANGS = (
    Case("greeting hangs", {"greeting": hangs}, NO_SESSION),
    Case("EHLO hangs", {"EHLO": hangs}, NO_SESSION),
    Case("STARTTLS hangs", {"EHLO": OFFERS_TLS, "STARTTLS": hangs}, (Phase.TLS, False),
         changed=STARTTLS),
    Case("TLS hangs", {"EHLO": OFFERS_TLS, "STARTTLS": says(b"220 go\r\n")}, (Phase.TLS, False),
         changed=STARTTLS),
)  # fmt: skip

CASES = (
    Case("closed before the greeting", {"greeting": closes}, NO_SESSION),
    Case("reset before the greeting", {"greeting": resets}, NO_SESSION),
    Case("greeting cut", {"greeting": says(b"220 mail.exam", closes)}, NO_SESSION),
    Case("greeting of another protocol", {"greeting": "SSH-2.0-OpenSSH_9.2"}, NO_SESSION),
    Case("greeting too long", {"greeting": "220-welcome\r\n" * 3000 + "220 at last"}, NO_SESSION),
    Case("greeting without end", {"greeting": goes_on_for_ever}, NO_SESSION),
    Case("greeting of endless lines", {"greeting": greets_for_ever}, NO_SESSION),
    Case("greeting 421", {"greeting": "421 4.3.2 too busy"}, (S.GREETING, 421)),
    Case("greeting 554", {"greeting": "554 5.7.1 not you"}, (S.GREETING, 554)),
    Case("two greetings", {"greeting": "220 one\r\n220 two"}, NO_SESSION),
    Case("EHLO refused", {"EHLO": "502 5.5.1 what?"}, (S.GREETING, 502)),
    Case("EHLO cut", {"EHLO": says(b"250-mail.example\r\n", closes)}, NO_SESSION),
    Case("STARTTLS not offered", {}, (Phase.TLS, False), changed=STARTTLS),
    Case("STARTTLS refused", {"EHLO": OFFERS_TLS, "STARTTLS": "454 4.7.0 not now"}, (S.TLS, 454), changed=STARTTLS),
    Case("TLS ends", {"EHLO": OFFERS_TLS, "STARTTLS": says(b"220 go\r\n", closes)}, (Phase.TLS, False),
         changed=STARTTLS),
    Case("replies smuggled in before TLS", {"EHLO": OFFERS_TLS, "STARTTLS": "220 go\r\n250 evil"}, (Phase.TLS, False),
         changed=STARTTLS),
    Case("sender refused", {"MAIL": "550 5.7.1 not from here"}, (S.MAIL, 550)),
    Case("sender refused for now", {"MAIL": "451 4.3.0 later"}, (S.MAIL, 451)),
    Case("MAIL hangs", {"MAIL": hangs}, NOT_SENT, timeouts=SLOW_PEER),
    Case("MAIL closed", {"MAIL": closes}, NOT_SENT),
    Case("MAIL without sense", {"MAIL": "%% nonsense %%"}, NOT_SENT),
    Case("recipient refused", {"RCPT": ["250 ok", "550 5.1.1 nobody"]}, (S.RCPT, 550)),
    Case("recipient refused for now", {"RCPT": ["452 4.5.3 too many", "250 ok"]}, (S.RCPT, 452)),
    Case("recipients moved", {"RCPT": "251 2.1.5 will forward"}, (S.DOT, 250)),
    Case("RCPT hangs", {"RCPT": ["250 ok", hangs]}, NOT_SENT, timeouts=SLOW_PEER),
    Case("RCPT reset", {"RCPT": ["250 ok", resets]}, NOT_SENT),
    Case("DATA refused", {"DATA": "554 5.5.1 no valid recipients"}, (S.DATA, 554)),
    Case("DATA refused for now", {"DATA": "451 4.3.0 later"}, (S.DATA, 451)),
    Case("DATA is no question", {"DATA": "250 fine"}, (S.DATA, 250)),
    Case("DATA hangs", {"DATA": hangs}, NOT_SENT, timeouts=SLOW_PEER),
    Case("DATA closed", {"DATA": closes}, NOT_SENT),
    Case("DATA reset", {"DATA": resets}, NOT_SENT),
    Case("DATA cut", {"DATA": says(b"354 go", closes)}, NOT_SENT),
    Case("success together with 354", {"DATA": "354 go on\r\n250 2.0.0 Ok"}, NOT_SENT),
    Case("half a reply together with 354", {"DATA": says(b"354 go on\r\n25")}, NOT_SENT),
    Case("content closed", {"content": after(5, closes)}, MAYBE_SENT),
    Case("content reset", {"content": after(5, resets)}, MAYBE_SENT),
    Case("large content reset", {"content": after(5000, resets)}, MAYBE_SENT, LARGE_MAIL),
    Case("large content stalls", {"content": after(5000, hangs)}, MAYBE_SENT, LARGE_MAIL, NO_REPLY),
    Case("large content refused", {"content": after(5000, says(b"552 5.3.4 too large\r\n", Peer.until_left))},
         (S.DOT, 552), LARGE_MAIL),
    Case("success in the content", {"content": after(5000, says(b"250 2.0.0 Ok\r\n"))}, MAYBE_SENT, LARGE_MAIL),
    Case("dot closed", {"dot": closes}, MAYBE_SENT),
    Case("dot cut", {"dot": cuts}, MAYBE_SENT),
    Case("dot reset", {"dot": resets}, MAYBE_SENT),
    Case("dot hangs", {"dot": hangs}, MAYBE_SENT, timeouts=patient(answer_s=0.05)),
    Case("dot, large, closed", {"dot": closes}, MAYBE_SENT, LARGE_MAIL),
    Case("reply to the dot cut", {"dot": says(b"250 2.0.0 O", closes)}, MAYBE_SENT),
    Case("lines of the reply to the dot missing", {"dot": says(b"250-2.0.0 Ok\r\n", closes)}, MAYBE_SENT),
    Case("nonsense after the dot", {"dot": "%% nonsense %%"}, MAYBE_SENT),
    Case("nonsense before 250", {"dot": "%% nonsense %%\r\n250 2.0.0 Ok"}, MAYBE_SENT),
    Case("no code after the dot", {"dot": "999 fine"}, MAYBE_SENT),
    Case("250 after the dot", {}, (S.DOT, 250)),
    Case("250, then closed", {"dot": says(b"250 2.0.0 Ok\r\n", closes)}, (S.DOT, 250)),
    Case("250, then 421", {"dot": "250 2.0.0 Ok\r\n421 4.3.2 bye"}, (S.DOT, 250)),
    Case("250 without a text", {"dot": "250"}, (S.DOT, 250)),
    Case("421 after the dot", {"dot": "421 4.3.2 shutting down"}, (S.DOT, 421)),
    Case("451 after the dot", {"dot": "451 4.3.0 later"}, (S.DOT, 451)),
    Case("554 after the dot", {"dot": "554 5.6.0 no"}, (S.DOT, 554)),
    Case("large, 250 after the dot", {}, (S.DOT, 250), LARGE_MAIL),
)  # fmt: skip


async def test_what_hangs_before_the_mail_is_given_up_with_nothing_sent(send):
    async def said(case):
        async with ScriptedServer(Dialogue(**case.steps)) as server:
            answer = await send(server, mail_for(server, **case.changed), patient(connect_s=HASTY_S))
            assert b"MAIL" not in server.received
            return smtp_outcome(answer)

    assert await asyncio.gather(*map(said, HANGS)) == [case.said for case in HANGS]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_a_transaction_tells_who_refused_it_or_how_far_it_got(send, case):
    dialogue = Dialogue(**case.steps)
    async with ScriptedServer(dialogue, narrow=True) as server:
        answer = await send(server, mail_for(server, data=case.data, **case.changed), case.timeouts)
        assert smtp_outcome(answer) == case.said
        assert server.connections == 1, "a mail is handed over once"
        if isinstance(answer, Fault):
            assert (" within " in answer.text) is (case.timeouts is not PATIENT), "what is over is told at once"
        if isinstance(answer, Fault) and not answer.maybe_sent:
            assert "Hello" not in server.received.decode(), "no byte of the content has left"


@pytest.mark.parametrize("deed", [closes, resets])
async def test_a_server_that_goes_at_354_may_have_read_content_or_not_but_nothing_is_repeated(send, deed):
    async with ScriptedServer(Dialogue(DATA=says(b"354 go\r\n", deed))) as server:
        assert smtp_outcome(await send(server, mail_for(server))) in (NOT_SENT, MAYBE_SENT)
        assert server.connections == 1


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA"])
async def test_a_refusal_before_the_content_means_that_nobody_is_given_anything(send, step):
    dialogue = Dialogue(**{step: ["550 5.1.1 no"] if step != "RCPT" else ["250 ok", "550 5.1.1 no"]})
    async with ScriptedServer(dialogue) as server:
        answer = await send(server, mail_for(server))
        refused = "eve@example.org" if step == "RCPT" else None
        assert answer == SmtpReply(stage=SmtpStage[step], code=550, text="5.1.1 no", recipient=refused)
        await server.until(lambda: "QUIT" in dialogue.commands)
        assert ("DATA" in dialogue.commands) is (step == "DATA")
        assert dialogue.content == b""


async def test_a_slow_reader_of_the_content_has_the_time_of_the_reply_as_well(send):
    """To give up would leave a question that nobody can answer."""

    async def pauses(peer):
        await asyncio.sleep(HASTY_S + 0.2)

    async with ScriptedServer(Dialogue(content=pauses), narrow=True) as server:
        answer = await send(server, mail_for(server, data=LARGE_MAIL), patient(write_s=HASTY_S))
        assert smtp_outcome(answer) == (SmtpStage.DOT, 250)


async def test_each_reply_may_be_long(send):
    long = "".join(f"250-X{number} {'x' * 100}\r\n" for number in range(200))
    async with ScriptedServer(Dialogue(EHLO=long + "250 HELP", dot=long + "250 Ok")) as server:
        assert smtp_outcome(await send(server, mail_for(server))) == (SmtpStage.DOT, 250)


@pytest.mark.parametrize("size", [LARGE, ABSORBED])
async def test_content_that_was_given_up_does_not_arrive_later(send, size):
    """Neither from our buffers nor from the kernel's: the mail may have gone elsewhere by then."""
    peers: list[Peer] = []

    async def stalls(peer):
        peers.append(peer)
        await peer.hang()

    async with ScriptedServer(Dialogue(content=stalls), narrow=True) as server:
        assert smtp_outcome(await send(server, mail_for(server, data=b"x" * size), NO_REPLY)) == MAYBE_SENT
        await settled()
        assert peers[0].was_reset, "at once, though the server has not read what it had"
        await peers[0].until_left()
        assert len(server.received) < size


async def test_when_large_content_is_refused_the_rest_stays_here(send):
    refuses = after(5000, says(b"552 5.3.4 too large\r\n", Peer.until_left))
    async with ScriptedServer(Dialogue(content=refuses), narrow=True) as server:
        assert smtp_outcome(await send(server, mail_for(server, data=LARGE_MAIL))) == (SmtpStage.DOT, 552)
        await happened(server.left)
        assert len(server.received) < LARGE
        assert b"QUIT" not in server.received
