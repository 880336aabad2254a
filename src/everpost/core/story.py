"""A mail's attempts, folded from its events."""

from collections.abc import Sequence

from msgspec.structs import replace

from everpost.model.event import Event, EventType, Recorded
from everpost.model.message import Message
from everpost.model.outcome import Attempt

_ENDINGS = frozenset(
    {EventType.SENT, EventType.FAILED, EventType.HELD, EventType.DEFERRED, EventType.UNCERTAIN},
)


def attempts_of(events: Sequence[Recorded]) -> list[Attempt]:
    """Every attempt in order, and every account that was skipped, with the reason, before it."""
    attempts: list[Attempt] = []
    running: dict[tuple[str | None, int], int] = {}
    for recorded in events:
        event = recorded.event
        attempts += _skipped(event)
        key = (event.delivery_id, event.data.get("number", 0))
        if event.type is EventType.ATTEMPTED:
            running[key] = len(attempts)
            attempts.append(_begun(event))
        elif event.type in _ENDINGS and "outcome" in event.data and key in running:
            attempts[running[key]] = _ended(attempts[running[key]], event)
        elif event.type is EventType.RESOLVED and key in running:
            attempts[running[key]] = replace(attempts[running[key]], resolution=_resolution(event))
    return attempts


def send_at_of(message: Message, events: Sequence[Recorded]) -> float | None:
    """Not before when it is to be sent: as it was submitted, or as somebody has moved it since."""
    moved = [one.event.data["send_at"] for one in events if one.event.type is EventType.RESCHEDULED]
    return moved[-1] if moved else message.send_at


def _skipped(event: Event) -> list[Attempt]:
    return [
        Attempt(number=None, account=skip["account"], why=skip["reason"], outcome="skipped", started_at=event.at)
        for skip in event.data.get("skipped", ())
    ]


def _begun(event: Event) -> Attempt:
    return Attempt(
        number=event.data["number"],
        account=event.account or "",
        why=event.data["why"],
        outcome="running",
        started_at=event.at,
        lost=tuple(event.data.get("lost", ())),
    )


def _ended(attempt: Attempt, event: Event) -> Attempt:
    return replace(
        attempt,
        outcome=event.data["outcome"],
        latency_ms=event.data.get("latency_ms"),
        status=event.data.get("status"),
        text=event.data.get("text", ""),
        provider_message_id=event.data.get("provider_message_id"),
    )


def _resolution(event: Event) -> str:
    action = event.data.get("action")
    return f"{event.data['verdict']}; {action}" if action else str(event.data["verdict"])
