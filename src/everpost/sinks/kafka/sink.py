"""CloudEvents as records of a topic: at least once, in order per message, and never stuck behind one of them.

A batch of a partition is taken whole or not at all, and the next one goes when the one before has been taken: so no
event overtakes another of its message, whatever fails.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from aiokafka import AIOKafkaProducer, errors
from aiokafka.partitioner import DefaultPartitioner

from everpost.sinks.dead_letters import DeadLetters
from everpost.sinks.kafka.cluster import ANSWER_S, Cluster
from everpost.sinks.kafka.records import HEADERS, Record, record_of

PUT_S: Final = 30.0  # one `put`, with all that a cluster's brokers are waited for
CLOSE_S: Final = ANSWER_S + 1.0  # for requests that are under way
POISON: Final = (
    errors.MessageSizeTooLargeError,
    errors.RecordListTooLargeError,
    errors.InvalidTimestampError,
    errors.PolicyViolationError,
)
"""A batch that the topic will never take, for something in it."""
PARTITIONER: Final = DefaultPartitioner()  # as Kafka's own clients: murmur2 of the key


class KafkaSink:
    """What a topic will never take is found by halving the batch, and buried in another topic."""

    def __init__(self, cluster: Cluster, topic: str, dead_letters: str | None = None) -> None:
        self.name = f"kafka:{topic}"
        self._cluster = cluster
        self._topic = topic
        self._graveyard = dead_letters
        self._letters = DeadLetters(None if dead_letters is None else self._deliver)
        self._producer: AIOKafkaProducer | None = None
        self._count = 0  # records that the topic has taken since the start
        self._done: set[str] = set()  # events of a put that has not ended well, which need not be sent again

    @property
    def buried(self) -> int:
        return self._letters.count

    async def put(self, events: Sequence[Mapping[str, Any]]) -> None:
        """Raises KafkaError, and TimeoutError after PUT_S. What was taken by then is known, and left out when they are
        put again. After a failure everything is asked anew: brokers, partitions, the password."""
        try:
            async with asyncio.timeout(PUT_S):
                await self._put([record for record in map(record_of, events) if record.id not in self._done])
        except Exception:
            await self.close()
            raise
        self._done.clear()

    async def close(self) -> None:
        """Never fails. What was not taken yet is given up."""
        producer, self._producer = self._producer, None
        if producer is not None:
            with suppress(Exception):
                async with asyncio.timeout(CLOSE_S):
                    await producer.stop()

    async def _put(self, records: Sequence[Record]) -> None:
        if self._producer is None:
            self._producer = await self._cluster.connected()
        partitions = sorted(await self._producer.partitions_for(self._topic))
        lanes: dict[int, list[Record]] = defaultdict(list)
        for record in records:
            lanes[PARTITIONER(record.key, partitions, partitions)].append(record)
        working = (self._put_lane(self._producer, partition, lane) for partition, lane in lanes.items())
        for error in await asyncio.gather(*working, return_exceptions=True):
            if error is not None:
                raise error

    async def _put_lane(self, producer: AIOKafkaProducer, partition: int, pending: Sequence[Record]) -> None:
        while pending:
            batch = producer.create_batch()
            count = 0
            while count < len(pending) and _append(batch, pending[count]):
                count += 1
            await self._send(producer, partition, batch, pending[:count])
            pending = pending[count:]

    async def _send(self, producer: AIOKafkaProducer, partition: int, batch: Any, records: Sequence[Record]) -> None:
        try:
            await (await producer.send_batch(batch, self._topic, partition=partition))
        except POISON as error:
            if len(records) > 1:
                middle = len(records) // 2
                for half in (records[:middle], records[middle:]):
                    await self._put_lane(producer, partition, half)
                return
            if not self._count:  # the topic may be the wrong one: then all events would be buried one by one
                raise
            await self._letters.bury(records[0].event, self.name, str(error))
        else:
            self._count += len(records)
        self._done.update(record.id for record in records)

    async def _deliver(self, letter: bytes) -> None:
        if self._producer is not None:
            await self._producer.send_and_wait(self._graveyard, letter)


def _append(batch: Any, record: Record) -> bool:
    """Whether there was room: for the first one there always is."""
    told = batch.append(timestamp=None, key=record.key, value=record.value, headers=list(HEADERS))
    return told is not None
