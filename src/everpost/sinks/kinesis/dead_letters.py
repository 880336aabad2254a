"""Dead letters in an SQS queue."""

from everpost.aws import AwsClient
from everpost.sinks.dead_letters import Deliver


def to_queue(client: AwsClient, url: str) -> Deliver:
    """What it returns raises AwsError where the queue does not take a letter."""

    async def deliver(letter: bytes) -> None:
        await client.call("sqs", "SendMessage", {"QueueUrl": url, "MessageBody": letter.decode()})

    return deliver
