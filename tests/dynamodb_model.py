"""A model of DynamoDB in this process, for the simulator: the operations that the store uses, as ministack answers them
(a differential test holds it to that), with the troubles of the real one drawn from a seed.

It stands where the network does, so that the client with its repeats is played, too.
"""

import asyncio
import json
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Any

from dynamodb_expressions import Item, holds, plain, updated
from everpost.aws import Lost, Request, Response
from everpost.store.dynamodb.schema import SCHEMA

ITEM_BYTES_MAX = 400 * 1024
TRANSACTION_MAX = 100
BATCH_GET_MAX, BATCH_WRITE_MAX = 100, 25
TOKEN_S = 600.0  # for so long a transaction is known by its token

Place = tuple[str, str]  # pk and sk


@dataclass(frozen=True)
class Trouble:
    """How often each kind of it strikes a request; shares of 1."""

    throttled: float = 0.0
    conflict: float = 0.0  # of transactions
    unsent: float = 0.0  # the connection breaks before the request is there
    unheard: float = 0.0  # … and after it was carried out
    failing: float = 0.0  # 500, done or not
    unprocessed: float = 0.0  # of the parts of a batch
    index_lag_s: float = 0.0  # how long a write takes at most to show in the indexes
    latency_s: float = 0.0  # a request takes up to so long


class Refusal(Exception):
    def __init__(self, code: str, text: str = "", **told: Any) -> None:
        super().__init__(code)
        self.told = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": text, **told}


class _Index:
    """Sparse; it hears of writes a while after the table has done them."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self.hash, self.range = (key["AttributeName"] for key in schema["KeySchema"])
        self.entries: dict[str, dict[Place, Item]] = defaultdict(dict)
        self._coming: deque[tuple[float, Place, Item | None, Item | None]] = deque()

    def hear(self, place: Place, before: Item | None, after: Item | None, at: float) -> None:
        at = max(at, self._coming[-1][0] if self._coming else at)  # in the order of the writes
        self._coming.append((at, place, before, after))

    def catch_up(self, now: float) -> None:
        while self._coming and self._coming[0][0] <= now:
            _, place, before, after = self._coming.popleft()
            if before is not None and self.hash in before:
                self.entries[before[self.hash]["S"]].pop(place, None)
            if after is not None and self.hash in after and self.range in after:
                projected = {name: after[name] for name in ("pk", "sk", self.hash, self.range)}
                self.entries[after[self.hash]["S"]][place] = projected


class DynamoModel:
    """A transport: requests in, answers out. `rng` draws the troubles, `now` tells the time."""

    def __init__(self, rng: Random, now: Callable[[], float], trouble: Trouble | None = None) -> None:
        self.rng = rng
        self.trouble = trouble or Trouble()
        self.struck: dict[str, int] = defaultdict(int)
        self.items: dict[str, dict[Place, Item]] = defaultdict(dict)  # by table
        self.objects: dict[str, bytes] = {}
        self._now = now
        self._indexes = {schema["IndexName"]: _Index(schema) for schema in SCHEMA["GlobalSecondaryIndexes"]}
        self._tokens: dict[str, float] = {}

    async def __call__(self, request: Request, seconds: float) -> Response | Lost:
        await asyncio.sleep(self.rng.random() * self.trouble.latency_s)
        if self._strikes("unsent"):
            return Lost(maybe_sent=self.rng.random() < 0.5, text="simulated: it never arrived")
        answer = self._answer(request)
        if self._strikes("unheard"):
            return Lost(maybe_sent=True, text="simulated: its answer was lost")
        return answer

    def _strikes(self, kind: str) -> bool:
        share = getattr(self.trouble, kind)
        if not share or self.rng.random() >= share:
            return False
        self.struck[kind] += 1
        return True

    def _answer(self, request: Request) -> Response:
        target = request.headers.get("X-Amz-Target")
        if target is None:
            return self._object(request)
        if self._strikes("failing"):
            if self.rng.random() < 0.5:
                self._carried_out(target, request)
            return Response(status=500, headers={}, body=b'{"__type":"InternalServerError"}')
        return self._carried_out(target, request)

    def _carried_out(self, target: str, request: Request) -> Response:
        operation = target.partition(".")[2]
        asked = json.loads(request.body)
        try:
            if self._strikes("throttled"):
                raise Refusal("ThrottlingException")
            answer = OPERATIONS[operation](self, asked)
        except Refusal as refusal:
            return Response(status=400, headers={}, body=json.dumps(refusal.told).encode())
        return Response(status=200, headers={}, body=json.dumps(answer).encode())

    def _object(self, request: Request) -> Response:
        match request.method:
            case "PUT":
                self.objects[request.url] = request.body
            case "DELETE":
                self.objects.pop(request.url, None)
            case _ if request.url not in self.objects:
                return Response(status=404, headers={}, body=b"<Error><Code>NoSuchKey</Code></Error>")
            case _:
                return Response(status=200, headers={}, body=self.objects[request.url])
        return Response(status=200, headers={})

    # --- operations -------------------------------------------------------------------------------------------------

    def get_item(self, asked: Any) -> Any:
        item = self.items[asked["TableName"]].get(_place(asked["Key"]))
        return {} if item is None else {"Item": item}

    def batch_get_item(self, asked: Any) -> Any:
        [(table, part)] = asked["RequestItems"].items()
        _check(len(part["Keys"]) <= BATCH_GET_MAX, "Too many items requested for the BatchGetItem call")
        _check(
            len({_place(key) for key in part["Keys"]}) == len(part["Keys"]),
            "Provided list of item keys contains duplicates",
        )
        left = [key for key in part["Keys"][1:] if self._strikes("unprocessed")]
        found = [self.items[table].get(_place(key)) for key in part["Keys"] if key not in left]
        unprocessed = {table: {**part, "Keys": left}} if left else {}
        return {"Responses": {table: [item for item in found if item is not None]}, "UnprocessedKeys": unprocessed}

    def batch_write_item(self, asked: Any) -> Any:
        [(table, requests)] = asked["RequestItems"].items()
        _check(len(requests) <= BATCH_WRITE_MAX, "Too many items requested for the BatchWriteItem call")
        left = [request for request in requests[1:] if self._strikes("unprocessed")]
        for request in requests:
            if request in left:
                continue
            if "PutRequest" in request:
                self._write(table, _place(request["PutRequest"]["Item"]), _checked(request["PutRequest"]["Item"]))
            else:
                self._write(table, _place(request["DeleteRequest"]["Key"]), None)
        return {"UnprocessedItems": {table: left} if left else {}}

    def query(self, asked: Any) -> Any:
        condition = asked["KeyConditionExpression"]
        index = self._indexes.get(asked.get("IndexName", ""))
        if index is None:
            found, names = list(self.items[asked["TableName"]].values()), ("pk", "sk")
        else:
            index.catch_up(self._now())
            names = (index.hash, index.range)
            found = list(index.entries[asked["ExpressionAttributeValues"][":pk"]["S"]].values())
        matching = [item for item in found if holds(condition, item, asked)]

        def order(item: Item) -> Any:
            return plain(item[names[1]]), item["pk"]["S"], item["sk"]["S"]

        is_forward = asked.get("ScanIndexForward", True)
        matching.sort(key=order, reverse=not is_forward)
        if start := asked.get("ExclusiveStartKey"):
            last = order(start)
            matching = [item for item in matching if (order(item) > last if is_forward else order(item) < last)]
        page = matching[: asked.get("Limit")]
        answer: dict[str, Any] = {"Items": page, "Count": len(page)}
        if len(page) < len(matching) or (page and len(page) == asked.get("Limit")):
            answer["LastEvaluatedKey"] = {name: page[-1][name] for name in dict.fromkeys(("pk", "sk", *names))}
        return answer

    def put_item(self, asked: Any) -> Any:
        return self._single("Put", asked)

    def delete_item(self, asked: Any) -> Any:
        return self._single("Delete", asked)

    def update_item(self, asked: Any) -> Any:
        answer = self._single("Update", asked)
        if asked.get("ReturnValues") == "ALL_NEW":
            return {"Attributes": self.items[asked["TableName"]][_place(asked["Key"])]}
        return answer

    def transact_write_items(self, asked: Any) -> Any:
        token = asked["ClientRequestToken"]
        if self._tokens.get(token, -TOKEN_S) + TOKEN_S > self._now():
            return {}
        writes = [next(iter(item.items())) for item in asked["TransactItems"]]
        _check(len(writes) <= TRANSACTION_MAX, "Member must have length less than or equal to 100")
        places = [_place(request.get("Key") or request["Item"]) for _, request in writes]
        _check(len(set(places)) == len(places), "Transaction request cannot include multiple operations on one item")
        if self._strikes("conflict"):
            reasons = [{"Code": "TransactionConflict" if number == 0 else "None"} for number in range(len(writes))]
            raise Refusal("TransactionCanceledException", CancellationReasons=reasons)
        reasons = [self._reason(request) for _, request in writes]
        if any(reason["Code"] != "None" for reason in reasons):
            raise Refusal("TransactionCanceledException", CancellationReasons=reasons)
        for verb, request in writes:
            self._apply(verb, request)
        self._tokens[token] = self._now()
        return {}

    # --- one item ---------------------------------------------------------------------------------------------------

    def _single(self, verb: str, request: Any) -> Any:
        reason = self._reason(request)
        if reason["Code"] != "None":
            told = {"Item": reason["Item"]} if "Item" in reason else {}
            raise Refusal("ConditionalCheckFailedException", **told)
        self._apply(verb, request)
        return {}

    def _reason(self, request: Any) -> dict[str, Any]:
        item = self.items[request["TableName"]].get(_place(request.get("Key") or request["Item"]))
        if holds(request.get("ConditionExpression"), item or {}, request):
            return {"Code": "None"}
        reason: dict[str, Any] = {"Code": "ConditionalCheckFailed"}
        if item is not None and request.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD":
            reason["Item"] = item
        return reason

    def _apply(self, verb: str, request: Any) -> None:
        table, place = request["TableName"], _place(request.get("Key") or request["Item"])
        match verb:
            case "Put":
                self._write(table, place, _checked(request["Item"]))
            case "Delete":
                self._write(table, place, None)
            case "Update":
                before = self.items[table].get(place, request["Key"])
                self._write(table, place, _checked(updated(request["UpdateExpression"], before, request)))

    def _write(self, table: str, place: Place, after: Item | None) -> None:
        before = self.items[table].pop(place, None)
        if after is not None:
            self.items[table][place] = after
        at = self._now() + self.rng.random() * self.trouble.index_lag_s
        for index in self._indexes.values():
            index.hear(place, before, after, at)


OPERATIONS: Mapping[str, Callable[[DynamoModel, Any], Any]] = {
    "BatchGetItem": DynamoModel.batch_get_item,
    "BatchWriteItem": DynamoModel.batch_write_item,
    "DeleteItem": DynamoModel.delete_item,
    "GetItem": DynamoModel.get_item,
    "PutItem": DynamoModel.put_item,
    "Query": DynamoModel.query,
    "TransactWriteItems": DynamoModel.transact_write_items,
    "UpdateItem": DynamoModel.update_item,
}


def _place(key: Mapping[str, Any]) -> Place:
    return key["pk"]["S"], key["sk"]["S"]


def _check(is_so: object, text: str) -> None:
    if not is_so:
        raise Refusal("ValidationException", text)


def _checked(item: Item) -> Item:
    _check(bool(item["pk"]["S"] and item["sk"]["S"]), "The AttributeValue for a key attribute cannot be empty")
    _check(_size(item) <= ITEM_BYTES_MAX, "Item size has exceeded the maximum allowed size")
    return {name: _stored(value) for name, value in item.items()}


def _stored(value: dict[str, Any]) -> dict[str, Any]:
    """Numbers lose the zeros that say nothing."""
    [(kind, content)] = value.items()
    if kind == "M":
        return {kind: {name: _stored(one) for name, one in content.items()}}
    return {kind: f"{Decimal(content):f}".rstrip("0").rstrip(".") if kind == "N" and "." in content else content}


def _size(item: Item) -> int:
    return sum(len(name) + len(str(content)) for name, value in item.items() for content in value.values())
