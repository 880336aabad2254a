"""What comes to a store to be accepted, as one value."""

from collections.abc import Sequence

from msgspec import Struct

from everpost.model.change import Charge
from everpost.model.delivery import Delivery, DeliveryState
from everpost.model.event import Event
from everpost.model.message import Message
from everpost.store.port import IdempotencyClaim


class Submission(Struct, frozen=True):
    """What a caller wants to be stored, whole or not at all."""

    message: Message
    deliveries: Sequence[Delivery]
    events: Sequence[Event]
    claim: IdempotencyClaim | None
    charges: Sequence[Charge]

    @property
    def is_begun(self) -> bool:
        """It comes with the intent of an attempt."""
        return any(delivery.state is DeliveryState.SENDING for delivery in self.deliveries)
