"""The port over DynamoDB: each method hands its arguments to the part that it belongs to."""

import os
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final, Self

from everpost.aws import AwsClient
from everpost.model.change import Change, Charge, Usage
from everpost.model.delivery import Delivery, DeliveryState
from everpost.model.event import Event, Recorded
from everpost.model.message import Message
from everpost.model.suppression import ALL, Suppression
from everpost.store.dynamodb import idempotency, reads
from everpost.store.dynamodb.accepting import Accepting
from everpost.store.dynamodb.bodies import Bodies
from everpost.store.dynamodb.changes import Changes
from everpost.store.dynamodb.claims import Claims
from everpost.store.dynamodb.documents import Documents, Suppressions
from everpost.store.dynamodb.items import Keep
from everpost.store.dynamodb.journal import Journal
from everpost.store.dynamodb.keys import SHARDS, Queue
from everpost.store.dynamodb.listing import Lists
from everpost.store.dynamodb.outbox import Outbox
from everpost.store.dynamodb.place import Place
from everpost.store.dynamodb.purge import Purge
from everpost.store.dynamodb.quotas import Quotas
from everpost.store.dynamodb.removal import Removal
from everpost.store.dynamodb.sequencer import Sequencer
from everpost.store.dynamodb.table import Table
from everpost.store.port import (
    Accepted,
    Bounds,
    Claim,
    Conflict,
    Counts,
    Document,
    Filter,
    IdempotencyClaim,
    Notice,
    Same,
    Stored,
    Written,
)
from everpost.store.submission import Submission

COUNTED_MAX: Final = 10_000  # events that are numbered before they are counted


def _token() -> str:
    return os.urandom(16).hex()


class DynamoStore:
    """Everpost's state in one table of DynamoDB, shared by as many processes as know it."""

    def __init__(self, place: Place, bodies: Bodies) -> None:
        outbox = Outbox(place)
        self._table = place.table
        self._bodies = bodies
        self._quotas = Quotas(place.table)
        self._changes = Changes(place, outbox, self._quotas)
        self._accepting = Accepting(place, bodies, outbox, self._quotas, self._changes)
        self._claims = Claims(place, bodies)
        self._lists = Lists(place)
        self._sequencer = Sequencer(place)
        self._journal = Journal(place, outbox, self._sequencer)
        self._documents = Documents(place.table, outbox)
        self._suppressions = Suppressions(place, outbox)
        self._removal = Removal(place, bodies, outbox, self._lists, self._suppressions)
        self._purge = Purge(place, self._claims, self._removal, outbox, self._sequencer)

    @classmethod
    def open(
        cls,
        client: AwsClient,
        table: str,
        *,
        bodies: str | None = None,
        keep: Keep | None = None,
        clock: Callable[[], float] = time.time,
    ) -> Self:
        """`bodies` is the bucket for contents that an item can't hold. With `keep`, what no purge has got to is deleted
        by DynamoDB itself. `clock` tells the wall-clock time that deadlines are compared with."""
        place = Place(table=Table(client, table, _token), shards=SHARDS, keep=keep, clock=clock)
        return cls(place, Bodies(client, bodies))

    async def close(self) -> None:
        """The client belongs to whoever has made it."""

    async def accept(
        self,
        message: Message,
        deliveries: Sequence[Delivery],
        events: Sequence[Event],
        claim: IdempotencyClaim | None,
        not_after: float,
        charges: Sequence[Charge] = (),
    ) -> Accepted:
        return await self._accepting.accept(Submission(message, deliveries, events, claim, charges), not_after)

    async def find_key(
        self, scope: str, key: str, fingerprint: bytes, since: float | None = None
    ) -> Same | Conflict | None:
        return await idempotency.find_key(self._table, scope, key, fingerprint, since)

    async def vouch(self, scope: str, key: str, message_id: str) -> bool:
        return await idempotency.vouch(self._table, scope, key, message_id)

    async def answer(self, scope: str, key: str, answer: bytes) -> None:
        await idempotency.answer(self._table, scope, key, answer)

    async def claim_due(self, now: float, lease_s: float, room: int) -> Claim:
        return await self._claims.take(now, lease_s, room)

    async def begin(self, changes: Sequence[Change]) -> list[Written]:
        return await self._changes.write(changes)

    async def advance(self, changes: Sequence[Change]) -> list[Written]:
        return await self._changes.write(changes)

    async def record(self, events: Sequence[Event]) -> None:
        for event in events:
            await self._journal.record(event)

    async def note(self, notices: Sequence[Notice]) -> list[bool]:
        """Side by side; of those with the same event, the first one counts."""
        firsts = {(notice.event.message_id, notice.event.id): notice for notice in reversed(notices)}
        results = await self._table.together(self._journal.note, firsts.values())
        left = dict(zip(firsts, results, strict=True))
        return [left.pop((notice.event.message_id, notice.event.id), False) for notice in notices]

    async def paper(self, event_id: str, message_id: str | None) -> bytes | None:
        return await self._journal.paper(event_id, message_id)

    async def get_message(self, project: str, message_id: str) -> Stored | None:
        stored = await reads.get_message(self._table, message_id)
        return stored if stored is not None and stored.message.project == project else None

    async def read_message(self, project: str, message_id: str) -> Message | None:
        return await reads.read_message(self._table, self._bodies, project, message_id)

    async def find_delivery(self, delivery_id: str) -> Delivery | None:
        return await reads.find_delivery(self._table, delivery_id)

    async def list_messages(self, by: Filter, before: str | None, limit: int) -> list[Stored]:
        return await self._lists.page(by, before, limit)

    async def read_events(
        self, after: int, limit: int, project: str | None = None, message_id: str | None = None
    ) -> list[Recorded]:
        return await self._journal.read(after, limit, project, message_id)

    async def usage(self) -> Mapping[tuple[str, str], Usage]:
        return await self._quotas.usage()

    async def read_config(self, prefix: str) -> Mapping[str, Document]:
        return await self._documents.read(prefix)

    async def write_config(
        self, name: str, value: bytes | None, was: int | None, events: Sequence[Event] = ()
    ) -> Document | None:
        return await self._documents.write(name, value, was, events)

    async def suppress(self, suppressions: Sequence[Suppression], events: Sequence[Event]) -> None:
        await self._suppressions.add(suppressions, events)

    async def unsuppress(
        self, project: str, addresses: Sequence[str], events: Sequence[Event], stream: str = ALL
    ) -> None:
        await self._suppressions.remove(project, addresses, events, stream)

    async def suppressed(self, project: str, addresses: Sequence[str], stream: str = ALL) -> list[Suppression]:
        return await self._suppressions.of(project, addresses, stream)

    async def list_suppressions(
        self, project: str, prefix: str, after: tuple[str, str], limit: int
    ) -> Sequence[Suppression]:
        return await self._suppressions.page(project, prefix, after, limit)

    async def counts(self) -> Counts:
        """As the numbered part of the audit trail tells it: conserved at any time, and as young as that."""
        await self._sequencer.run(COUNTED_MAX)
        tally = (await self._sequencer.head()).tally
        first = await self._claims.waiting([Queue.LIVE], 1)
        return Counts(
            accepted=sum(tally.values()),
            by_state={state.value: tally.get(state.value, 0) for state in DeliveryState},
            oldest_due_at=float(first[0]["due_at"]) if first else None,
        )

    async def purge(self, bounds: Bounds, limit: int) -> int:
        """Events that belong to no message go by their time alone (`Keep`)."""
        gone = 0
        if bounds.suppressions is not None:
            waiting = await self._claims.waiting([Queue.ENDING], limit, bounds.suppressions)
            gone = await self._suppressions.purge(waiting[:limit])
        return gone + await self._purge.run(bounds, limit)

    async def erase(self, project: str, address: str, token: str, event: Event, limit: int) -> int:
        return await self._removal.erase(project, address, token, event, limit)

    async def referenced(self, names: Collection[str]) -> Collection[str]:
        """Maybe more of them than are needed: those of mails that were refused in the end, until their time."""
        return await reads.referenced(self._table, names)
