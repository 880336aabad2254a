"""Small versioned values, and the list of those who must not be written to. With their events in one transaction."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, islice
from typing import Final

from everpost.model.event import Event
from everpost.store.dynamodb.items import to_document, to_suppression
from everpost.store.dynamodb.keys import CONFIG, Key, suppression_key, suppression_keys, suppressions_pk
from everpost.store.dynamodb.outbox import Outbox
from everpost.store.dynamodb.sequencer import LAST
from everpost.store.dynamodb.table import TRANSACTION_MAX, ConditionFailed, Range, Table
from everpost.store.dynamodb.writes import ABSENT, Write
from everpost.store.port import Document, StoreUnavailable, Suppression

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
    def __init__(self, table: Table, outbox: Outbox) -> None:
        self._table = table
        self._outbox = outbox

    async def add(self, suppressions: Iterable[Suppression], events: Sequence[Event]) -> None:
        rows = {suppression_key(one.project, one.address): one for one in suppressions}
        await self._write(chain.from_iterable(map(suppressed, rows.values())), events)

    async def remove(self, project: str, addresses: Iterable[str], events: Sequence[Event]) -> None:
        keys = dict.fromkeys(key for address in addresses for key in suppression_keys(project, address))
        await self._write([Write.delete(key) for key in keys], events)

    async def of(self, project: str, addresses: Iterable[str]) -> list[Suppression]:
        """In the order of their addresses."""
        asked = {suppression_key(project, address): address for address in sorted(map(str.lower, addresses))}
        found = await self._table.get_all(asked)
        return [to_suppression(found[key], address) for key, address in asked.items() if key in found]

    async def page(self, project: str, prefix: str, after: str, limit: int) -> list[Suppression]:
        first = max(prefix, after + "\0")  # of what comes behind `after`: the very next text
        if first > prefix + LAST:
            return []
        of = Range(pk=suppressions_pk(project), first=first, last=prefix + LAST)
        return [to_suppression(item, item["address"]) for item in await self._table.query(of, limit)]

    async def _write(self, writes: Iterable[Write], events: Sequence[Event]) -> None:
        """More than one transaction can take goes in several, each as good as done by itself; the events come with the
        last one. The two items of a suppression stay together, since each transaction takes an even number."""
        left = iter(writes)
        told = [Write.put(self._outbox.recorded(event)) for event in events]
        while some := list(islice(left, TRANSACTION_MAX)):
            if len(some) + len(told) <= TRANSACTION_MAX:
                some += told
                told = []
            await self._table.transact(some)
        if told:
            await self._table.transact(told)


def suppressed(one: Suppression) -> tuple[Write, ...]:
    """Its two items, which go into one transaction."""
    item = {
        "project": one.project,
        "address": one.address.lower(),
        "reason": one.reason,
        "created_at": one.created_at,
    }
    return tuple(Write.put({**key._asdict(), **item}) for key in suppression_keys(one.project, one.address))
