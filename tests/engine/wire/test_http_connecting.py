"""Before the first byte of an HTTP request: whatever fails there has a phase of its own, and nothing was sent."""

import asyncio
import datetime as dt
import socket

import pytest
import trustme

from everpost.providers.contract import HttpRequest, Phase
from scripted_server import LOOPBACK, Peer, ScriptedServer, refusing_port, settled, silent_port
from wire_kit import HASTY_S, OK, outcome, patient, post, server_tls

DEAD_HOST = "127.0.0.2"


async def takes_it(peer):
    await peer.request()
    peer.send(OK)


async def says_nothing(peer):
    await peer.until_left()


def to(url: str) -> HttpRequest:
    return HttpRequest(method="POST", url=url, headers={}, body=b"mail")


async def tried(send, url: str, **short: float):
    answer = await send.wire.send(to(url), patient(**short), send.clock() + 60)
    return outcome(answer)


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_refused_connection(send, scheme):
    with refusing_port() as port:
        assert await tried(send, f"{scheme}://{LOOPBACK}:{port}/") == (Phase.CONNECT, False)


async def test_why_there_is_no_connection_is_told_without_the_number_of_the_error(send):
    with refusing_port() as port:
        answer = await send.wire.send(to(f"http://{LOOPBACK}:{port}/"), patient(), send.clock() + 60)
    assert "refused" in answer.text.lower() or "Connect call failed" in answer.text
    assert "Errno" not in answer.text


@pytest.mark.parametrize("host", ["nobody.invalid", "a" * 64 + ".example", "a..example"])
async def test_a_name_that_is_unknown_or_can_be_none(send, host):
    assert await tried(send, f"http://{host}/") == (Phase.DNS, False)


async def test_a_name_server_that_hangs(send, monkeypatch):
    async def hangs(*_, **__):
        await asyncio.get_running_loop().create_future()

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", hangs)
    assert await tried(send, "http://slow.example/", connect_s=0.05) == (Phase.DNS, False)


async def test_an_address_that_hangs_or_refuses_does_not_hide_the_next_one(send, monkeypatch):
    async def two_addresses(_host, port, **_):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in (DEAD_HOST, LOOPBACK)]

    async with ScriptedServer(takes_it) as server:
        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", two_addresses)
        url = f"http://two.example:{server.port}/"
        assert await tried(send, url) == 200
        with silent_port(DEAD_HOST, server.port):
            await send.wire.close()  # else the connection is used again
            assert await tried(send, url, connect_s=2 * HASTY_S) == 200


async def test_a_connection_or_a_tls_handshake_that_hangs(send):
    with silent_port() as port:
        async with ScriptedServer(says_nothing) as server:
            urls = (f"http://{LOOPBACK}:{port}/", f"https://{LOOPBACK}:{port}/", f"https://{LOOPBACK}:{server.port}/")
            said = await asyncio.gather(*(tried(send, url, connect_s=HASTY_S) for url in urls))
            assert said == [(Phase.CONNECT, False), (Phase.CONNECT, False), (Phase.TLS, False)]
            assert b"mail" not in server.received


@pytest.mark.parametrize("goes", [Peer.close, Peer.reset])
@pytest.mark.parametrize("after_hello", [False, True])
async def test_a_server_that_goes_away_in_the_handshake(send, goes, after_hello):
    async def script(peer):
        if after_hello:
            await peer.read()
        goes(peer)

    async with ScriptedServer(script) as server:
        assert await tried(send, server.url.replace("http:", "https:")) == (Phase.TLS, False)


async def test_a_server_that_does_not_speak_tls(send):
    async def script(peer):
        await peer.read()
        peer.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

    async with ScriptedServer(script) as server:
        assert await tried(send, server.url.replace("http:", "https:")) == (Phase.TLS, False)


LONG_AGO = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    "certificate",
    [
        lambda authority: server_tls(trustme.CA()),
        lambda authority: server_tls(authority, "elsewhere.example"),
        lambda authority: server_tls(authority, not_after=LONG_AGO),
    ],
    ids=["unknown authority", "wrong name", "expired"],
)
async def test_a_certificate_that_proves_nothing(send, authority, certificate):
    async with ScriptedServer(takes_it, tls=certificate(authority)) as server:
        assert outcome(await send(server, post(server))) == (Phase.TLS, False)
        assert server.received == b""


async def test_a_cancelled_handshake_leaves_nothing_open(send):
    async with ScriptedServer(says_nothing) as server:
        task = asyncio.create_task(tried(send, server.url.replace("http:", "https:")))
        await server.until(lambda: server.received)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await settled()
        assert server.left.is_set()


@pytest.mark.parametrize("host", ["::1", "localhost"])
async def test_a_host_may_be_an_ipv6_literal_or_a_name(send, authority, host):
    async with ScriptedServer(takes_it, host=host, tls=server_tls(authority, host)) as server:
        assert outcome(await send(server, post(server))) == 200
        named = f"[{host}]" if ":" in host else host
        assert b"\r\nHost: %b:%d\r\n" % (named.encode(), server.port) in server.requests[0]
