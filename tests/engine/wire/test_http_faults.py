"""What the wire says of an HTTP request that got no whole answer: the phase, and whether it may have arrived."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from everpost.model.account import Timeouts
from everpost.model.limits import ANSWER_BODY_BYTES_MAX as BODY_BYTES_MAX
from everpost.model.limits import ANSWER_HEAD_BYTES_MAX as HEAD_BYTES_MAX
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


def answers_at_length(head: bytes, piece: bytes, end: bytes = b"") -> Callable[[Peer], Awaitable[None]]:
    """A correct answer, but for being three times as large as anything that is allowed."""

    async def script(peer):
        await peer.request()
        peer.send(head)
        for _ in range(3 * BODY_BYTES_MAX // len(piece)):
            peer.send(piece)
            await peer.drained()
        peer.send(end)

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
NO_BODY = b"Content-Length: 0\r\n\r\n"
END = b"0\r\n\r\n"
IMPATIENT = patient(answer_s=0.05)
STALLED = patient(write_s=0.05)

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
    Case("switched protocols", answers(b"HTTP/1.1 101 Switched\r\n\r\n" + OK), MAYBE_SENT),
    Case("upgraded", answers(b"HTTP/1.1 101 Switched\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n" + OK), MAYBE_SENT),
    Case("two lengths", answers(HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nabc"), MAYBE_SENT),
    Case("length and chunks", answers(CHUNKED[:-2] + b"Content-Length: 3\r\n\r\n0\r\n\r\n"), MAYBE_SENT),
    Case("long line", answers_at_length(HEAD + b"X: ", b"x" * 65_536, b"\r\n" + NO_BODY), MAYBE_SENT),
    Case("long head", answers_at_length(HEAD, b"X: y\r\n" * 10_000, NO_BODY), MAYBE_SENT),
    Case("many 1xx", answers_at_length(b"", b"HTTP/1.1 102 Processing\r\n\r\n" * 2000, HEAD + NO_BODY), MAYBE_SENT),
    Case("long body", answers_at_length(HEAD + b"\r\n", b"x" * 65_536), MAYBE_SENT),
    Case("body just too long", answers(HEAD + b"\r\n" + bytes(BODY_BYTES_MAX + HEAD_BYTES_MAX)), MAYBE_SENT),
    Case("many chunks", answers_at_length(CHUNKED, b"3\r\nabc\r\n" * 5000, END), MAYBE_SENT),
    Case("long extension", answers_at_length(CHUNKED + b"3;", b"x" * 65_536, b"\r\nabc\r\n" + END), MAYBE_SENT),
    Case("long trailer", answers_at_length(CHUNKED + b"0\r\nX: ", b"x" * 65_536, b"\r\n\r\n"), MAYBE_SENT),
    Case("head too large", answers(HEAD + b"X: " + b"x" * HEAD_BYTES_MAX + b"\r\n\r\n"), MAYBE_SENT),
    Case("trickling head", trickles(HEAD + b"X: " + b"x" * 90), MAYBE_SENT, SMALL, IMPATIENT),
    Case("trickling body", trickles(HEAD + b"Content-Length: 90\r\n\r\n" + b"x" * 89), MAYBE_SENT, SMALL, IMPATIENT),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_a_fault_tells_how_far_the_request_got(send, tls, case):
    async with ScriptedServer(case.script, tls=tls, narrow=True) as server:
        answer = await send(server, post(server, case.size), case.timeouts)
        assert outcome(answer) == case.said
        assert (" within " in answer.text) is (case.timeouts is not PATIENT), "what is over is told at once"
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
@pytest.mark.parametrize("short_by", [0, 1, 100, 16_384, 16_385, MIDDLE])
async def test_wherever_the_server_goes_away_a_request_that_it_has_read_is_never_called_unsent(
    send, tls, ends, short_by
):
    """`send` asserts it."""

    async def goes(peer):
        if short_by == 0:
            await peer.request()
        else:
            await peer.read_until(b"\r\n\r\n")
            await peer.read_exactly(MIDDLE - short_by)
        ends(peer)

    async with ScriptedServer(goes, tls=tls) as server:
        assert outcome(await send(server, post(server, MIDDLE))) in (NOT_SENT, MAYBE_SENT)
        assert (server.connections, len(server.requests)) == (1, short_by == 0)
