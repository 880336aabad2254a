"""A stream, a sink that writes into it, and a way there that can fail."""

import pytest

from aws_kit import client_of, ministack
from everpost.engine.wire import NetworkWire
from everpost.sinks.dead_letters import DeadLetters
from everpost.sinks.kinesis import KinesisSink, to_queue
from kinesis_kit import Faults, Stream


@pytest.fixture(scope="session")
def aws(tmp_path_factory):
    with ministack(tmp_path_factory.mktemp("aws") / "log") as endpoint:
        yield endpoint


@pytest.fixture
def stream(aws):
    return Stream(aws)


@pytest.fixture
def faults():
    return Faults()


@pytest.fixture
async def client(aws, faults):
    wire = NetworkWire()
    opened = client_of(wire, aws)
    opened._transport = faults.around(opened._transport)
    yield opened
    await wire.close()


@pytest.fixture
def sink(client, stream):
    return KinesisSink(client, stream.name, DeadLetters(to_queue(client, stream.queue)), pause_s=0.0)
