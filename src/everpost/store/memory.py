"""A store in the memory of one process, for tests, simulations and demonstrations. Lost at its end.

Belongs to one event loop: no method awaits in its middle, so each is atomic.
"""

import time
from bisect import bisect_left, insort
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice

from msgspec import Struct
from msgspec.structs import replace

from everpost.model.change import Change, Charge, Usage
from everpost.model.delivery import FINAL, Delivery, DeliveryState
from everpost.model.event import Event, Recorded
from everpost.model.message import Message, without_content
from everpost.store.due import DueQueue
from everpost.store.ledger import Key, charged
from everpost.store.matching import matches
from everpost.store.order import first_id
from everpost.store.port import (
    Accepted,
    AcceptOverrun,
    Claim,
    Claimed,
    Conflict,
    Counts,
    Document,
    Filter,
    IdempotencyClaim,
    New,
    Notice,
    Same,
    Stored,
    StoreUnavailable,
    Suppression,
    Unbegun,
    Written,
)


class _KeyHeld(Struct):
    claim: IdempotencyClaim
    message_id: str
    created_at: float
    answer: bytes | None = None


class MemoryStore:
    """`clock` tells the wall-clock time that an accept's deadline is compared with."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._messages: dict[str, Message] = {}  # in the order of acceptance
        self._ids: dict[str, list[str]] = defaultdict(list)  # by project, sorted
        self._deliveries: dict[str, Delivery] = {}
        self._of_message: dict[str, tuple[str, ...]] = {}  # delivery ids
        self._by_state = Counter({state.value: 0 for state in DeliveryState})
        self._due = DueQueue()
        self._events: list[Recorded] = []
        self._papers: dict[tuple[str | None, str], bytes] = {}  # by message and event id
        self._events_of: dict[str | None, dict[str, Recorded]] = defaultdict(dict)  # by message and event id
        self._seq = 0
        self._keys: dict[tuple[str, str], _KeyHeld] = {}
        self._usage: dict[Key, Usage] = {}
        self._config: dict[str, Document] = {}
        self._suppressions: dict[tuple[str, str], Suppression] = {}

    async def accept(
        self,
        message: Message,
        deliveries: Sequence[Delivery],
        events: Sequence[Event],
        claim: IdempotencyClaim | None,
        not_after: float,
        charges: Sequence[Charge] = (),
    ) -> Accepted:
        if self._clock() > not_after:
            raise AcceptOverrun("the store was too slow: nothing was begun")
        if claim is not None:
            taken = self._taken(claim.scope, claim.key, claim.fingerprint)
            if taken is not None:
                return taken
        spent = charged(self._usage, charges)
        is_begun = any(delivery.state is DeliveryState.SENDING for delivery in deliveries)
        if spent is None or (is_begun and self._has_suppressed(message)):
            return Unbegun()
        if message.id in self._messages:
            raise StoreUnavailable(f"the message id {message.id} is taken: a new one is needed")
        self._usage |= spent
        if claim is not None:
            self._keys[claim.scope, claim.key] = _KeyHeld(claim, message.id, message.created_at)
        self._messages[message.id] = message
        insort(self._ids[message.project], message.id)
        self._of_message[message.id] = tuple(delivery.id for delivery in deliveries)
        for delivery in deliveries:
            self._put(delivery)
        self._append(events)
        return New()

    def _has_suppressed(self, message: Message) -> bool:
        return any((message.project, address.email.lower()) in self._suppressions for address in message.recipients)

    async def find_key(self, scope: str, key: str, fingerprint: bytes) -> Same | Conflict | None:
        return self._taken(scope, key, fingerprint)

    def _taken(self, scope: str, key: str, fingerprint: bytes) -> Same | Conflict | None:
        held = self._keys.get((scope, key))
        if held is None:
            return None
        if held.claim.fingerprint != fingerprint:
            return Conflict(held.message_id)
        return Same(message_id=held.message_id, running_until=held.claim.running_until, answer=held.answer)

    async def answer(self, scope: str, key: str, answer: bytes) -> None:
        held = self._keys.get((scope, key))
        if held is not None:
            held.answer = answer

    async def claim_due(self, now: float, lease_s: float, room: int) -> Claim:
        due = [self._deliveries[id_] for id_ in self._due.take(now, room)]
        next_due_at = self._due.oldest_at()
        claimed = []
        for delivery in due:
            leased = replace(delivery, version=delivery.version + 1, due_at=now + lease_s)
            self._put(leased)
            claimed.append(Claimed(leased, self._messages[leased.message_id]))
        return Claim(tuple(claimed), next_due_at)

    async def begin(self, changes: Sequence[Change]) -> list[Written]:
        return [self._write(change) for change in changes]

    async def advance(self, changes: Sequence[Change]) -> list[Written]:
        return [self._write(change) for change in changes]

    def _write(self, change: Change) -> Written:
        stored = self._deliveries.get(change.delivery.id)
        if stored is None or stored.version != change.was:
            return Written.FENCED
        after = charged(self._usage, change.charges)
        if after is None:
            return Written.OVER_QUOTA
        self._usage |= after
        self._put(change.delivery)
        self._append(change.events)
        return Written.DONE

    def _put(self, delivery: Delivery) -> None:
        before = self._deliveries.get(delivery.id)
        if before is not None:
            self._by_state[before.state.value] -= 1
        self._by_state[delivery.state.value] += 1
        self._deliveries[delivery.id] = delivery
        self._due.put(delivery)

    def _append(self, events: Sequence[Event]) -> None:
        for event in events:
            self._seq += 1
            recorded = Recorded(self._seq, event)
            self._events.append(recorded)
            self._events_of[event.message_id][event.id] = recorded

    async def record(self, events: Sequence[Event]) -> None:
        for event in events:
            if event.id not in self._events_of[event.message_id]:
                self._append([event])

    async def note(self, notices: Sequence[Notice]) -> list[bool]:
        return [self._note(notice) for notice in notices]

    def _note(self, notice: Notice) -> bool:
        event = notice.event
        if event.id in self._events_of[event.message_id]:
            return False
        self._append([event, *notice.further])
        self._suppress(notice.suppressions)
        if notice.paper:
            self._papers[event.message_id, event.id] = notice.paper
        return True

    async def paper(self, event_id: str, message_id: str | None) -> bytes | None:
        return self._papers.get((message_id, event_id))

    async def get_message(self, project: str, message_id: str) -> Stored | None:
        message = self._messages.get(message_id)
        if message is None or message.project != project:
            return None
        return self._stored(message_id)

    async def find_delivery(self, delivery_id: str) -> Delivery | None:
        return self._deliveries.get(delivery_id)

    async def list_messages(self, by: Filter, before: str | None, limit: int) -> list[Stored]:
        stored = (self._stored(id_) for id_ in self._newest_first(by, before))
        return list(islice((one for one in stored if matches(one, by)), limit))

    def _newest_first(self, by: Filter, before: str | None) -> Iterator[str]:
        ids = self._ids[by.project]
        ends = [before] if before is not None else []
        if by.created_before is not None:
            ends.append(first_id(by.created_before))
        start = 0 if by.created_from is None else bisect_left(ids, first_id(by.created_from))
        end = bisect_left(ids, min(ends)) if ends else len(ids)
        return reversed(ids[start:end])

    def _stored(self, message_id: str) -> Stored:
        return Stored(
            message=without_content(self._messages[message_id]),
            deliveries=tuple(self._deliveries[id_] for id_ in self._of_message[message_id]),
            events=tuple(self._events_of[message_id].values()),
        )

    async def read_events(
        self, after: int, limit: int, project: str | None = None, message_id: str | None = None
    ) -> list[Recorded]:
        told = self._events if message_id is None else list(self._events_of.get(message_id, {}).values())
        start = bisect_left(told, after + 1, key=lambda recorded: recorded.seq)
        wanted = (one for one in islice(told, start, None) if project in (None, one.event.project))
        return list(islice(wanted, limit))

    async def usage(self) -> Mapping[tuple[str, str], Usage]:
        return dict(self._usage)

    async def read_config(self, prefix: str) -> Mapping[str, Document]:
        return {name: document for name, document in sorted(self._config.items()) if name.startswith(prefix)}

    async def write_config(
        self, name: str, value: bytes | None, was: int | None, events: Sequence[Event] = ()
    ) -> Document | None:
        version = self._config[name].version if name in self._config else 0
        if was is not None and was != version:
            return None
        self._append(events)
        if value is None:
            self._config.pop(name, None)
            return Document(b"", 0)
        document = self._config[name] = Document(value, version + 1)
        return document

    async def suppress(self, suppressions: Sequence[Suppression], events: Sequence[Event]) -> None:
        self._suppress(suppressions)
        self._append(events)

    def _suppress(self, suppressions: Sequence[Suppression]) -> None:
        for one in suppressions:
            self._suppressions[one.project, one.address.lower()] = one

    async def unsuppress(self, project: str, addresses: Sequence[str], events: Sequence[Event]) -> None:
        for address in addresses:
            self._suppressions.pop((project, address.lower()), None)
        self._append(events)

    async def suppressed(self, project: str, addresses: Sequence[str]) -> list[Suppression]:
        keys = sorted({(project, address.lower()) for address in addresses})
        return [self._suppressions[key] for key in keys if key in self._suppressions]

    async def counts(self) -> Counts:
        return Counts(
            accepted=len(self._deliveries), by_state=dict(self._by_state), oldest_due_at=self._due.oldest_at()
        )

    async def purge(self, before: float, keys_before: float, limit: int) -> int:
        old = list(islice(self._purgeable(before), limit))
        for id_ in old:
            del self._messages[id_]
            for event_id in self._events_of.pop(id_, {}):
                self._papers.pop((id_, event_id), None)
            for delivery_id in self._of_message.pop(id_):
                self._by_state[self._deliveries.pop(delivery_id).state.value] -= 1
        gone = frozenset(old)
        for project, ids in self._ids.items():
            self._ids[project] = [id_ for id_ in ids if id_ not in gone]
        self._events = [recorded for recorded in self._events if recorded.event.message_id not in gone]
        keys = [key for key, held in islice(self._keys.items(), limit) if held.created_at < keys_before]
        for key in keys:
            del self._keys[key]
        return len(old) + len(keys)

    def _purgeable(self, before: float) -> Iterator[str]:
        for id_, message in self._messages.items():
            if message.created_at >= before:
                return
            if all(self._deliveries[delivery_id].state in FINAL for delivery_id in self._of_message[id_]):
                yield id_

    async def close(self) -> None:
        """Nothing to be kept, nothing to be freed."""
