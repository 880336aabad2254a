"""The table's operations in the words of the store: plain items, one exception for a refusal, one for trouble.

Reads by key are strongly consistent; indexes can't be. What DynamoDB does in part only (`Unprocessed…`) is asked for
again here; what it throttles, by the client.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar

from msgspec import Struct

from everpost.aws import AwsClient, AwsError
from everpost.aws.client import WITHIN_S
from everpost.aws.credentials import NoCredentials
from everpost.store.dynamodb.attributes import Item, decoded, encoded
from everpost.store.dynamodb.keys import Key
from everpost.store.dynamodb.writes import Write, bound, names
from everpost.store.port import StoreUnavailable

READ_MAX: Final = 100  # keys of one BatchGetItem
WRITE_MAX: Final = 25  # items of one BatchWriteItem
TRANSACTION_MAX: Final = 100  # items of one TransactWriteItems
PAGE_MAX: Final = 1000  # entries of one Query
TOGETHER_MAX: Final = 64  # requests of one store that are on their way at once
TRIES_MAX: Final = 10  # to get all of a request done, part by part
_ENDS: Final[Mapping[tuple[str, ...], str]] = {
    (): "",
    ("first",): " AND #{sk} >= :first",
    ("last",): " AND #{sk} <= :last",
    ("first", "last"): " AND #{sk} BETWEEN :first AND :last",
}
_CONDITION: Final = "ConditionalCheckFailed"

T = TypeVar("T")


class ConditionFailed(Exception):
    """Nothing was written: a condition does not hold."""

    def __init__(self, failed: Mapping[int, Item | None]) -> None:
        super().__init__("a condition does not hold")
        self.failed = failed  # by the place of the write: its item as it stands, None if there is none


class Doubtful(StoreUnavailable):
    """It may have been done."""


class Range(Struct, frozen=True, kw_only=True):
    """Part of a partition, in the order of its sort keys; both ends belong to it."""

    pk: str
    first: Any = None
    last: Any = None
    index: str | None = None
    names: tuple[str, str] = ("pk", "sk")  # of the key's attributes
    newest_first: bool = False


class Table:
    def __init__(self, client: AwsClient, name: str, unique: Callable[[], str]) -> None:
        self._client = client
        self._name = name
        self.unique = unique  # makes a token that nobody else has
        self._together = asyncio.Semaphore(TOGETHER_MAX)

    async def get(self, key: Key) -> Item | None:
        answer = await self._call("GetItem", {"Key": encoded(key._asdict()), "ConsistentRead": True})
        return decoded(answer["Item"]) if "Item" in answer else None

    async def get_all(self, keys: Iterable[Key]) -> dict[Key, Item]:
        """Those that are there."""
        some = list(dict.fromkeys(keys))
        parts = [some[start : start + READ_MAX] for start in range(0, len(some), READ_MAX)]
        return {_key(item): item for items in await self.together(self._get_some, parts) for item in items}

    async def _get_some(self, keys: Sequence[Key]) -> list[Item]:
        found: list[Item] = []
        asked: Any = {self._name: {"Keys": [encoded(key._asdict()) for key in keys], "ConsistentRead": True}}
        tries = 0
        while asked:
            answer = await self._call("BatchGetItem", {"RequestItems": asked}, named=False)
            found += map(decoded, answer["Responses"].get(self._name, ()))
            asked = answer.get("UnprocessedKeys")
            if asked:
                tries = await self._again(tries)
        return found

    async def query(self, of: Range, limit: int | None = None) -> list[Item]:
        """In order; of an index only what it holds, as it was a moment ago."""
        request = _query(of)
        found: list[Item] = []
        while limit is None or len(found) < limit:
            request["Limit"] = PAGE_MAX if limit is None else min(limit - len(found), PAGE_MAX)
            answer = await self._call("Query", request)
            found += map(decoded, answer["Items"])
            if "LastEvaluatedKey" not in answer:
                break
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
        return found

    async def transact(self, writes: Sequence[Write], within_s: float = WITHIN_S) -> None:
        """All or nothing. It can be repeated after a lost answer without being done twice, which DynamoDB sees by its
        token. Raises ConditionFailed."""
        items = [{write.verb: write.request | {"TableName": self._name}} for write in writes]
        request = {"TransactItems": items, "ClientRequestToken": self.unique()}
        await self._call("TransactWriteItems", request, within_s, named=False)

    async def write(self, write: Write, returns: str = "NONE", *, repeat_lost: bool = True) -> Item:
        """One item; what `returns` asks for. Raises ConditionFailed."""
        request = write.request | ({"ReturnValues": returns} if returns != "NONE" else {})
        answer = await self._call(f"{write.verb}Item", request, repeat_lost=repeat_lost)
        return decoded(answer.get("Attributes", {}))

    async def put_all(self, items: Iterable[Item]) -> None:
        """Without any condition, and each for itself."""
        await self._write_all([{"PutRequest": {"Item": encoded(item)}} for item in items])

    async def delete_all(self, keys: Iterable[Key]) -> None:
        """As `put_all`."""
        await self._write_all([{"DeleteRequest": {"Key": encoded(key._asdict())}} for key in dict.fromkeys(keys)])

    async def _write_all(self, requests: Sequence[Any]) -> None:
        parts = [requests[start : start + WRITE_MAX] for start in range(0, len(requests), WRITE_MAX)]
        await self.together(self._write_some, parts)

    async def _write_some(self, requests: Sequence[Any]) -> None:
        asked: Any = {self._name: requests}
        tries = 0
        while asked:
            answer = await self._call("BatchWriteItem", {"RequestItems": asked}, named=False)
            asked = answer.get("UnprocessedItems")
            if asked:
                tries = await self._again(tries)

    async def together(self, work: Callable[[Any], Awaitable[T]], parts: Iterable[Any]) -> list[T]:
        """Runs the work on all parts side by side; raises the first trouble after all have ended."""
        asked = list(parts)
        if len(asked) == 1:
            return [await work(asked[0])]
        results = await asyncio.gather(*map(work, asked), return_exceptions=True)
        done: list[T] = []
        for result in results:
            if isinstance(result, BaseException):
                raise result
            done.append(result)
        return done

    async def _again(self, tries: int) -> int:
        """Pauses before what was left undone is asked for again."""
        if tries >= TRIES_MAX:
            raise StoreUnavailable("DynamoDB is too busy: it has left part of a request undone again and again")
        await self._client.pause(tries)
        return tries + 1

    async def _call(
        self,
        operation: str,
        request: Mapping[str, Any],
        within_s: float = WITHIN_S,
        *,
        named: bool = True,
        repeat_lost: bool = True,
    ) -> dict[str, Any]:
        asked = {"TableName": self._name, **request} if named else request
        try:
            async with self._together:
                return await self._client.call("dynamodb", operation, asked, within_s=within_s, repeat_lost=repeat_lost)
        except AwsError as error:
            if (failed := _failed(error)) is not None:
                raise ConditionFailed(failed) from error
            raise (Doubtful if error.maybe_done else StoreUnavailable)(f"DynamoDB: {error}") from error
        except NoCredentials as error:
            raise StoreUnavailable(str(error)) from error


def _key(item: Item) -> Key:
    return Key(item["pk"], item["sk"])


def _query(of: Range) -> dict[str, Any]:
    pk, sk = of.names
    ends = {name: value for name, value in (("first", of.first), ("last", of.last)) if value is not None}
    condition = f"#{pk} = :pk{_ENDS[tuple(ends)].format(sk=sk)}"
    request = {"KeyConditionExpression": condition, "ScanIndexForward": not of.newest_first}
    request |= names(condition) | bound({"pk": of.pk} | ends)
    return request | ({"ConsistentRead": True} if of.index is None else {"IndexName": of.index})


def _failed(error: AwsError) -> dict[int, Item | None] | None:
    """The items that a condition of the request did not hold for; None if that is not what has happened."""
    if error.code == f"{_CONDITION}Exception":
        return {0: _told(error.told)}
    if error.code != "TransactionCanceledException":
        return None
    reasons = error.told.get("CancellationReasons", ())
    failed = {place: _told(reason) for place, reason in enumerate(reasons) if reason.get("Code") == _CONDITION}
    return failed or None


def _told(reason: Mapping[str, Any]) -> Item | None:
    return decoded(reason["Item"]) if reason.get("Item") else None
