"""A stream and a queue of dead letters, read by AWS's own client; and a way there that fails as it is told."""

import asyncio
import json
import uuid
from base64 import b64decode

import msgspec

import judge
from aws_kit import REGION
from everpost.aws import Lost, Response

KEYS = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
THROTTLED = "ProvisionedThroughputExceededException"


class Faults:
    """Between the client and AWS. `refuse` names what becomes of a record (by its event's id): the codes that it is
    refused with, one a time; `refuse_first` all of them once; `poison` a piece of data that no request may hold; `lose`
    how many answers get lost."""

    def __init__(self):
        self.refuse = {}
        self.refuse_first = False
        self.poison = None
        self.lose = 0
        self.requests = []  # ids of the records of each

    def around(self, transport):
        async def carry(request, seconds):
            if "PutRecords" not in request.headers["X-Amz-Target"]:
                return await transport(request, seconds)
            payload = json.loads(request.body)
            ids = [json.loads(b64decode(record["Data"]))["id"] for record in payload["Records"]]
            self.requests.append(ids)
            if self.poison and any(self.poison in b64decode(record["Data"]) for record in payload["Records"]):
                return Response(status=400, headers={}, body=b'{"__type":"ValidationException","message":"no"}')
            answer = await self._partly(payload, ids, lambda body: transport(_with(request, body), seconds))
            if self.lose:
                self.lose -= 1
                return Lost(maybe_sent=True, text="no answer")
            return answer

        return carry

    def _code(self, id_):
        if self.refuse_first:
            self.refuse.setdefault(id_, [THROTTLED])
        return self.refuse[id_].pop(0) if self.refuse.get(id_) else None

    async def _partly(self, payload, ids, put):
        codes = [self._code(id_) for id_ in ids]
        pairs = list(zip(payload["Records"], codes, strict=True))
        taken = [record for record, code in pairs if code is None]
        told = iter(())
        if taken:
            answer = await put(json.dumps(payload | {"Records": taken}).encode())
            if answer.status != 200:
                return answer
            told = iter(json.loads(answer.body)["Records"])
        records = [next(told) if code is None else {"ErrorCode": code, "ErrorMessage": "told so"} for code in codes]
        failed = sum(code is not None for code in codes)
        return Response(
            status=200, headers={}, body=json.dumps({"FailedRecordCount": failed, "Records": records}).encode()
        )


def _with(request, body):
    """Signed for another body: ministack does not look."""
    return msgspec.structs.replace(request, body=body)


class Stream:
    """A stream of two shards, and its reader."""

    def __init__(self, endpoint):
        self._kinesis = judge.client("kinesis", endpoint=endpoint, region_name=REGION, **KEYS)
        self._sqs = judge.client("sqs", endpoint=endpoint, region_name=REGION, **KEYS)
        self.name = f"trail-{uuid.uuid4()}"
        self._kinesis.create_stream(StreamName=self.name, ShardCount=2)
        self._kinesis.get_waiter("stream_exists").wait(StreamName=self.name)
        self.queue = self._sqs.create_queue(QueueName=self.name)["QueueUrl"]

    def records(self):
        """(partition key, event), shard by shard in order."""
        found = []
        for shard in self._kinesis.list_shards(StreamName=self.name)["Shards"]:
            cursor = self._kinesis.get_shard_iterator(
                StreamName=self.name, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
            )["ShardIterator"]
            while page := self._kinesis.get_records(ShardIterator=cursor, Limit=10_000)["Records"]:
                found += [(one["PartitionKey"], json.loads(one["Data"])) for one in page]
                cursor = self._kinesis.get_shard_iterator(
                    StreamName=self.name,
                    ShardId=shard["ShardId"],
                    ShardIteratorType="AFTER_SEQUENCE_NUMBER",
                    StartingSequenceNumber=page[-1]["SequenceNumber"],
                )["ShardIterator"]
        return found

    def ids(self, message=None):
        return [event["id"] for key, event in self.records() if message in (None, key)]

    def letters(self):
        told = self._sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10)
        return [json.loads(letter["Body"]) for letter in told.get("Messages", [])]


def event(id_, message=None, **data):
    about = {"message_id": message} if message else {}
    return {"specversion": "1.0", "id": id_, "type": "dev.everpost.email.sent", "data": about | data}


def trail(messages, each):
    """Events of so many messages, their turns in a row: `m0.0`, `m1.0`, `m0.1`, …"""
    return [event(f"m{message}.{turn}", f"m{message}") for turn in range(each) for message in range(messages)]


async def put_until_taken(sink, events, errors, tries=20):
    """As the relay does; returns how often it was put in vain."""
    for failed in range(tries):
        try:
            await sink.put(events)
        except errors:
            await asyncio.sleep(0)
        else:
            return failed
    raise AssertionError("it is never taken")
