"""The HTTP room over a real engine."""

import pytest

from everpost.entrypoints.http import build_app
from http_kit import Caller, OneMailInbox, ScriptedWire, running


@pytest.fixture
def wire():
    wire = ScriptedWire()
    wire.released.set()
    return wire


@pytest.fixture
async def running_engine(wire):
    async with running(wire, inbox=OneMailInbox()) as pair:
        yield pair


@pytest.fixture
def services(running_engine):
    return running_engine[0]


@pytest.fixture
def engine(running_engine):
    return running_engine[1]


@pytest.fixture
def call(services):
    return Caller(build_app(services))
