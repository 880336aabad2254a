"""Every provider meets every fault through the real wire, and makes of it what docs/reference/faults.md says.

A server misbehaves, a mail is built for it and handed over; providers are taken from the registry, so that a new one
is covered by being there.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import pytest
import trustme
from msgspec.structs import replace

from everpost.engine.wire import NetworkWire
from everpost.model.message import Attachment
from everpost.providers.contract import outcome_of
from everpost.sandbox.api import Conduct
from everpost.sandbox.faults import FaultPlan
from everpost.sandbox.inbox import Inbox
from everpost.sandbox.sandbox import APIS
from everpost.wiring import PROVIDERS
from provider_cases import DRAFT, ID, account_of, fitted
from scripted_mail import Dialogue
from scripted_server import LOOPBACK, Peer, ScriptedServer, refusing_port, silent_port
from wire_kit import HASTY_S, LARGE, body_of, patient, server_tls

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "faults.md"
OVER_HTTP = sorted(APIS)
OVER_SMTP = sorted(PROVIDERS.keys() - APIS)
SHORT_S = 0.1
PIECE = 64 * 1024  # of a large body
HTML = b"content-type: text/html\r\n"
BLOCKED = b"<html><body><h1>Sorry, you have been blocked</h1></body></html>"


def the_page():
    """Its cells, by fault and by the provider's title."""
    head, _, *rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in PAGE.read_text().splitlines()
        if line.startswith("|")
    ]
    return {row[0]: dict(zip(head[1:], row[1:], strict=True)) for row in rows}


CELLS = the_page()


def told(outcome):
    account = ", account" if outcome.account_fault else ""
    wait = "" if outcome.retry_after_s is None else f", {outcome.retry_after_s:.0f} s"
    return f"{outcome.kind}{account}{wait}"


async def what_comes(provider, address, draft=DRAFT, security="none", **short):
    """What a mail's outcome is that is handed over to this address, as the page tells it."""
    settings = {"base_url": address}
    if provider in OVER_SMTP:
        host, _, port = address.partition("//")[2].partition(":")
        settings = {"host": host, "port": port, "security": security}
    account = account_of(provider, settings)
    request = PROVIDERS[provider].build(fitted(provider, draft), ID, account)
    wire = NetworkWire(tls=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    try:
        answer = await wire.send(request, patient(**short), asyncio.get_running_loop().time() + 60)
    finally:
        await wire.close()
    return told(outcome_of(PROVIDERS[provider], answer, account))


def expected(provider, fault):
    return CELLS[fault][PROVIDERS[provider].title]


def large():
    """A mail that no socket's buffers take in while nobody reads."""
    part = Attachment(filename="a.bin", content_type="application/octet-stream", content=body_of(LARGE))
    return replace(DRAFT, attachments=(part,))


# --- before the first byte -------------------------------------------------------------------------------------------

every = pytest.mark.parametrize("provider", [*OVER_HTTP, *OVER_SMTP])


def test_the_page_has_a_row_for_each_fault_and_a_column_for_each_provider():
    assert CELLS.keys() == {*BEFORE, *ON_THE_WAY, *BY_STATUS, *SAID, "a redirect, which is never followed"}
    assert all(cells.keys() == {provider.title for provider in PROVIDERS.values()} for cells in CELLS.values())
    assert [fault for fault in CELLS for provider in OVER_HTTP if not expected(provider, fault)] == []


@asynccontextmanager
async def nobody() -> AsyncIterator[str]:
    with refusing_port() as port:
        yield f"http://{LOOPBACK}:{port}"


@asynccontextmanager
async def silence() -> AsyncIterator[str]:
    with silent_port() as port:
        yield f"http://{LOOPBACK}:{port}"


@asynccontextmanager
async def unknown() -> AsyncIterator[str]:
    yield "http://nobody.invalid:80"


@asynccontextmanager
async def stranger() -> AsyncIterator[str]:
    async with ScriptedServer(lambda peer: peer.until_left(), tls=server_tls(trustme.CA())) as server:
        yield server.url


BEFORE = {
    "nobody listens": nobody,
    "its name is unknown": unknown,
    "its certificate is not trusted": stranger,
    "the connection does not come about in time": silence,
}


@every
@pytest.mark.parametrize("fault", BEFORE)
async def test_what_never_comes_about_is_not_taken(provider, fault):
    hurry = {"connect_s": SHORT_S} if fault == "the connection does not come about in time" else {}
    security = "tls" if fault == "its certificate is not trusted" else "none"
    async with BEFORE[fault]() as address:
        assert await what_comes(provider, address, security=security, **hurry) == expected(provider, fault)


# --- between the first byte and the answer ---------------------------------------------------------------------------

Deed = Callable[[Peer], Awaitable[object]]


async def resets_midway(peer):
    await peer.read_exactly(PIECE)
    peer.reset()
    await peer.hang()


async def resets(peer):
    peer.reset()
    await peer.hang()


async def hangs(peer):
    await peer.hang()


async def cuts_http(peer):
    peer.send(b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{"id": ')


async def begins_http(peer):
    peer.send(b"HTTP/1.1 200 OK\r\ncontent-type: appl")
    await peer.hang()


async def cuts_smtp(peer):
    peer.send(b"250 2.0.0 Ok: queu")
    peer.close()
    await peer.hang()


async def begins_smtp(peer):
    peer.send(b"250-2.0.0 Ok: queu")
    await peer.hang()


ON_THE_WAY: dict[str, tuple[Deed, Deed]] = {
    "reset in the middle of the body": (resets_midway, resets_midway),
    "reset after the body": (resets, resets),
    "the head of the answer does not come in time": (begins_http, begins_smtp),
    "the answer is cut short": (cuts_http, cuts_smtp),
}
"""What a server does instead of answering: over HTTP, and by SMTP."""


def after_the_request(deed):
    async def script(peer):
        await peer.request()
        await deed(peer)

    return script


def script_of(provider, fault):
    over_http, by_smtp = ON_THE_WAY[fault]
    is_midway = over_http is resets_midway
    if provider in OVER_SMTP:
        return Dialogue(content=by_smtp) if is_midway else Dialogue(dot=by_smtp)
    return over_http if is_midway else after_the_request(over_http)


@every
@pytest.mark.parametrize("fault", ON_THE_WAY)
async def test_what_ends_without_an_answer_may_have_been_taken_unless_a_request_was_cut(provider, fault):
    draft = large() if fault == "reset in the middle of the body" else DRAFT
    hurry = {"answer_s": HASTY_S} if fault == "the head of the answer does not come in time" else {}
    async with ScriptedServer(script_of(provider, fault), narrow=True) as server:
        assert await what_comes(provider, server.url, draft, **hurry) == expected(provider, fault)


# --- answers over HTTP -----------------------------------------------------------------------------------------------


def answer(status: int, headers: bytes, body: bytes = b"") -> bytes:
    return b"HTTP/1.1 %d Said\r\n%bcontent-length: %d\r\n\r\n%b" % (status, headers, len(body), body)


def own_error(provider: str, status: int, retry_after: str) -> bytes:
    """As the provider's stand-in words it, with no cause named."""
    api = APIS[provider](Inbox(lambda: 0.0), Conduct(), lambda: 0.0, Random(0))
    said = api.refusal(FaultPlan(kind="status", status=status))
    headers = said.headers | ({"retry-after": retry_after} if retry_after else {})
    return answer(said.status, "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode(), said.body)


BY_STATUS = {
    **{str(status): (status, "") for status in (401, 403, 413, 500, 502, 503, 504)},
    "429 that names a wait of 7 s": (429, "7"),
    "429 that names none": (429, ""),
}
SAID = {
    "200 with garbage": answer(200, b"content-type: text/plain\r\n", b"\0%%nonsense%%"),
    "200 without an id": answer(200, b"content-type: application/json\r\n", b"{}"),
    "403 with a page of HTML, from an edge": answer(403, HTML, BLOCKED),
    "503 with a page of HTML, from an edge": answer(503, HTML, BLOCKED),
}


def says(text: bytes):
    async def script(peer):
        await peer.request()
        peer.send(text)

    return script


@pytest.mark.parametrize("provider", OVER_HTTP)
@pytest.mark.parametrize("fault", [*BY_STATUS, *SAID])
async def test_an_answer_means_what_the_page_says(provider, fault):
    text = SAID.get(fault) or own_error(provider, *BY_STATUS[fault])
    async with ScriptedServer(says(text)) as server:
        assert await what_comes(provider, server.url) == expected(provider, fault)
        assert len(server.requests) == 1  # nothing below us tries again


@pytest.mark.parametrize("provider", OVER_HTTP)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_nobody_follows_a_redirect_with_a_mail_in_hand(provider, status):
    async with ScriptedServer(lambda peer: peer.until_left()) as elsewhere:
        text = answer(status, f"location: {elsewhere.url}/mail\r\n".encode())
        async with ScriptedServer(says(text)) as server:
            found = await what_comes(provider, server.url)
        assert elsewhere.connections == 0
    assert found == expected(provider, "a redirect, which is never followed")
