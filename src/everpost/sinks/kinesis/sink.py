"""CloudEvents as records of a data stream: at least once, in order per message, and never stuck behind one of them."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from everpost.aws import AwsClient, AwsError
from everpost.sinks.dead_letters import DeadLetters
from everpost.sinks.kinesis.records import Record, next_batch, record_of

TRIES_MAX: Final = 6  # of a record in one `put`; a stream that throttles longer is left to the relay's own pauses
SUSPICIONS_MAX: Final = 3  # puts that a record has held up while the stream took others
PAUSE_S: Final = 0.1  # before a record is tried again; then twice as long each time, up to
PAUSE_S_MAX: Final = 5.0
POISON: Final = frozenset({"ValidationException", "InvalidArgumentException", "SerializationException"})
"""A request that Kinesis will never take, for something in it."""
THROTTLED: Final = "ProvisionedThroughputExceededException"


class StreamBusy(Exception):
    """The stream does not take all of it for now."""


class _Refused(Struct, frozen=True):
    record: Record
    code: str
    text: str

    @property
    def reason(self) -> str:
        return f"{self.code}: {self.text}"


class KinesisSink:
    """Of a request that has failed in part, the rest is sent again, with the later events of the same messages behind
    it. What Kinesis will never take is found by halving the request, and buried."""

    def __init__(
        self,
        client: AwsClient,
        stream: str,
        dead_letters: DeadLetters,
        *,
        pause_s: float = PAUSE_S,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.name = f"kinesis:{stream}"
        self._client = client
        self._stream = stream
        self._dead_letters = dead_letters
        self._pause_s = pause_s
        self._chance = chance
        self._count = 0  # records that the stream has taken since the start
        self._done: set[str] = set()  # events of a put that has not ended well, which need not be sent again
        self._suspicions: Counter[str] = Counter()  # by event

    @property
    def buried(self) -> int:
        return self._dead_letters.count

    async def put(self, events: Sequence[Mapping[str, Any]]) -> None:
        """Raises AwsError and StreamBusy. What was taken by then is known, and left out when they are put again."""
        pending = await self._sendable(events)
        tries: Counter[str] = Counter()
        before = self._count
        while pending:
            refused = await self._put(next_batch(pending))
            tries.update(one.record.id for one in refused)
            for one in filter(self._is_poison, refused):
                await self._bury(one.record, one.reason)
            pending = [record for record in pending if record.id not in self._done]
            most = max((tries[record.id] for record in pending), default=0)
            if most >= TRIES_MAX:
                self._suspect(refused, others_were_taken=self._count > before)
                raise StreamBusy(f"{len(pending)} events are left over: {refused[0].reason}")
            if most:
                await self._pause(most)
        self._done.clear()
        self._suspicions.clear()

    async def close(self) -> None:
        """The client is not ours."""

    async def _put(self, batch: Sequence[Record]) -> list[_Refused]:
        """What was not taken. Raises AwsError for what is no fault of a record."""
        try:
            return await self._request(batch)
        except AwsError as error:
            if error.code not in POISON:
                raise
            if len(batch) > 1:
                middle = len(batch) // 2
                return [*await self._put(batch[:middle]), *await self._put(batch[middle:])]
            return [_Refused(batch[0], error.code, str(error).partition(": ")[2])]

    async def _request(self, batch: Sequence[Record]) -> list[_Refused]:
        records = [{"Data": record.data, "PartitionKey": record.key} for record in batch]
        answer = await self._client.call("kinesis", "PutRecords", {"StreamName": self._stream, "Records": records})
        refused = [
            _Refused(record, told["ErrorCode"], told.get("ErrorMessage", ""))
            for record, told in zip(batch, answer["Records"], strict=True)
            if told.get("ErrorCode")
        ]
        left = {one.record.id for one in refused}
        self._done.update(record.id for record in batch if record.id not in left)
        self._count += len(batch) - len(refused)
        return refused

    async def _sendable(self, events: Sequence[Mapping[str, Any]]) -> list[Record]:
        found = []
        for record in map(record_of, events):
            if record.id in self._done:
                continue
            if record.is_too_large:
                await self._bury(record, f"{record.size_bytes} bytes are more than Kinesis takes")
            else:
                found.append(record)
        return found

    def _is_poison(self, refused: _Refused) -> bool:
        """A stream that has taken nothing yet may be the wrong one: then all events would be buried one by one."""
        is_suspect = self._suspicions[refused.record.id] >= SUSPICIONS_MAX
        return self._count > 0 and (refused.code in POISON or is_suspect)

    def _suspect(self, refused: Sequence[_Refused], *, others_were_taken: bool) -> None:
        """A record that alone fails again and again, for no reason that Kinesis can name."""
        if others_were_taken:
            self._suspicions.update(one.record.id for one in refused if one.code != THROTTLED)

    async def _bury(self, record: Record, reason: str) -> None:
        await self._dead_letters.bury(record.event, self.name, reason)
        self._done.add(record.id)

    async def _pause(self, tries: int) -> None:
        longest_s = min(self._pause_s * 2.0 ** (tries - 1), PAUSE_S_MAX)
        await asyncio.sleep(longest_s * (0.5 + self._chance() / 2))
