"""Where events go that a sink will never take: a queue, for a person to look at."""

import logging
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from everpost.aws import AwsClient
from everpost.model.limits import DEAD_LETTER_BYTES_MAX

_JSON: Final = msgspec.json.Encoder()
_log = logging.getLogger(__name__)


class DeadLetters:
    """`queue_url` None: there is no queue. Then an event is told in the log, and stays in the audit trail alone."""

    def __init__(self, client: AwsClient, queue_url: str | None) -> None:
        self._client = client
        self._queue_url = queue_url
        self.count = 0  # since the start

    async def bury(self, event: Mapping[str, Any], sink: str, reason: str) -> None:
        """Raises AwsError where the queue does not take it: then it must be tried again."""
        if self._queue_url is not None:
            letter = _JSON.encode({"sink": sink, "reason": reason, "event": event})
            if len(letter) > DEAD_LETTER_BYTES_MAX:
                letter = _JSON.encode({"sink": sink, "reason": reason, "event": _head(event)})
            await self._client.call("sqs", "SendMessage", {"QueueUrl": self._queue_url, "MessageBody": letter.decode()})
        self.count += 1
        _log.error("a sink will never take an event", extra={"sink": sink, "event_id": event["id"], "error": reason})


def _head(event: Mapping[str, Any]) -> dict[str, Any]:
    """Enough to find it in the audit trail."""
    return {name: value for name, value in event.items() if name != "data"}
