"""A store in the memory of one process, for tests, simulations and demonstrations. Lost at its end.

Belongs to one event loop: no method awaits in its middle, so each is atomic.
"""

import time
from bisect import bisect_left, insort
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import compress, islice

from msgspec.structs import replace

from everpost.model.change import Change, Charge, Usage
from everpost.model.delivery import FINAL, Delivery, DeliveryState
from everpost.model.event import Event, Recorded
from everpost.model.message import Message, Removed, stored_names, without_content
from everpost.model.removal import without_address, without_addresses, without_bodies
from everpost.model.suppression import ALL, Suppression
from everpost.store.due import DueQueue
from everpost.store.keys import Keys
from everpost.store.ledger import Key, charged
from everpost.store.matching import matches
from everpost.store.order import first_id
from everpost.store.port import (
    Accepted,
    AcceptOverrun,
    Bounds,
    Claim,
    Claimed,
    Conflict,
    Counts,
    Document,
    Filter,
    IdempotencyClaim,
    Listed,
    New,
    Notice,
    Same,
    Stored,
    StoreUnavailable,
    Unbegun,
    Written,
)
from everpost.store.suppressions import Suppressions
from everpost.store.trail import Trail


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
        self._trail = Trail()
        self._keys = Keys()
        self._usage: dict[Key, Usage] = {}
        self._config: dict[str, Document] = {}
        self._suppressions = Suppressions()

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
        if (taken := self._keys.taken(claim)) is not None:
            return taken
        spent = charged(self._usage, charges)
        is_begun = any(delivery.state is DeliveryState.SENDING for delivery in deliveries)
        if spent is None or (is_begun and self._suppressions.has_any(message)):
            return Unbegun()
        if message.id in self._messages:
            raise StoreUnavailable(f"the message id {message.id} is taken: a new one is needed")
        self._usage |= spent
        if claim is not None:
            self._keys.take(claim, message.id, message.created_at)
        self._messages[message.id] = message
        insort(self._ids[message.project], message.id)
        self._of_message[message.id] = tuple(delivery.id for delivery in deliveries)
        for delivery in deliveries:
            self._put(delivery)
        self._trail.append(events)
        return New()

    async def find_key(
        self, scope: str, key: str, fingerprint: bytes, since: float | None = None
    ) -> Same | Conflict | None:
        return self._keys.find(scope, key, fingerprint, since)

    async def vouch(self, scope: str, key: str, message_id: str) -> bool:
        return self._keys.is_of(scope, key, message_id)  # here nothing is stored too late

    async def answer(self, scope: str, key: str, answer: bytes) -> None:
        self._keys.answer(scope, key, answer)

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
        self._trail.append(change.events)
        return Written.DONE

    def _put(self, delivery: Delivery) -> None:
        before = self._deliveries.get(delivery.id)
        if before is not None:
            self._by_state[before.state.value] -= 1
        self._by_state[delivery.state.value] += 1
        self._deliveries[delivery.id] = delivery
        self._due.put(delivery)

    async def record(self, events: Sequence[Event]) -> None:
        self._trail.record(events)

    async def note(self, notices: Sequence[Notice]) -> list[bool]:
        written = [self._trail.note(notice) for notice in notices]
        for notice in compress(notices, written):
            self._suppressions.put(notice.suppressions)
        return written

    async def paper(self, event_id: str, message_id: str | None) -> bytes | None:
        return self._trail.paper(event_id, message_id)

    async def get_message(self, project: str, message_id: str) -> Stored | None:
        message = self._messages.get(message_id)
        return self._stored(message_id) if message is not None and message.project == project else None

    async def read_message(self, project: str, message_id: str) -> Message | None:
        message = self._messages.get(message_id)
        return message if message is not None and message.project == project else None

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
            events=self._trail.of(message_id),
        )

    async def read_events(
        self, after: int, limit: int, project: str | None = None, message_id: str | None = None
    ) -> list[Recorded]:
        return self._trail.read(after, limit, project, message_id)

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
        self._trail.append(events)
        if value is None:
            self._config.pop(name, None)
            return Document(b"", 0)
        document = self._config[name] = Document(value, version + 1)
        return document

    async def suppress(self, suppressions: Sequence[Suppression], events: Sequence[Event]) -> None:
        self._suppressions.put(suppressions)
        self._trail.append(events)

    async def unsuppress(
        self, project: str, addresses: Sequence[str], events: Sequence[Event], stream: str = ALL
    ) -> None:
        self._suppressions.remove(project, addresses, stream)
        self._trail.append(events)

    async def suppressed(self, project: str, addresses: Sequence[str], stream: str = ALL) -> list[Suppression]:
        return self._suppressions.of(project, addresses, stream)

    async def list_suppressions(self, project: str, prefix: str, after: Listed, limit: int) -> Sequence[Suppression]:
        return self._suppressions.page(project, prefix, after, limit)

    async def counts(self) -> Counts:
        return Counts(
            accepted=len(self._deliveries), by_state=dict(self._by_state), oldest_due_at=self._due.oldest_at()
        )

    async def purge(self, bounds: Bounds, limit: int) -> int:
        gone = self._delete(list(islice(self._final(bounds.messages), limit)))
        gone += self._keys.purge(bounds.keys, limit) + self._suppressions.purge(bounds.suppressions, limit)
        return gone + self._purge_parts(bounds, limit)

    def _delete(self, old: Sequence[str]) -> int:
        for id_ in old:
            del self._messages[id_]
            for delivery_id in self._of_message.pop(id_):
                self._by_state[self._deliveries.pop(delivery_id).state.value] -= 1
        gone = frozenset(old)
        for project, ids in self._ids.items():
            self._ids[project] = [id_ for id_ in ids if id_ not in gone]
        self._trail.forget(gone)
        self._keys.forget_answers(gone)
        return len(old)

    def _purge_parts(self, bounds: Bounds, limit: int) -> int:
        def kept(before: float | None, part: Removed) -> list[str]:
            old = (id_ for id_ in self._final(before) if part not in self._messages[id_].removed)
            return list(islice(old, limit))

        bodies = kept(bounds.bodies, Removed.CONTENT)
        for id_ in bodies:
            self._rewrite(without_bodies(self._messages[id_]))
        addresses = kept(bounds.addresses, Removed.RECIPIENTS)
        for id_ in addresses:
            self._rewrite(without_addresses(self._messages[id_], bounds.salt))
        self._keys.forget_answers(frozenset(addresses))
        told = list(islice((id_ for id_ in self._final(bounds.events) if self._trail.of(id_)), limit))
        self._trail.forget(frozenset(told))
        if bounds.events is not None:
            self._trail.forget_others(bounds.events, limit)
        self._trail.forget_other_papers(bounds.papers, limit)
        return len(bodies) + len(addresses) + len(told)

    def _rewrite(self, message: Message) -> None:
        """A part of it has gone, which papers may repeat."""
        self._messages[message.id] = message
        self._trail.forget_papers(message.id)

    def _final(self, before: float | None) -> Iterator[str]:
        """The oldest first."""
        for id_, message in self._messages.items():
            if before is None or message.created_at >= before:
                return
            if self._is_final(id_):
                yield id_

    def _is_final(self, message_id: str) -> bool:
        return all(self._deliveries[delivery_id].state in FINAL for delivery_id in self._of_message[message_id])

    async def erase(self, project: str, address: str, token: str, event: Event, limit: int) -> int:
        named = (id_ for id_ in reversed(self._ids[project]) if self._names(id_, address) and self._is_final(id_))
        found = list(islice(named, limit))
        for id_ in found:
            self._rewrite(without_address(self._messages[id_], address, token))
        self._keys.forget_answers(frozenset(found))
        if self._suppressions.forget(project, address) or found:
            self._trail.append([replace(event, data={**event.data, "messages": len(found)})])
        return len(found)

    def _names(self, id_: str, address: str) -> bool:
        return any(one.email.lower() == address.lower() for one in self._messages[id_].recipients)

    async def referenced(self, names: Collection[str]) -> Collection[str]:
        return {name for message in self._messages.values() for name in stored_names(message)}.intersection(names)

    async def close(self) -> None:
        """Nothing to be kept, nothing to be freed."""
