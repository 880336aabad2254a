"""What the wire says of an HTTP request that got no whole answer: the phase, and whether it may have arrived."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from everpost.model.account import Timeouts
from everpost.model.limits import ANSWER_BODY_BYTES_MAX, ANSWER_HEAD_BYTES_MAX
from everpost.providers.contract import Phase
from scripted_server import Peer, ScriptedServer, happened
from wire_kit import LARGE, OK, outcome, patient, post

NOT_SENT = (Phase.WRITE, False)
MAYBE_SENT = (Phase.ANSWER, True)
PATIENT = patient()
SMALL = 100
MIDDLE = 200_000
"""More than the tail, and less than what the sockets take in."""


def answers(*pieces: bytes) -> Callable[[Peer], Awaitable[None]]:
    """Reads the whole request, says this and ends."""

    async def script(peer):
        await peer.request()
        for piece in pieces:
            peer.send(piece)

    return script


def answers_without_end(head: bytes, piece: bytes) -> Callable[[Peer], Awaitable[None]]:
    async def script(peer):
        await peer.request()
        peer.send(head)
        while True:
            peer.send(piece)
            await peer.drained()

    return script


def trickles(text: bytes) -> Callable[[Peer], Awaitable[None]]:
    """An answer that goes on and on, and never pauses for as long as the time-out."""

    async def script(peer):
        await peer.request()
        for byte in text:
            peer.send(bytes((byte,)))
            await asyncio.sleep(0.01)
        await peer.hang()

    return script


async def closes_on_accept(peer):
    peer.close()


async def resets_on_accept(peer):
    peer.reset()


async def resets_in_the_body(peer):
    await peer.read_exactly(LARGE // 2)
    peer.reset()


async def closes_in_the_body(peer):
    await peer.read_exactly(LARGE // 2)
    peer.close()


async def stops_reading(peer):
    await peer.read_exactly(1000)
    await peer.hang()


async def stops_reading_and_begins_to_answer(peer):
    await peer.read_exactly(1000)
    peer.send(b"HTTP/1.1 413 Too La")
    await peer.hang()


async def claims_success_too_early(peer):
    await peer.read_exactly(1000)
    peer.send(OK)
    await peer.hang()


async def closes_when_all_is_read(peer):
    await peer.request()
    peer.close()


async def cuts_when_all_is_read(peer):
    await peer.request()
    peer.cut()


async def resets_when_all_is_read(peer):
    await peer.request()
    peer.reset()


async def hangs_when_all_is_read(peer):
    await peer.request()
    await peer.hang()


@dataclass(frozen=True)
class Case:
    name: str
    script: Callable[[Peer], Awaitable[object]]
    said: tuple[Phase, bool]
    size: int = SMALL
    timeouts: Timeouts = PATIENT


HEAD = b"HTTP/1.1 202 Accepted\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
IMPATIENT = patient(answer_s=0.1)
STALLED = patient(write_s=0.1)

CASES = (
    Case("large, closed on accept", closes_on_accept, NOT_SENT, LARGE),
    Case("large, reset on accept", resets_on_accept, NOT_SENT, LARGE),
    Case("half of the body, then reset", resets_in_the_body, NOT_SENT, LARGE),
    Case("half of the body, then closed", closes_in_the_body, NOT_SENT, LARGE),
    Case("reader stalls", stops_reading, NOT_SENT, LARGE, STALLED),
    Case("reader stalls in its answer", stops_reading_and_begins_to_answer, NOT_SENT, LARGE, STALLED),
    Case("success before the end", claims_success_too_early, (Phase.WRITE, True), LARGE),
    Case("closed", closes_when_all_is_read, MAYBE_SENT),
    Case("cut", cuts_when_all_is_read, MAYBE_SENT),
    Case("reset", resets_when_all_is_read, MAYBE_SENT),
    Case("hangs", hangs_when_all_is_read, MAYBE_SENT, SMALL, IMPATIENT),
    Case("middle, closed", closes_when_all_is_read, MAYBE_SENT, MIDDLE),
    Case("middle, reset", resets_when_all_is_read, MAYBE_SENT, MIDDLE),
    Case("large, reset", resets_when_all_is_read, MAYBE_SENT, LARGE),
    Case("large, hangs", hangs_when_all_is_read, MAYBE_SENT, LARGE, IMPATIENT),
    Case("head cut", answers(HEAD + b"Content-Le"), MAYBE_SENT),
    Case("body cut", answers(HEAD + b"Content-Length: 5\r\n\r\n1234"), MAYBE_SENT),
    Case("chunk cut", answers(CHUNKED + b"5\r\n1234"), MAYBE_SENT),
    Case("last chunk cut", answers(CHUNKED + b"5\r\n12345\r\n0\r\n"), MAYBE_SENT),
    Case("only a 1xx", answers(b"HTTP/1.1 100 Continue\r\n\r\n"), MAYBE_SENT),
    Case("another protocol", answers(b"SSH-2.0-OpenSSH_9.2\r\n"), MAYBE_SENT),
    Case(
        "switched protocols",
        answers(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"),
        MAYBE_SENT,
    ),
    Case("two lengths", answers(HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nabc"), MAYBE_SENT),
    Case("length and chunks", answers(CHUNKED[:-2] + b"Content-Length: 3\r\n\r\n0\r\n\r\n"), MAYBE_SENT),
    Case("endless line", answers_without_end(HEAD + b"X: ", b"x" * 1000), MAYBE_SENT),
    Case("endless head", answers_without_end(HEAD, b"X: y\r\n" * 100), MAYBE_SENT),
    Case("endless 1xx", answers_without_end(b"", b"HTTP/1.1 102 Processing\r\n\r\n" * 50), MAYBE_SENT),
    Case("endless body", answers_without_end(HEAD + b"\r\n", b"x" * 65_536), MAYBE_SENT),
    Case("endless chunks", answers_without_end(CHUNKED, b"3\r\nabc\r\n" * 5000), MAYBE_SENT),
    Case("endless extension", answers_without_end(CHUNKED + b"3;", b"x" * 65_536), MAYBE_SENT),
    Case("endless trailer", answers_without_end(CHUNKED + b"0\r\nX: ", b"x" * 65_536), MAYBE_SENT),
    Case("head too large", answers(HEAD + b"X: " + b"x" * ANSWER_HEAD_BYTES_MAX + b"\r\n\r\n"), MAYBE_SENT),
    Case(
        "body too large",
        answers(HEAD + b"Content-Length: 99999999\r\n\r\n", b"x" * (ANSWER_BODY_BYTES_MAX + 65_536)),
        MAYBE_SENT,
    ),
    Case("trickling head", trickles(HEAD + b"X: " + b"x" * 90), MAYBE_SENT, SMALL, IMPATIENT),
    Case("trickling body", trickles(HEAD + b"Content-Length: 90\r\n\r\n" + b"x" * 89), MAYBE_SENT, SMALL, IMPATIENT),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_a_fault_tells_how_far_the_request_got(send, tls, case):
    async with ScriptedServer(case.script, tls=tls, narrow=True) as server:
        answer = await send(server, post(server, case.size), case.timeouts)
        assert outcome(answer) == case.said
        assert server.connections == 1, "a request is made once"


@pytest.mark.parametrize("script", [closes_on_accept, resets_on_accept])
async def test_a_small_request_to_a_server_that_goes_at_once_may_have_left_or_not_but_is_never_repeated(
    send, tls, script
):
    async with ScriptedServer(script, tls=tls) as server:
        assert outcome(await send(server, post(server))) in ((Phase.TLS, False), NOT_SENT, MAYBE_SENT)
        assert server.connections == 1


@pytest.mark.parametrize("status", [401, 413, 503])
async def test_a_refusal_before_the_end_of_the_request_is_an_answer_and_the_rest_stays_here(send, tls, status):
    async def refuses(peer):
        await peer.read_exactly(1000)
        peer.send(b"HTTP/1.1 %d No\r\nContent-Length: 2\r\n\r\nno" % status)
        await peer.until_left()

    async with ScriptedServer(refuses, tls=tls, narrow=True) as server:
        assert outcome(await send(server, post(server, LARGE))) == status
        await happened(server.left)
        assert len(server.received) < LARGE


@pytest.mark.parametrize("ends", [Peer.close, Peer.cut, Peer.reset])
@pytest.mark.parametrize("short_by", [-1, 0, 1, 100, 16_383, 16_384, 16_385, 65_536, MIDDLE])
async def test_wherever_the_server_goes_away_a_request_that_it_has_read_is_never_called_unsent(
    send, tls, ends, short_by
):
    """`send` asserts it. What is more: with the last byte unread, the answer is a fault as well."""

    async def goes(peer):
        if short_by <= 0:
            await peer.request()
        else:
            await peer.read_exactly(whole - short_by)
        ends(peer)

    async with ScriptedServer(goes, tls=tls) as server:
        request = post(server, MIDDLE)
        whole = MIDDLE + 80
        answer = await send(server, request)
        assert outcome(answer) in (NOT_SENT, MAYBE_SENT)
        assert server.connections == 1
