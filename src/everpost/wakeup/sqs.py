"""Calls the function that delivers, by a message in its queue."""

import asyncio
import logging
import math
from collections.abc import Callable
from typing import Final

from everpost.aws import AwsClient, AwsError
from everpost.aws.credentials import NoCredentials
from everpost.wakeup.port import Topic

WITHIN_S: Final = 1.0  # a message that needs longer is given up
DELAY_S_MAX: Final = 900  # SQS holds a message back for no longer
BODY: Final = "due"
_log = logging.getLogger(__name__)


class SqsPeers:
    """Functions. Losing a call costs at most the minute until the schedule looks. What is told has left this process
    when the call returns: a function may be frozen right after."""

    pause_s = 1.0  # a message costs money, and one function takes all that is due

    def __init__(self, client: AwsClient, queue_url: str) -> None:
        self._client = client
        self._queue_url = queue_url

    async def tell(self, topic: Topic, in_s: float = 0.0) -> None:
        """What is due later than a message can wait, and events, are left to the schedules of those functions."""
        if topic is not Topic.DUE or in_s > DELAY_S_MAX:
            return
        message = {"QueueUrl": self._queue_url, "MessageBody": BODY, "DelaySeconds": math.ceil(max(in_s, 0.0))}
        try:
            await self._client.call("sqs", "SendMessage", message, within_s=WITHIN_S)
        except (AwsError, NoCredentials) as error:
            _log.warning("nobody is called for mail; the schedule will find it", extra={"error": str(error)})

    async def hear(self, heard: Callable[[Topic], None]) -> None:  # noqa: ARG002  the port's
        """The messages are for the function."""
        await asyncio.Event().wait()

    async def close(self) -> None:
        """The client is not ours."""
