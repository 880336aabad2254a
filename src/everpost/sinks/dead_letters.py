"""Where events go that a sink will never take, for a person to look at."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import msgspec

from everpost.model.limits import DEAD_LETTER_BYTES_MAX

Deliver = Callable[[bytes], Awaitable[None]]
_JSON: Final = msgspec.json.Encoder()
_log = logging.getLogger(__name__)


class DeadLetters:
    """`deliver` None: there is no place for them. Then an event is told in the log, and stays in the audit trail
    alone."""

    def __init__(self, deliver: Deliver | None) -> None:
        self._deliver = deliver
        self.count = 0  # since the start

    async def bury(self, event: Mapping[str, Any], sink: str, reason: str) -> None:
        """Raises whatever `deliver` does: then it must be tried again."""
        if self._deliver is not None:
            letter = _JSON.encode({"sink": sink, "reason": reason, "event": event})
            if len(letter) > DEAD_LETTER_BYTES_MAX:
                letter = _JSON.encode({"sink": sink, "reason": reason, "event": _head(event)})
            await self._deliver(letter)
        self.count += 1
        _log.error("a sink will never take an event", extra={"sink": sink, "event_id": event["id"], "error": reason})


def _head(event: Mapping[str, Any]) -> dict[str, Any]:
    """Enough to find it in the audit trail."""
    return {name: value for name, value in event.items() if name != "data"}
