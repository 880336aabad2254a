"""Events as they are written: with the state that they tell, in one transaction, and marked as not yet numbered.

A number for each event in the same transaction would be a counter that every mail waits for. So the sequencer gives
numbers later, and the mark, which puts the item into the index `journal`, is how it finds them.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from everpost.model.delivery import Delivery, DeliveryState
from everpost.model.event import Event
from everpost.store.dynamodb.attributes import Item
from everpost.store.dynamodb.items import events_until, until
from everpost.store.dynamodb.keys import EVENTS, message_pk, purged_pk, recorded_key, shard_of
from everpost.store.dynamodb.place import Place
from everpost.store.port import Notice

_JSON: Final = msgspec.json.Encoder()
_EVENTS: Final = msgspec.json.Decoder(list[Event])


class Outbox:
    """Makes the items. Their stamps grow within a process whatever its clock does; between processes they are as right
    as the clocks are."""

    def __init__(self, place: Place) -> None:
        self._clock = place.clock
        self._shards = place.shards
        self._keep = place.keep
        self._stamp = 0

    def accepted(self, deliveries: Sequence[Delivery], events: Sequence[Event]) -> Item:
        first = deliveries[0]
        states = {_position(one): one.state.value for one in deliveries}
        ends_at = max(one.expires_at for one in deliveries)
        return self._item(message_pk(first.message_id), "new", events, ends_at) | {"states": states}

    def changed(self, delivery: Delivery, events: Sequence[Event]) -> Item:
        """There is one for each version, so that nobody can tell a change twice."""
        position = _position(delivery)
        item = self._item(
            message_pk(delivery.message_id), f"{position}.{delivery.version}", events, delivery.expires_at
        )
        return item | {"states": {position: delivery.state.value}, "of": position, "version": delivery.version}

    def recorded(self, event: Event, further: Sequence[Event] = ()) -> Item:
        """One that belongs to no change: its id is its key. `further` ones are told with it."""
        key = recorded_key(event.id, event.message_id)
        item = self._item(key.pk, key.sk.removeprefix(EVENTS), [event, *further], event.at)
        return item if event.message_id is not None else item | {"expires_at": events_until(self._keep, event.at)}

    def noted(self, notice: Notice) -> Item:
        """With its paper. One of no message goes for that as early as a mail does, whatever is kept of events."""
        item = self.recorded(notice.event, notice.further)
        if not notice.paper:
            return item
        if notice.event.message_id is None:
            item |= {"expires_at": until(self._keep, notice.event.at)}
        return item | {"paper": notice.paper}

    def purged(self, message_id: str, states: Mapping[str, int]) -> Item:
        """Tells no event: only that there are so many deliveries less in each state."""
        item = self._item(purged_pk(message_id), "", (), self._clock())
        return item | {"gone": dict(states)}

    def _item(self, pk: str, name: str, events: Sequence[Event], ends_at: float) -> Item:
        self._stamp = max(self._stamp + 1, int(self._clock() * 1_000_000))
        return {
            "pk": pk,
            "sk": EVENTS + name,
            "events": _JSON.encode(events).decode(),
            "unsequenced_shard": f"u{shard_of(pk, self._shards)}",
            "unsequenced_at": self._stamp,
            "expires_at": until(self._keep, ends_at),
        }


def to_events(item: Item) -> list[Event]:
    return _EVENTS.decode(item["events"])


def in_order(items: Sequence[Item]) -> list[Item]:
    """Event items of one message: the numbered ones first, then the others as they were written. What is told of one
    delivery keeps the order of its versions, whatever the clocks said."""
    numbered = sorted((item for item in items if "seq" in item), key=lambda item: item["seq"])
    rest = sorted((item for item in items if "seq" not in item), key=_written)
    latest: dict[str, int] = {}
    beginning = max((item["unsequenced_at"] for item in rest if item["sk"] == f"{EVENTS}new"), default=0)
    for item in sorted(rest, key=lambda item: item.get("version", -1)):
        before = max(beginning, latest.get(item.get("of", ""), 0))
        item["unsequenced_at"] = max(item["unsequenced_at"], before)
        if "of" in item:
            latest[item["of"]] = item["unsequenced_at"]
    return numbered + sorted(rest, key=_written)


def _written(item: Item) -> tuple[int, int, str]:
    return item["unsequenced_at"], item.get("version", -1), item["sk"]


def _position(delivery: Delivery) -> str:
    return delivery.id.partition(".")[2]


def state_changes(items: Sequence[Item]) -> list[dict[str, int]]:
    """What each of a message's event items, in order, makes of the number of deliveries in each state."""
    now: dict[str, str] = {}
    changes = []
    for item in items:
        tally: dict[str, int] = {state: -count for state, count in item.get("gone", {}).items()}
        for position, state in item.get("states", {}).items():
            if (before := now.get(position)) is not None:
                tally[before] = tally.get(before, 0) - 1
            tally[state] = tally.get(state, 0) + 1
            now[position] = DeliveryState(state).value
        changes.append(tally)
    return changes
