"""What SES tells, by a real queue: sent through the emulated SES, told by a topic or without one, taken by the function
`hooks` under Lambda's runtime client. Lambda's own poller is the only part that is made up here."""

import asyncio
import json
import uuid
from contextlib import AsyncExitStack

import pytest

import judge
from aws_kit import REGION, environ_of
from everpost.sandbox.sandbox import Sandbox
from hook_senders import ses
from kinesis_kit import KEYS
from lambda_house import ORIGINAL, House, read

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
RECEIVES_MAX = 3  # deploy/aws has five
ACCOUNT = """
[accounts.ses]
provider = "ses"
region = "{region}"
base_url = "{endpoint}"
webhook_queue = "{queue}"
"""


class Queued(House):
    """An installation that sends by SES, and whose events of SES come by a queue."""

    def __init__(self, folder, sandbox, stack, endpoint):
        super().__init__(folder, sandbox, stack)
        self.environ |= environ_of(endpoint)
        self._endpoint = endpoint
        self.name = f"everpost-{uuid.uuid4().hex}"
        self.sqs, self.sns = self._client("sqs"), self._client("sns")
        self._client("sesv2").create_email_identity(EmailIdentity="example.com")
        self.dead, self.queue = self._queue("-dead"), self._queue("")
        policy = {"deadLetterTargetArn": self._arn(self.dead), "maxReceiveCount": str(RECEIVES_MAX)}
        attributes = {"RedrivePolicy": json.dumps(policy), "VisibilityTimeout": "0"}
        self.sqs.set_queue_attributes(QueueUrl=self.queue, Attributes=attributes)

    def configuration(self, *given, **named):
        account = ACCOUNT.format(region=REGION, endpoint=self._endpoint, queue=self.name)
        return super().configuration(*given, **named) + account

    def topic(self, *, raw):
        """One that writes to the queue."""
        arn = self.sns.create_topic(Name=f"{self.name}-{raw}")["TopicArn"]
        attributes = {"RawMessageDelivery": str(raw).lower()}
        self.sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=self._arn(self.queue), Attributes=attributes)
        return arn

    def received(self, queue):
        """Up to ten messages that are there."""
        return self.sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=1).get("Messages", [])

    async def polled(self, function):
        """One batch, as Lambda hands it to a function: what has not failed is deleted. Returns the bodies that have."""
        messages = await asyncio.to_thread(self.received, self.queue)
        arn = self._arn(self.queue)
        records = [{"messageId": one["MessageId"], "body": one["Body"], "eventSourceARN": arn} for one in messages]
        result = await function.invoke({"Records": records}) if records else {"batchItemFailures": []}
        failed = {one["itemIdentifier"] for one in result["batchItemFailures"]}
        for one in messages:
            if one["MessageId"] not in failed:
                self.sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=one["ReceiptHandle"])
        return [one["Body"] for one in messages if one["MessageId"] in failed]

    def _client(self, service):
        return judge.client(service, endpoint=self._endpoint, region_name=REGION, **KEYS)

    def _queue(self, suffix):
        return self.sqs.create_queue(QueueName=self.name + suffix)["QueueUrl"]

    def _arn(self, queue):
        attributes = self.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
        return attributes["Attributes"]["QueueArn"]


@pytest.fixture
async def queued(tmp_path, aws):
    sandbox = Sandbox()
    await sandbox.start()
    async with AsyncExitStack() as stack:
        house = Queued(tmp_path, sandbox, stack, aws)
        house.configure()
        await house.make_key()
        yield house
    await sandbox.stop()


async def mailed(queued):
    """A mail that SES has; and what it tells of it."""
    api = await queued.start("api")
    await api.invoke(queued.asked("POST", "/setEmailProvider", {"provider": "ses"}))
    status, answer = read(await api.invoke(queued.asked("POST", "/sendEmail", ORIGINAL)))
    assert (status, answer["provider"]) == (200, "ses")

    async def state():
        shown = read(await api.invoke(queued.asked("GET", f"/v1/emails/{answer['id']}")))[1]
        return shown["recipients"][0]["state"]

    def told(what, **about):
        event = ses.event(what, about)
        event["mail"]["tags"] = {"everpost_id": [f"{answer['id']}-0"]}
        return json.dumps(event)

    return state, told


async def test_what_ses_tells_by_a_queue_changes_the_state_of_the_recipient(queued):
    """By itself, and by topics with an envelope and without."""
    state, told = await mailed(queued)
    hooks = await queued.start("hooks")
    assert await state() == "sent"
    queued.sqs.send_message(QueueUrl=queued.queue, MessageBody=told("DeliveryDelay", delayType="IPFailure"))
    assert (await queued.polled(hooks), await state()) == ([], "deferred")
    queued.sns.publish(TopicArn=queued.topic(raw=False), Message=told("Delivery"))
    assert (await queued.polled(hooks), await state()) == ([], "delivered")
    queued.sns.publish(TopicArn=queued.topic(raw=True), Message=told("Complaint"))
    assert (await queued.polled(hooks), await state()) == ([], "complained")
    assert queued.received(queued.queue) == []


async def test_what_can_not_be_read_ends_among_the_dead_letters_and_holds_up_nothing(queued):
    state, told = await mailed(queued)
    hooks = await queued.start("hooks")
    for body in ("{", told("Delivery")):
        queued.sqs.send_message(QueueUrl=queued.queue, MessageBody=body)
    async with asyncio.timeout(120):
        while not (dead := queued.received(queued.dead)):
            assert set(await queued.polled(hooks)) <= {"{"}
    assert [one["Body"] for one in dead] == ["{"]
    assert await state() == "delivered"
    assert queued.received(queued.queue) == []
