"""What happens to each mail, as log lines: for whoever reads along. The audit trail is kept by the store."""

import logging
from typing import Final

from everpost.model import ids
from everpost.model.change import Change
from everpost.model.event import EventType
from everpost.model.message import Message

_LEVELS: Final = {
    EventType.ATTEMPTED: logging.DEBUG,  # its outcome follows, with the same attempt
    EventType.UNCERTAIN: logging.WARNING,
    EventType.HELD: logging.WARNING,
    EventType.FAILED: logging.WARNING,
}
_log = logging.getLogger(__name__)


def tell(message: Message, change: Change) -> None:
    """One line for each event of a change that is on disk."""
    for event in change.events:
        level = _LEVELS.get(event.type, logging.INFO)
        if not _log.isEnabledFor(level):
            continue
        number, data = event.data.get("number"), event.data
        _log.log(
            level,
            event.type.value,
            extra={
                "message_id": event.message_id,
                "delivery": event.delivery_id,
                "attempt": ids.attempt_id(change.delivery.id, number) if number else None,
                "account": event.account,
                "outcome": data.get("outcome") or data.get("verdict"),
                "status": data.get("status"),
                "latency_ms": data.get("latency_ms"),
                "request": message.origin.request,
                "trace": message.origin.trace,
            },
        )
