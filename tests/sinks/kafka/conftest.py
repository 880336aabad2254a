"""A cluster, and a sink that writes into a topic of it."""

import pytest

from everpost.sinks.kafka import Cluster, KafkaSink
from kafka_kit import brokers

TOPIC = "trail"
GRAVES = "graves"


@pytest.fixture
def cluster():
    with brokers() as opened:
        opened.add_topic(TOPIC, 4)
        opened.add_topic("narrow", 1)
        opened.add_topic(GRAVES, 1)
        yield opened


@pytest.fixture
async def sink(cluster):
    opened = KafkaSink(Cluster(brokers=cluster.addresses), TOPIC, GRAVES)
    yield opened
    await opened.close()


@pytest.fixture
async def narrow(cluster):
    """A sink whose topic has one partition, so that all events share its batches."""
    opened = KafkaSink(Cluster(brokers=cluster.addresses), "narrow", GRAVES)
    yield opened
    await opened.close()
