"""A model of DynamoDB in this process, for the simulator: the operations that the store uses, as ministack answers them
(a differential test holds it to that), with the troubles of the real one drawn from a seed.

It stands where the network does, so that the client with its repeats is played, too.
"""

import asyncio
import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from dynamodb_expressions import Item, holds, plain, updated
from dynamodb_items import Index, Place, Refusal, check, checked, place_of
from everpost.aws import Lost, Request, Response
from everpost.store.dynamodb.schema import SCHEMA

TRANSACTION_MAX = 100
BATCH_GET_MAX, BATCH_WRITE_MAX = 100, 25
TOKEN_S = 600.0  # for so long a transaction is known by its token

Done = tuple[str, Any]  # the verb of a write, and its request


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


class DynamoModel:
    """A transport: requests in, answers out. `rng` draws the troubles, `now` tells the time."""

    def __init__(self, rng: Random, now: Callable[[], float], trouble: Trouble | None = None) -> None:
        self.rng = rng
        self.trouble = trouble or Trouble()
        self.struck: dict[str, int] = defaultdict(int)
        self.partitions: dict[str, dict[str, Item]] = defaultdict(dict)  # by pk and sk
        self.objects: dict[str, bytes] = {}
        self.now = now
        self._indexes = {schema["IndexName"]: Index(schema) for schema in SCHEMA["GlobalSecondaryIndexes"]}
        self._tokens: dict[str, float] = {}
        self.watch: Callable[[Sequence[Done]], None] = lambda _: None  # is told of what is written in one step

    def still(self) -> "DynamoModel":
        """A copy that nothing happens to, and whose indexes show everything."""
        copy = DynamoModel(Random(0), self.now)
        for pk, items in self.partitions.items():
            for sk, item in items.items():
                copy._write((pk, sk), item)
        copy.objects = dict(self.objects)
        return copy

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
        item = self._item(place_of(asked["Key"]))
        return {} if item is None else {"Item": item}

    def batch_get_item(self, asked: Any) -> Any:
        [(table, part)] = asked["RequestItems"].items()
        check(len(part["Keys"]) <= BATCH_GET_MAX, "Too many items requested for the BatchGetItem call")
        check(
            len({place_of(key) for key in part["Keys"]}) == len(part["Keys"]),
            "Provided list of item keys contains duplicates",
        )
        left = [key for key in part["Keys"][1:] if self._strikes("unprocessed")]
        found = [self._item(place_of(key)) for key in part["Keys"] if key not in left]
        unprocessed = {table: {**part, "Keys": left}} if left else {}
        return {"Responses": {table: [item for item in found if item is not None]}, "UnprocessedKeys": unprocessed}

    def batch_write_item(self, asked: Any) -> Any:
        [(table, requests)] = asked["RequestItems"].items()
        check(len(requests) <= BATCH_WRITE_MAX, "Too many items requested for the BatchWriteItem call")
        left = [request for request in requests[1:] if self._strikes("unprocessed")]
        for request in requests:
            if request in left:
                continue
            if "PutRequest" in request:
                self._write(place_of(request["PutRequest"]["Item"]), checked(request["PutRequest"]["Item"]))
            else:
                self._write(place_of(request["DeleteRequest"]["Key"]), None)
        return {"UnprocessedItems": {table: left} if left else {}}

    def query(self, asked: Any) -> Any:
        condition = asked["KeyConditionExpression"]
        index = self._indexes.get(asked.get("IndexName", ""))
        if index is None:
            found, names = list(self.partitions[asked["ExpressionAttributeValues"][":pk"]["S"]].values()), ("pk", "sk")
        else:
            index.catch_up(self.now())
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
            return {"Attributes": self._item(place_of(asked["Key"]))}
        return answer

    def transact_write_items(self, asked: Any) -> Any:
        token = asked["ClientRequestToken"]
        if self._tokens.get(token, -TOKEN_S) + TOKEN_S > self.now():
            return {}
        writes = [next(iter(item.items())) for item in asked["TransactItems"]]
        check(len(writes) <= TRANSACTION_MAX, "Member must have length less than or equal to 100")
        places = [place_of(request.get("Key") or request["Item"]) for _, request in writes]
        check(len(set(places)) == len(places), "Transaction request cannot include multiple operations on one item")
        if self._strikes("conflict"):
            reasons = [{"Code": "TransactionConflict" if number == 0 else "None"} for number in range(len(writes))]
            raise Refusal("TransactionCanceledException", CancellationReasons=reasons)
        reasons = [self._reason(request) for _, request in writes]
        if any(reason["Code"] != "None" for reason in reasons):
            raise Refusal("TransactionCanceledException", CancellationReasons=reasons)
        for verb, request in writes:
            self._apply(verb, request)
        self._tokens[token] = self.now()
        self.watch(writes)
        return {}

    # --- one item ---------------------------------------------------------------------------------------------------

    def _single(self, verb: str, request: Any) -> Any:
        reason = self._reason(request)
        if reason["Code"] != "None":
            told = {"Item": reason["Item"]} if "Item" in reason else {}
            raise Refusal("ConditionalCheckFailedException", **told)
        self._apply(verb, request)
        self.watch([(verb, request)])
        return {}

    def _reason(self, request: Any) -> dict[str, Any]:
        item = self._item(place_of(request.get("Key") or request["Item"]))
        if holds(request.get("ConditionExpression"), item or {}, request):
            return {"Code": "None"}
        reason: dict[str, Any] = {"Code": "ConditionalCheckFailed"}
        if item is not None and request.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD":
            reason["Item"] = item
        return reason

    def _apply(self, verb: str, request: Any) -> None:
        place = place_of(request.get("Key") or request["Item"])
        match verb:
            case "Put":
                self._write(place, checked(request["Item"]))
            case "Delete":
                self._write(place, None)
            case "Update":
                before = self._item(place) or request["Key"]
                self._write(place, checked(updated(request["UpdateExpression"], before, request)))

    def _item(self, place: Place) -> Item | None:
        return self.partitions[place[0]].get(place[1])

    def _write(self, place: Place, after: Item | None) -> None:
        before = self.partitions[place[0]].pop(place[1], None)
        if after is not None:
            self.partitions[place[0]][place[1]] = after
        at = self.now() + self.rng.random() * self.trouble.index_lag_s
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
