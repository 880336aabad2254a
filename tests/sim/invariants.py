"""What must hold at the end of every run, checked against the providers' own books."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from everpost.model.delivery import FINAL, Delivery, DeliveryState
from everpost.model.event import Event, EventType, Recorded
from everpost.store.port import Stored
from sim.world import World

ATTEMPTS_MAX = 60  # of one delivery in one run: work is bounded even in a storm


def broken(
    acknowledged: Mapping[str, str], stored: Mapping[str, Stored], events: Sequence[Recorded], world: World
) -> list[str]:
    """Every broken promise in words; empty: all were kept."""
    found = [f"{key}: acknowledged as {id_}, but it is gone" for key, id_ in acknowledged.items() if id_ not in stored]
    ids = list(acknowledged.values())
    if len(set(ids)) < len(ids):
        found.append("two keys were answered with the same message")
    by_delivery: dict[str, list[Event]] = defaultdict(list)
    for recorded in events:
        if recorded.event.delivery_id is not None:
            by_delivery[recorded.event.delivery_id].append(recorded.event)
    taken = world.handed_over()
    found += [f"{id_}: handed over {count} times" for id_, count in taken.items() if count > 1]
    found += [f"{id_}: handed over by {names}" for id_, names in world.owners().items() if len(names) > 1]
    for id_ in taken:
        if id_ not in by_delivery:
            found.append(f"{id_}: handed over without a trace in the audit trail")
    for message in stored.values():
        for delivery in message.deliveries:
            found += _delivery(delivery, taken[delivery.id], by_delivery[delivery.id], world)
    return found


def _delivery(delivery: Delivery, taken: int, events: Sequence[Event], world: World) -> Iterator[str]:
    id_ = delivery.id
    if delivery.state not in FINAL:
        yield f"{id_}: still {delivery.state} at the end ({delivery.reason})"
    if delivery.state is DeliveryState.SENT and taken == 0:
        yield f"{id_}: said to be sent, but no provider has it"
    if delivery.state is not DeliveryState.SENT and taken:
        yield f"{id_}: {delivery.state}, but a provider has it ({delivery.reason})"
    if delivery.state is DeliveryState.FAILED and id_ not in world.refused_for_good:
        yield f"{id_}: failed without a refusal ({delivery.reason})"
    if delivery.state is DeliveryState.HELD:
        yield f"{id_}: held although every provider can be asked ({delivery.reason})"
    if delivery.attempts > ATTEMPTS_MAX:
        yield f"{id_}: {delivery.attempts} attempts"
    yield from _trail(delivery, events)


def _trail(delivery: Delivery, events: Sequence[Event]) -> Iterator[str]:
    types = [event.type for event in events]
    if types[:1] != [EventType.ACCEPTED]:
        yield f"{delivery.id}: its trail begins with {types[:1]}"
    if len({event.id for event in events}) < len(events):
        yield f"{delivery.id}: an event is told twice"
    attempted = [event.data["number"] for event in events if event.type is EventType.ATTEMPTED]
    if attempted != list(range(1, delivery.attempts + 1)):
        yield f"{delivery.id}: attempts {attempted} in the trail, {delivery.attempts} in the state"
    ends = [type_ for type_ in types if type_ in _ENDINGS]
    if len(ends) != 1 or types[-1] != ends[0]:
        yield f"{delivery.id}: endings {ends} in the trail {types}"
    elif _ENDINGS[ends[0]] is not delivery.state:
        yield f"{delivery.id}: the trail ends in {ends[0]}, the state is {delivery.state}"
    yield from _gaps(delivery.id, events)


def _gaps(delivery_id: str, events: Iterable[Event]) -> Iterator[str]:
    """An attempt may only follow one that certainly did not hand over."""
    safe = True
    for event in events:
        if event.type is EventType.ATTEMPTED and not safe:
            yield f"{delivery_id}: attempt {event.data['number']} began while the one before was unresolved"
        if event.type is EventType.ATTEMPTED:
            safe = False
        elif event.type is EventType.DEFERRED and "outcome" in event.data:
            safe = True
        elif event.type is EventType.RESOLVED:
            safe = event.data["verdict"] == "absent"


_ENDINGS = {
    EventType.SENT: DeliveryState.SENT,
    EventType.FAILED: DeliveryState.FAILED,
    EventType.CANCELLED: DeliveryState.CANCELLED,
    EventType.HELD: DeliveryState.HELD,
}
