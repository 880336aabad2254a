"""Every test here runs over both event loops: asyncio's own and uvloop, which the product runs on."""

import asyncio
import ssl

import pytest
import trustme
import uvloop

from wire_kit import Caller, server_tls


def pytest_asyncio_loop_factories():
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture(scope="session")
def authority():
    return trustme.CA()


@pytest.fixture(scope="session")
def trusted(authority):
    """The server's side of TLS, with a certificate that the wire trusts."""
    return server_tls(authority)


@pytest.fixture(params=["http", "https"])
def tls(request, trusted):
    """None, or the server's side of TLS."""
    return trusted if request.param == "https" else None


@pytest.fixture(scope="session")
def trusting(authority):
    """The wire's side of TLS: it trusts this authority and no other."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.configure_trust(context)
    return context


@pytest.fixture
async def send(trusting):
    caller = Caller(trusting)
    yield caller
    await caller.wire.close()
