"""TLS to the brokers: by certificates that this machine trusts, and by no others."""

import asyncio
import ssl
from contextlib import asynccontextmanager, suppress

import pytest
import trustme
from aiokafka.errors import KafkaError

from everpost.sinks.kafka import Cluster, KafkaSink
from kafka_kit import brokers

TOPIC = "trail"


@pytest.fixture
def authority():
    return trustme.CA()


@pytest.fixture
def cluster():
    with brokers(1) as opened:
        opened.add_topic(TOPIC, 1)
        yield opened


@asynccontextmanager
async def in_tls(cluster, authority):
    """A door with TLS before a broker that has none; where that one says its port, it says the door's."""
    port = int(cluster.addresses[0].rpartition(":")[2])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)

    async def pass_on(reader, writer, old=b"", new=b""):
        with suppress(ConnectionError):
            while data := await reader.read(1 << 20):
                writer.write(data.replace(old, new))
                await writer.drain()
        writer.close()

    async def serve(reader, writer):
        there, back = await asyncio.open_connection("127.0.0.1", port)
        old, new = (number.to_bytes(4, "big") for number in (port, door.sockets[0].getsockname()[1]))
        await asyncio.gather(pass_on(reader, back), pass_on(there, writer, old, new))

    door = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    async with door:
        yield f"127.0.0.1:{door.sockets[0].getsockname()[1]}"


async def test_events_go_by_tls(cluster, authority):
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    async with in_tls(cluster, authority) as address:
        sink = KafkaSink(Cluster(brokers=(address,), tls=trusting), TOPIC)
        await sink.put([{"id": "e1", "data": {}}])
        await sink.close()
    assert await asyncio.to_thread(cluster.ids, TOPIC) == ["e1"]


async def test_a_broker_that_nobody_vouches_for_gets_nothing(cluster, authority):
    async with in_tls(cluster, authority) as address:
        sink = KafkaSink(Cluster(brokers=(address,), tls=ssl.create_default_context()), TOPIC)
        with pytest.raises(KafkaError):
            await sink.put([{"id": "e1", "data": {}}])
        await sink.close()
    assert await asyncio.to_thread(cluster.ids, TOPIC) == []
