"""Every test here runs over both event loops: asyncio's own and uvloop, which the product runs on."""

import asyncio
import logging
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


def is_ours(record):
    """A protocol that raised, a transport that nobody closed."""
    return record.name == "asyncio" and record.levelno >= logging.ERROR


@pytest.fixture
async def send(trusting, caplog):
    caller = Caller(trusting)
    yield caller
    await caller.wire.close()
    assert [record.getMessage() for record in caplog.get_records("call") if is_ours(record)] == []
