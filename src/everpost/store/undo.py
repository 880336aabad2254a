"""What is written when a message became durable after its caller had stopped waiting for it."""

from typing import Final

from msgspec.structs import replace

from everpost.model.delivery import Delivery, DeliveryState
from everpost.model.event import Event, EventType

REASON: Final = "stored too late: the caller was told that nothing was accepted"


def undone(delivery: Delivery, at: float) -> tuple[Delivery, Event]:
    """A delivery that nobody has taken up, cancelled, and the event that tells it."""
    cancelled = replace(
        delivery,
        state=DeliveryState.CANCELLED,
        due_at=None,
        version=delivery.version + 1,
        reason=REASON,
        updated_at=at,
    )
    event = Event(
        id=f"{delivery.id}:{cancelled.version}",
        type=EventType.CANCELLED,
        at=at,
        project=delivery.project,
        message_id=delivery.message_id,
        delivery_id=delivery.id,
        data={"by": "everpost", "reason": REASON},
    )
    return cancelled, event
