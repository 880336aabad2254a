"""Requests to addresses of others' choice reach what is public, and nothing else."""

import asyncio
import ipaddress
import math
import random
import socket
from urllib.parse import urlsplit

import pytest

from attacks.vectors import INSIDE, INSIDE_6, URLS, spellings
from everpost.engine.wire import Guard, NetworkWire
from everpost.engine.wire.dial import NO_WAY
from everpost.providers.contract import Fault, HttpRequest, Phase
from scripted_server import LOOPBACK, ScriptedServer, settled
from wire_kit import OK, outcome, patient, server_tls

PUBLIC = ("8.8.8.8", "1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "2a00:1450:4001:80e::200e", "64:ff9b::808:808")
CLOSED = (
    *INSIDE,
    *INSIDE_6,
    "0.1.2.3",
    "10.255.255.255",
    "100.127.255.255",
    "127.255.255.254",
    "168.63.129.16",
    "172.31.255.255",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.9",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::ffff:8.8.8.8",
    "::ffff:10.0.0.1",
    "::10.0.0.1",
    "64:ff9b::10.0.0.1",
    "64:ff9b::169.254.169.254",
    "2001:db8::1",
    "2001:10::1",
    "2002:0a00:0001::",
    "2002:808:808::",
    "3fff::1",
    "fc00::1",
    "fe80::1%lo",
    "ff0e::1",
    "4000::1",
    "no address",
)


@pytest.mark.parametrize("address", PUBLIC)
def test_what_is_public_is_let_through(address):
    assert Guard().lets(address)


@pytest.mark.parametrize("address", CLOSED)
def test_what_is_not_public_is_not(address):
    assert not Guard().lets(address)


def test_nothing_is_let_through_that_the_standard_library_knows_as_private():
    chance = random.Random(1)
    for _ in range(20_000):
        address = ipaddress.IPv4Address(chance.getrandbits(32))
        if Guard().lets(str(address)):
            assert address.is_global
            assert not address.is_multicast


def test_networks_of_ones_own_are_let_through_where_the_settings_say_so():
    guard = Guard((ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("fd00::/8")))
    assert guard.lets("10.1.2.3")
    assert guard.lets("fd00::5")
    assert guard.lets("64:ff9b::10.1.2.3")
    assert not guard.lets("192.168.0.1")
    assert not guard.lets("fc00::1")
    assert guard.complaint("https://10.1.2.3:8443/x") is None


GOOD = (
    "https://hooks.example.com",
    "https://hooks.example.com/a/b?c=d%20e",
    "https://hooks.example.com:443/",
    "https://hooks.example.com:8443/",
    "https://hooks.example.com./",
    "https://xn--e1afmkfd.example/",
    "https://8.8.8.8/",
    "https://[2606:4700:4700::1111]:8443/",
    "https://a_b.example.com/",
)


@pytest.mark.parametrize("url", GOOD)
def test_a_sound_address_is_good(url):
    assert Guard().complaint(url) is None


BAD = {
    "http://hooks.example.com/": "https://",
    "ftp://hooks.example.com/": "https://",
    "hooks.example.com": "https://",
    "https:///x": "no user",
    "https://user@hooks.example.com/": "no user",
    "https://user:password@hooks.example.com/": "no user",
    "https://@hooks.example.com/": "no user",
    "https://hooks.example.com\\@10.0.0.1/": "no user",
    "https://hooks.example.com/#x": "fragment",
    "https://hooks.example.com:22/": "port 443",
    "https://hooks.example.com:80/": "port 443",
    "https://hooks.example.com:0/": "port 443",
    "https://hooks.example.com:99999/": "is not an address",
    "https://hooks.example.com:x/": "is not an address",
    "https://[::1/": "is not an address",
    "https://hooks.example.com/a b": "ASCII",
    "https://hooks.example.com/\r\nX: y": "ASCII",
    "https://hööks.example.com/": "xn--hks-snaa.example.com",
    "https://\uff11\uff10.0.0.1/": "write the host as 10.0.0.1",
    "https://localhost/": "full name",
    "https://hooks..example.com/": "full name",
    "https://-hooks.example.com/": "full name",
    "https://hooks.example.com%00.example.org/": "full name",
    f"https://{'a' * 64}.example.com/": "full name",
    "https://0x7f.1/": "in numbers",
    "https://2130706433/": "in numbers",
    "https://0177.0.0.1/": "in numbers",
    "https://127.1/": "in numbers",
    "https://127.0.0.1./": "in numbers",
    "https://example.0x7f/": "in numbers",
    "https://[fe80::1%25lo]/": "no address in public",
    "https://127.0.0.1/": "no address in public",
    "https://[::1]/": "no address in public",
    "https://[::ffff:8.8.8.8]/": "no address in public",
}


@pytest.mark.parametrize(("url", "words"), BAD.items())
def test_a_faulty_address_is_told_what_is_wrong_with_it(url, words):
    assert words in Guard().complaint(url)


def test_http_is_good_where_the_settings_say_so():
    guard = Guard(plain_http=True)
    assert guard.complaint("http://hooks.example.com/") is None
    assert guard.complaint("http://hooks.example.com:80/") is None
    assert "port 80" in guard.complaint("http://hooks.example.com:443/")


def test_no_spelling_of_an_address_inside_is_good():
    guard = Guard(plain_http=True)
    hosts = [spelling for address in INSIDE for spelling in spellings(address)]
    hosts += [f"[{address}]" for address in INSIDE_6]
    addresses = [url for url in URLS if (urlsplit(url).hostname or "").replace(".", "").isdigit()]
    tried = [f"{scheme}://{host}/" for scheme in ("http", "https") for host in hosts] + addresses
    assert len(tried) > 300
    assert [url for url in tried if guard.complaint(url) is None] == []


def resolving(loop, answers):
    """The loop resolves any name to these, one after the other; the last one again and again."""
    asked = []

    async def getaddrinfo(host, port, **_):
        asked.append(host)
        found = answers[min(len(asked), len(answers)) - 1]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    loop.getaddrinfo = getaddrinfo
    return asked


def guard_of_this_machine():
    return Guard((ipaddress.ip_network(f"{LOOPBACK}/32"),), plain_http=True)


@pytest.fixture
async def guarded(trusting):
    wire = NetworkWire(tls=trusting, guard=guard_of_this_machine(), body_bytes_max=1000)
    yield wire
    await wire.close()


def answering(answer=OK):
    async def script(peer):
        await peer.request()
        peer.send(answer)

    return script


async def called(wire, server, host="hooks.example.com"):
    url = f"{server.scheme}://{host}:{server.port}/"
    return await wire.send(HttpRequest(method="POST", url=url, headers={}, body=b"{}"), patient(), math.inf)


async def test_a_name_is_resolved_once_and_what_was_judged_is_called(guarded):
    async with ScriptedServer(answering()) as server:
        asked = resolving(asyncio.get_running_loop(), [["10.9.9.9", LOOPBACK], ["10.9.9.9"]])
        assert outcome(await called(guarded, server)) == 200
        assert asked == ["hooks.example.com"]


async def test_a_name_that_leads_inside_is_not_called_and_its_address_is_not_told(guarded):
    async with ScriptedServer(answering()) as server:
        resolving(asyncio.get_running_loop(), [["10.9.9.9", "169.254.169.254", "::1"]])
        assert await called(guarded, server) == Fault(phase=Phase.DNS, maybe_sent=False, text=NO_WAY)
        assert server.connections == 0


async def test_a_name_that_changes_is_judged_at_each_connection(guarded):
    async with ScriptedServer(answering()) as server:
        resolving(asyncio.get_running_loop(), [[LOOPBACK], ["169.254.169.254"]])
        assert outcome(await called(guarded, server)) == 200
        await settled()  # it was closed behind the answer
        assert outcome(await called(guarded, server)) == (Phase.DNS, False)
        assert server.connections == 1


async def test_tls_is_for_the_name_and_not_for_the_address(guarded, authority):
    async with ScriptedServer(answering(), tls=server_tls(authority, "hooks.example.com")) as server:
        resolving(asyncio.get_running_loop(), [[LOOPBACK]])
        assert outcome(await called(guarded, server)) == 200
        assert outcome(await called(guarded, server, "other.example.com")) == (Phase.TLS, False)


async def test_an_answer_that_is_longer_than_wanted_is_none(guarded):
    long = b"HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n" + b"x" * 200_000
    async with ScriptedServer(answering(long)) as server:
        resolving(asyncio.get_running_loop(), [[LOOPBACK]])
        assert "more than 1000 bytes" in (await called(guarded, server)).text


async def test_a_redirect_is_an_answer_and_is_not_followed(guarded):
    moved = b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n"
    async with ScriptedServer(answering(moved)) as server:
        asked = resolving(asyncio.get_running_loop(), [[LOOPBACK]])
        assert outcome(await called(guarded, server)) == 302
        assert (len(asked), server.connections) == (1, 1)
