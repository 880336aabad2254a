"""How messages come in: what is large or many is laid out first, then one transaction makes it a message.

Laid out are the content and the entries of the lists. Without the message that they belong to they mean nothing, so
what is left of a refused accept harms nobody, and goes by its time.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from msgspec import Struct

from everpost.aws.client import WITHIN_S
from everpost.model.change import Change, Charge
from everpost.model.message import Message
from everpost.model.suppression import barring
from everpost.store.dynamodb.attributes import Item
from everpost.store.dynamodb.bodies import Bodies
from everpost.store.dynamodb.changes import Changes
from everpost.store.dynamodb.idempotency import key_write, use_of
from everpost.store.dynamodb.items import delivery_item, head_item, until
from everpost.store.dynamodb.keys import Key, Listing, idempotency_key, listing_pk, shard_of, suppression_key
from everpost.store.dynamodb.outbox import Outbox
from everpost.store.dynamodb.place import Place
from everpost.store.dynamodb.quotas import Quotas
from everpost.store.dynamodb.table import ConditionFailed, Doubtful
from everpost.store.dynamodb.writes import ABSENT, Write
from everpost.store.port import (
    Accepted,
    AcceptOverrun,
    Conflict,
    New,
    Same,
    StoreUnavailable,
    Unbegun,
)
from everpost.store.submission import Submission
from everpost.store.undo import undone
from everpost.store.uses import known

LEAST_S: Final = 0.05  # for what is begun shortly before the deadline
UNDO_S: Final = 2.0  # for taking back what may have been stored: its caller is waiting


class Laid(Struct, frozen=True):
    """What lies ready to become a message."""

    head: Item
    before: Sequence[Key]  # of the items that are written already
    transaction: Sequence[Write]  # which makes it one


class Accepting:
    def __init__(self, place: Place, bodies: Bodies, outbox: Outbox, quotas: Quotas, changes: Changes) -> None:
        self._place = place
        self._table = place.table
        self._bodies = bodies
        self._outbox = outbox
        self._quotas = quotas
        self._changes = changes

    async def accept(self, submission: Submission, not_after: float) -> Accepted:
        left_s = not_after - self._place.clock()
        if left_s < 0:
            raise AcceptOverrun("the store was too slow: nothing was begun")
        charged: list[Charge] = []

        async def charge() -> bool:
            done = await self._quotas.charge(submission.charges)
            charged.extend(done or ())
            return done is not None

        async def is_barred() -> bool:
            return submission.is_begun and await self._has_suppressed(submission.message)

        async def lay_out() -> Laid:
            return await self._lay_out(submission)

        try:
            async with asyncio.timeout(max(left_s, LEAST_S)):
                fits, barred, laid = await self._table.together(_run, (charge, is_barred, lay_out))
            accepted = None if barred or not fits else await self._store(submission, laid, not_after)
            accepted = accepted or await self._known(submission)
        except TimeoutError as error:
            raise AcceptOverrun("the store was too slow: the message was not begun") from error
        except AcceptOverrun:
            await self._quotas.give_back(charged)
            raise
        if not isinstance(accepted, New):
            await self._quotas.give_back(charged)
        if isinstance(accepted, Same | Conflict):
            await self._clear(laid)
        return accepted or Unbegun()  # which comes again, without its attempt

    async def _store(self, submission: Submission, laid: Laid, not_after: float) -> Accepted:
        left_s = not_after - self._place.clock()
        if left_s < 0:
            await self._clear(laid)
            raise AcceptOverrun("the store was too slow: the message was not begun")
        try:
            await self._table.transact(laid.transaction, min(max(left_s, LEAST_S), WITHIN_S))
        except ConditionFailed as error:
            return _refused(submission, error)
        except Doubtful as error:
            if await self._undo(submission):
                raise AcceptOverrun("the store's answer was lost: the message was undone") from error
            raise
        if self._place.clock() > not_after and await self._undo(submission):
            raise AcceptOverrun("the store was too slow: the message was undone")
        return New()

    async def _known(self, submission: Submission) -> Accepted | None:
        """What a key that was used before means, whatever else speaks against the message."""
        claim = submission.claim
        item = None if claim is None else await self._table.get(idempotency_key(claim.scope, claim.key))
        return known(claim, use_of(item))

    async def _has_suppressed(self, message: Message) -> bool:
        return bool(await self._table.get_all(map(suppression_key, barring(message))))

    async def _lay_out(self, submission: Submission) -> Laid:
        """Writes what comes before the transaction."""
        message, deliveries, claim = submission.message, submission.deliveries, submission.claim
        place = self._place
        expires_at = until(place.keep, max(delivery.expires_at for delivery in deliveries))
        body, content = await self._bodies.lay_out(message, self._table.unique(), expires_at)
        before = [*content, *entries(message, place.shards, expires_at)]
        await self._table.put_all(before)
        key = [key_write(claim, message, place.shards, place.keep)] if claim is not None else []
        head = head_item(message, body)
        transaction = [
            Write.put(head, ABSENT),
            *key,
            *(Write.put(delivery_item(delivery, place.shards)) for delivery in deliveries),
            Write.put(self._outbox.accepted(deliveries, submission.events)),
        ]
        return Laid(head, [Key(item["pk"], item["sk"]) for item in before], transaction)

    async def _clear(self, laid: Laid) -> None:
        """Takes away what was laid out for a message that is none; but not where that message was stored before, whose
        parts have the same keys. What is left goes by its time."""
        try:
            if await self._table.get(Key(laid.head["pk"], laid.head["sk"])) is not None:
                return
            await self._table.delete_all(laid.before)
            await self._bodies.delete(laid.head)
        except StoreUnavailable:
            return

    async def _undo(self, submission: Submission) -> bool:
        """Cancels a message and frees its key; False, having changed nothing, if somebody was told of it or has taken
        up a delivery: it may be on its way."""
        now = self._place.clock()
        writes = []
        for delivery in submission.deliveries:
            cancelled, event = undone(delivery, now)
            writes += self._changes.parts(Change(delivery=cancelled, was=delivery.version, events=(event,)))
        claim = submission.claim
        if claim is not None:
            key = idempotency_key(claim.scope, claim.key)
            untold = "#message_id = :mine AND attribute_not_exists(#is_told)"
            writes.append(Write.delete(key, untold, mine=submission.message.id))
        try:
            await self._table.transact(_unique_items(writes), UNDO_S)
        except ConditionFailed:
            return False
        except StoreUnavailable as error:
            raise StoreUnavailable(f"stored too late, and not undone: {error}") from error
        return True


async def _run(work: Callable[[], Awaitable[Any]]) -> Any:
    return await work()


def _refused(submission: Submission, error: ConditionFailed) -> Accepted:
    """The first write is the message, the second one its key."""
    claim = submission.claim
    before = known(claim, use_of(error.failed.get(1)))
    if before is not None:
        return before
    raise StoreUnavailable(f"the message id {submission.message.id} is taken: a new one is needed")


def entries(message: Message, shards: int, expires_at: int | None) -> list[Item]:
    """What the message is found by in lists."""
    shard = shard_of(message.id, shards)
    places = [
        (Listing.ALL, ""),
        *((Listing.RECIPIENT, address) for address in sorted({one.email.lower() for one in message.recipients})),
        *((Listing.TAG, tag) for tag in sorted(set(message.tags))),
    ]
    pks = (listing_pk(shard, kind, message.project, value) for kind, value in places)
    return [{"pk": pk, "sk": message.id, "expires_at": expires_at} for pk in pks]


def _unique_items(writes: Sequence[Write]) -> list[Write]:
    """A transaction may name an item once: the list of a state has one entry for all deliveries of a message."""
    seen: dict[tuple[str, str], Write] = {}
    for write in writes:
        key = write.request.get("Key") or write.request["Item"]
        seen.setdefault((key["pk"]["S"], key["sk"]["S"]), write)
    return list(seen.values())
