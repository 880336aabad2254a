"""Small versioned values, and the list of those who must not be written to. With their events in one transaction."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, islice
from typing import Final

from everpost.model.event import Event
from everpost.model.suppression import ALL, Suppression, digest_of
from everpost.store.dynamodb.attributes import Item
from everpost.store.dynamodb.items import suppression_items, to_document, to_suppression
from everpost.store.dynamodb.keys import CONFIG, Key, listed_sk, suppression_key, suppression_keys, suppressions_pk
from everpost.store.dynamodb.outbox import Outbox
from everpost.store.dynamodb.place import Place
from everpost.store.dynamodb.sequencer import LAST
from everpost.store.dynamodb.table import TRANSACTION_MAX, ConditionFailed, Range, Table
from everpost.store.dynamodb.writes import ABSENT, Write
from everpost.store.port import Document, StoreUnavailable

TRIES_MAX: Final = 8  # to write over whatever is there, while others do the same


class Documents:
    def __init__(self, table: Table, outbox: Outbox) -> None:
        self._table = table
        self._outbox = outbox

    async def read(self, prefix: str) -> Mapping[str, Document]:
        """In the order of their names."""
        of = Range(pk=CONFIG, first=prefix, last=prefix + LAST) if prefix else Range(pk=CONFIG)
        return {item["sk"]: to_document(item) for item in await self._table.query(of)}

    async def write(self, name: str, value: bytes | None, was: int | None, events: Sequence[Event]) -> Document | None:
        told = [Write.put(self._outbox.recorded(event)) for event in events]
        for _ in range(TRIES_MAX):
            version = await self._version(name) if was is None else was
            try:
                await self._table.transact([_written(name, value, version), *told])
            except ConditionFailed:
                if was is not None:
                    return None
            else:
                return Document(b"", 0) if value is None else Document(value, version + 1)
        raise StoreUnavailable(f"the document {name} changes too fast to be written over")

    async def _version(self, name: str) -> int:
        item = await self._table.get(Key(CONFIG, name))
        return 0 if item is None else int(item["version"])


def _written(name: str, value: bytes | None, was: int) -> Write:
    """Of version 0 is what is not there."""
    key = Key(CONFIG, name)
    condition, seen = (ABSENT, {}) if was == 0 else ("#version = :was", {"was": was})
    if value is None:
        return Write.delete(key, condition, **seen)
    return Write.put({**key._asdict(), "value": value, "version": was + 1}, condition, **seen)


class Suppressions:
    def __init__(self, place: Place, outbox: Outbox) -> None:
        self._table = place.table
        self._shards = place.shards
        self._outbox = outbox

    async def add(self, suppressions: Iterable[Suppression], events: Sequence[Event]) -> None:
        rows = {digest_of(one.project, one.address, one.stream): one for one in suppressions}
        pairs = (suppression_items(one, self._shards) for one in rows.values())
        await self._write(map(Write.put, chain.from_iterable(pairs)), events)

    async def remove(self, project: str, addresses: Iterable[str], events: Sequence[Event], stream: str) -> None:
        pairs = (suppression_keys(project, address, stream) for address in addresses)
        await self._write(map(Write.delete, dict.fromkeys(chain.from_iterable(pairs))), events)

    async def of(self, project: str, addresses: Iterable[str], stream: str) -> list[Suppression]:
        """In the order of their addresses and streams."""
        asked = {
            suppression_key(digest_of(project, address, one)): address
            for address in sorted({*map(str.lower, addresses)})
            for one in sorted({ALL, stream})
        }
        found = await self._table.get_all(asked)
        return [to_suppression(found[key], address) for key, address in asked.items() if key in found]

    async def page(self, project: str, prefix: str, after: tuple[str, str], limit: int) -> list[Suppression]:
        first = max(prefix, listed_sk(*after) + "\0")  # of what comes behind `after`: the very next text
        if first > prefix + LAST:
            return []
        of = Range(pk=suppressions_pk(project), first=first, last=prefix + LAST)
        return [to_suppression(item, item["address"]) for item in await self._table.query(of, limit)]

    async def purge(self, waiting: Sequence[Item]) -> int:
        """Those of the queue of ENDING that still end when they were seen to."""
        seen = {Key(item["pk"], item["sk"]): item["due_at"] for item in waiting}
        found = await self._table.get_all(seen)
        still = [item for key, item in found.items() if item.get("due_at") == seen[key]]
        return sum(await self._table.together(self._end, still))

    async def _end(self, item: Item) -> bool:
        key, listed = Key(item["pk"], item["sk"]), Key(suppressions_pk(item["project"]), _listed_sk(item))
        writes = [Write.delete(key, "#due_at = :seen", seen=item["due_at"])]
        if item["address"]:
            writes.append(Write.delete(listed))
        try:
            await self._table.transact(writes)
        except ConditionFailed:
            return False
        return True

    async def forget(self, project: str, address: str, told: Write, *, is_told: bool) -> None:
        """The address of what it is listed for. Without any, `told` is written only if it has to be."""
        for _ in range(TRIES_MAX):
            listed = await self._table.query(_listed(project, address))
            writes = [write for item in listed for write in _forgotten(project, address, item)]
            try:
                if writes or is_told:
                    await _in_transactions(self._table, writes, [told])
            except ConditionFailed:  # it was taken off the list meanwhile
                continue
            return
        raise StoreUnavailable("the suppressions of an address change too fast for it to be erased")

    async def _write(self, writes: Iterable[Write], events: Sequence[Event]) -> None:
        await _in_transactions(self._table, writes, [Write.put(self._outbox.recorded(event)) for event in events])


async def _in_transactions(table: Table, writes: Iterable[Write], told: Sequence[Write]) -> None:
    """More than one transaction can take goes in several, each as good as done by itself; the events come with the
    last one. The two items of a suppression stay together, since each transaction takes an even number."""
    left = iter(writes)
    while some := list(islice(left, TRANSACTION_MAX)):
        if len(some) + len(told) <= TRANSACTION_MAX:
            some += told
            told = []
        await table.transact(some)
    if told:
        await table.transact(told)


def _listed(project: str, address: str) -> Range:
    """What is listed for just this address."""
    first = address.lower()
    return Range(pk=suppressions_pk(project), first=first, last=f"{first}\0{LAST}")


def _listed_sk(item: Item) -> str:
    return listed_sk(item["address"], item.get("stream", ALL))


def _forgotten(project: str, address: str, item: Item) -> tuple[Write, Write]:
    key, listed = suppression_keys(project, address, item.get("stream", ALL))
    return Write.update(key, "SET #address = :none", "attribute_exists(#pk)", none=""), Write.delete(listed)
