"""Taking parts of messages away. What lies apart goes first; then the head tells so, in one transaction with the marks
by which the purge knows what is left to do. Whoever dies in between has left both as they were, and is followed."""

from collections.abc import Sequence
from typing import Self

from msgspec import Struct
from msgspec.structs import replace

from everpost.model.delivery import FINAL
from everpost.model.event import Event
from everpost.model.message import Message, Removed
from everpost.model.removal import without_address
from everpost.store.dynamodb.accepting import entries
from everpost.store.dynamodb.attributes import Item
from everpost.store.dynamodb.bodies import Bodies
from everpost.store.dynamodb.documents import Suppressions
from everpost.store.dynamodb.idempotency import forget_answer
from everpost.store.dynamodb.items import head_item, state_of, to_delivery, to_head, until
from everpost.store.dynamodb.keys import (
    ANSWERED,
    DELIVERY,
    HEAD,
    Key,
    Listing,
    Part,
    less,
    listing_pk,
    shard_of,
)
from everpost.store.dynamodb.listing import Lists
from everpost.store.dynamodb.outbox import Outbox
from everpost.store.dynamodb.place import Place
from everpost.store.dynamodb.reads import partition
from everpost.store.dynamodb.table import ConditionFailed
from everpost.store.dynamodb.writes import Write
from everpost.store.port import Filter

_PLACES = ("body", "object", "files")  # of a head: where the content lies


class Found(Struct, frozen=True):
    """A message as it was read, without its content."""

    head: Item
    message: Message
    deliveries: Sequence[Item]
    items: Sequence[Item]

    @classmethod
    def of(cls, items: Sequence[Item]) -> Self | None:
        """None: there is no such message."""
        head = next((item for item in items if item["sk"] == HEAD), None)
        if head is None:
            return None
        return cls(head, to_head(head), [item for item in items if item["sk"].startswith(DELIVERY)], items)

    @property
    def is_final(self) -> bool:
        return all(state_of(item) in FINAL for item in self.deliveries)


class Removal:
    def __init__(self, place: Place, bodies: Bodies, outbox: Outbox, lists: Lists, suppressions: Suppressions) -> None:
        self._table = place.table
        self._shards = place.shards
        self._keep = place.keep
        self._bodies = bodies
        self._outbox = outbox
        self._lists = lists
        self._suppressions = suppressions

    async def erase(self, project: str, address: str, token: str, event: Event, limit: int) -> int:
        """Newest first, as they are listed. The list's entries of the address go last, after the event: by them, what
        was left half done is found again, and told again."""
        erased: list[Key] = []
        async for id_ in self._lists.walk(Filter(project=project, recipient=address), None, limit):
            if len(erased) == limit:
                break
            found = Found.of(await partition(self._table, id_))
            if found is None or not found.is_final or found.message.project != project:
                continue
            message = found.message
            is_done = not _names(message, address)
            if is_done or await self.rewrite(found, without_address(message, address, token)):
                erased.append(self._entry(message, address))
        count = len(erased)
        told = self._outbox.recorded(replace(event, data={**event.data, "messages": count}))
        await self._suppressions.forget(project, address, Write.put(told), is_told=count > 0)
        await self._table.delete_all(erased)
        return count

    async def rewrite(self, found: Found, after: Message, part: Part | None = None) -> bool:
        """`part`: what is marked as gone. False if somebody else has written meanwhile: then it is to be looked at
        anew."""
        await self._table.together(self._forget_paper, [item for item in found.items if "paper" in item])
        if Removed.CONTENT in after.removed:
            await self.delete_content(found)
        if after.recipients != found.message.recipients:
            await self.forget_answers(found)
        were, are = (entries(message, self._shards, self._until(found)) for message in (found.message, after))
        await self._table.put_all([item for item in are if item not in were])
        is_emptied = Removed.CONTENT in after.removed
        places = {} if is_emptied else {name: found.head[name] for name in _PLACES if name in found.head}
        old = [Key(item["pk"], item["sk"]) for item in were if item not in are]
        if part is not None:  # it is found again by its mark, else by this entry, which `erase` takes away
            await self._table.delete_all(old)
        return await self._write([_over(found.head, head_item(after, places)), *_marks(found, part)])

    async def mark(self, found: Found, part: Part) -> None:
        """That this part is gone, whoever has taken it."""
        await self._write(_marks(found, part))

    async def delete_content(self, found: Found) -> None:
        """With what tells that attachments outside the store are needed."""
        await self._bodies.delete(found.head)
        await self._table.delete_all(self._bodies.keys_of(found.head))

    async def forget_answers(self, found: Found) -> None:
        for item in found.items:
            if item["sk"] == ANSWERED:
                await forget_answer(self._table, item)

    async def _forget_paper(self, item: Item) -> None:
        """What came with an event may repeat any part of its message."""
        await self._table.write(Write.update(Key(item["pk"], item["sk"]), "REMOVE #paper"))

    def _entry(self, message: Message, address: str) -> Key:
        shard = shard_of(message.id, self._shards)
        return Key(listing_pk(shard, Listing.RECIPIENT, message.project, address.lower()), message.id)

    def _until(self, found: Found) -> int | None:
        return until(self._keep, max(to_delivery(item).expires_at for item in found.deliveries))

    async def _write(self, writes: Sequence[Write]) -> bool:
        try:
            await self._table.transact(writes)
        except ConditionFailed:
            return False
        return True


def _over(head: Item, after: Item) -> Write:
    """In the place of the head that was seen."""
    name = "packed" if "packed" in head else "data"
    return Write.put(after, f"#{name} = :seen", seen=head[name])


def _marks(found: Found, part: Part | None) -> list[Write]:
    if part is None:
        return []
    return [
        Write.update(
            Key(item["pk"], item["sk"]),
            "SET #due_shard = :less",
            "#version = :seen AND #due_shard = :was",
            less=less(item["due_shard"], part),
            seen=item["version"],
            was=item["due_shard"],
        )
        for item in found.deliveries
    ]


def _names(message: Message, address: str) -> bool:
    return any(one.email.lower() == address.lower() for one in message.recipients)
