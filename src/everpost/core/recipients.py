"""How a mail stands with each of its recipients, folded from the set of its events.

Providers tell things late, twice and out of order. So each event is a rung of a ladder, and the highest one counts,
whenever it came. Delivered, bounced and rejected share a rung: there, what happened last counts, since a server may
well take a mail and send it back later.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from everpost.model.delivery import Delivery, DeliveryState
from everpost.model.event import Event, EventType, Recorded
from everpost.model.message import Message
from everpost.model.recipient import RecipientState, RecipientStatus
from everpost.model.sighting import TAKEN, SightingKind

PREFIX: Final = "recipient."
_OF_DELIVERY: Final[Mapping[DeliveryState, RecipientState]] = {
    DeliveryState.QUEUED: RecipientState.PENDING,
    DeliveryState.SENDING: RecipientState.PENDING,
    DeliveryState.UNCERTAIN: RecipientState.PENDING,
    DeliveryState.SENT: RecipientState.SENT,
    DeliveryState.FAILED: RecipientState.REJECTED,
    DeliveryState.CANCELLED: RecipientState.CANCELLED,
    DeliveryState.HELD: RecipientState.HELD,
}
_OF_EVENT: Final[Mapping[EventType, RecipientState]] = {
    EventType.RECIPIENT_QUEUED: RecipientState.SENT,
    EventType.RECIPIENT_SENT: RecipientState.SENT,
    EventType.RECIPIENT_DEFERRED: RecipientState.DEFERRED,
    EventType.RECIPIENT_DELIVERED: RecipientState.DELIVERED,
    EventType.RECIPIENT_AUTORESPONDED: RecipientState.DELIVERED,
    EventType.RECIPIENT_OPENED: RecipientState.DELIVERED,
    EventType.RECIPIENT_CLICKED: RecipientState.DELIVERED,
    EventType.RECIPIENT_BOUNCED: RecipientState.BOUNCED,
    EventType.RECIPIENT_REJECTED: RecipientState.REJECTED,
    EventType.RECIPIENT_FAILED: RecipientState.REJECTED,
    EventType.RECIPIENT_UNSUBSCRIBED: RecipientState.UNSUBSCRIBED,
    EventType.RECIPIENT_COMPLAINED: RecipientState.COMPLAINED,
}
_RUNGS: Final[Mapping[RecipientState, int]] = {
    RecipientState.PENDING: 0,
    RecipientState.CANCELLED: 1,
    RecipientState.HELD: 1,
    RecipientState.SUPPRESSED: 1,
    RecipientState.SENT: 1,
    RecipientState.DEFERRED: 2,
    RecipientState.REJECTED: 3,
    RecipientState.BOUNCED: 3,
    RecipientState.DELIVERED: 3,
    RecipientState.UNSUBSCRIBED: 4,
    RecipientState.COMPLAINED: 5,
}
_STATES: Final = tuple(RecipientState)
_SIDE_FACTS: Final = frozenset(
    {EventType.RECIPIENT_AUTORESPONDED, EventType.RECIPIENT_OPENED, EventType.RECIPIENT_CLICKED}
)
"""They imply that the mail was delivered once, and tell nothing of when: a bounce may have followed before them."""


def statuses_of(message: Message, deliveries: Sequence[Delivery], events: Iterable[Recorded]) -> list[RecipientStatus]:
    """In the order of to, cc and bcc."""
    told: dict[int, list[Event]] = {}
    for recorded in events:
        place = recorded.event.data.get("place")
        if recorded.event.type in _OF_EVENT and isinstance(place, int):
            told.setdefault(place, []).append(recorded.event)
    base = _base(deliveries)
    left_out = {place for delivery in deliveries for place in delivery.left_out}
    return [
        _folded(_LEFT_OUT if place in left_out else base, told.get(place, ()))
        for place in range(len(message.recipients))
    ]


def acknowledged(delivery: Delivery, events: Iterable[Recorded]) -> Event | None:
    """What proves that the account of the current attempt has the mail: a provider tells no fate of what it has not."""
    return next((one.event for one in events if _is_proof(one.event, delivery)), None)


def _is_proof(event: Event, delivery: Delivery) -> bool:
    kind = event.type.value.removeprefix(PREFIX)
    return (
        event.type.value.startswith(PREFIX)
        and SightingKind(kind) in TAKEN
        and event.delivery_id == delivery.id
        and event.account == delivery.account
    )


_LEFT_OUT: Final = RecipientStatus(state=RecipientState.SUPPRESSED)


def _base(deliveries: Iterable[Delivery]) -> RecipientStatus:
    """What is known of all of them: that of the delivery that is furthest from its end."""
    states = (_OF_DELIVERY[delivery.state] for delivery in deliveries)
    return RecipientStatus(state=min(states, key=_furthest))


def _furthest(state: RecipientState) -> tuple[int, int]:
    return _RUNGS[state], _STATES.index(state)


def _folded(base: RecipientStatus, events: Iterable[Event]) -> RecipientStatus:
    found = max(events, key=_height, default=None)
    if found is None or _RUNGS[_OF_EVENT[found.type]] < _RUNGS[base.state]:
        return base
    return RecipientStatus(state=_OF_EVENT[found.type], reason=_reason(found), at=found.at)


def _height(event: Event) -> tuple[int, bool, float, int, str]:
    state = _OF_EVENT[event.type]
    return _RUNGS[state], event.type not in _SIDE_FACTS, event.at, _STATES.index(state), event.id


def _reason(event: Event) -> str:
    told = (event.data.get(name) for name in ("bounce", "reason", "text"))
    return ": ".join(text for text in told if isinstance(text, str) and text)
