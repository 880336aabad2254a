"""Provider health in the table of the store: for functions without Valkey.

One item an account, all of them in one collection, so that a board is one query. Counters are attributes of their own
(`ok_START`, `failed_START`), which DynamoDB adds up whoever writes.
"""

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from everpost.aws import AwsClient, AwsError
from everpost.aws.credentials import NoCredentials
from everpost.health.entry import (
    FORGET_S,
    NO_ENTRY,
    Entry,
    Step,
    by_account,
    counters,
    entry_of,
    probed,
    reported,
    stale_counters,
)
from everpost.health.port import HealthUnavailable, Report
from everpost.model.account import AccountHealth

COLLECTION: Final = "health"
WITHIN_S: Final = 0.25  # a mail waits for it
TRIES: Final = 8  # against workers that write of the same account at the same moment
_COUNTER: Final = re.compile(r"(ok|failed)_(\d+)")


class DynamoHealth:
    """Raises HealthUnavailable; `OwnView` is for those who go on without it. `clock` is wall-clock time, by which
    DynamoDB deletes what nobody reports on any more."""

    def __init__(
        self, client: AwsClient, table: str, *, within_s: float = WITHIN_S, clock: Callable[[], float] = time.time
    ) -> None:
        self._client = client
        self._within_s = within_s
        self._table = table
        self._clock = clock
        self._entries: dict[str, Entry] = {}  # as last seen

    async def record(self, reports: Sequence[Report]) -> None:
        for account, told in by_account(reports).items():
            await self._record(account, told)

    async def board(self) -> Mapping[str, AccountHealth]:
        items: list[Mapping[str, Any]] = []
        query: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": "pk = :collection",
            "ExpressionAttributeValues": {":collection": {"S": COLLECTION}},
            "ConsistentRead": True,
        }
        while True:
            page = await self._call("Query", query)
            items += page["Items"]
            if "LastEvaluatedKey" not in page:
                break
            query["ExclusiveStartKey"] = page["LastEvaluatedKey"]
        self._entries = {item["sk"]["S"]: _entry(item) for item in items}
        return {name: entry.health for name, entry in self._entries.items()}

    async def lease(self, account: str, now: float, until: float) -> bool:
        for _ in range(TRIES):
            step = probed(self._entry(account), account, now, until)
            if step is None:
                return False
            if await self._takes(step):
                return True
        raise HealthUnavailable("others write of the same account all the time")

    async def close(self) -> None:
        """The client is not ours."""

    async def _record(self, account: str, reports: Sequence[Report]) -> None:
        for _ in range(TRIES):
            if await self._takes(reported(self._entry(account), account, reports)):
                return
        raise HealthUnavailable("others write of the same account all the time")

    def _entry(self, account: str) -> Entry:
        return self._entries.get(account, NO_ENTRY)

    async def _takes(self, step: Step) -> bool:
        """Whether the step holds. If not, the entry as it stands is known now."""
        key = {"pk": {"S": COLLECTION}, "sk": {"S": step.account}}
        where = {"TableName": self._table, "Key": key}
        try:
            await self._call("UpdateItem", where | _update(step, self._clock() + FORGET_S))
        except _Fenced:
            answer = await self._call("GetItem", where | {"ConsistentRead": True})
            self._entries[step.account] = _entry(answer["Item"]) if "Item" in answer else NO_ENTRY
            return False
        self._entries[step.account] = step.after
        return True

    async def _call(self, operation: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        """Counts nothing twice: what may have been done is not repeated."""
        try:
            return await self._client.call("dynamodb", operation, payload, within_s=self._within_s, repeat_lost=False)
        except AwsError as error:
            if error.code == "ConditionalCheckFailedException":
                raise _Fenced from error
            raise HealthUnavailable(str(error)) from error
        except NoCredentials as error:
            raise HealthUnavailable(str(error)) from error


class _Fenced(Exception):
    """Somebody else has written since."""


def _update(step: Step, expires_at: float) -> dict[str, Any]:
    """The step as an update that holds only as long as the step does."""
    to_set = {"mark": {"S": step.after.mark}, "expires_at": {"N": f"{expires_at:.0f}"}}
    if step.state is not None:
        to_set["state"] = {"S": step.state.decode()}
    if step.ok_at is not None:
        to_set["ok_at"] = {"N": repr(step.ok_at)}
    compared = {"was": {"S": step.was}}
    if step.ok_until is not None:
        compared["ok_until"] = {"N": repr(step.ok_until)}
    to_add = {f"{kind}_{start:.0f}": {"N": str(amount)} for kind, start, amount in counters(step)}
    to_remove = [f"{kind}_{start:.0f}" for kind, start in stale_counters(step)]
    clauses = [
        "SET " + ", ".join(f"#{name} = :{name}" for name in to_set),
        "ADD " + ", ".join(f"#{name} :{name}" for name in to_add) if to_add else "",
        "REMOVE " + ", ".join(f"#{name}" for name in to_remove) if to_remove else "",
    ]
    return {
        "UpdateExpression": " ".join(filter(None, clauses)),
        "ConditionExpression": " AND ".join(_conditions(step)),
        "ExpressionAttributeNames": {f"#{name}": name for name in (*to_set, *to_add, *to_remove)},
        "ExpressionAttributeValues": {f":{name}": value for name, value in (to_set | to_add | compared).items()},
    }


def _conditions(step: Step) -> Iterator[str]:
    yield "mark = :was" if step.was else "(attribute_not_exists(mark) OR mark = :was)"
    if step.ok_until is not None:
        yield "(attribute_not_exists(ok_at) OR ok_at <= :ok_until)"


def _entry(item: Mapping[str, Any]) -> Entry:
    """Raises HealthUnavailable: mail goes on, whatever somebody has written there."""
    try:
        return _read(item)
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise HealthUnavailable(f"an item of {COLLECTION} holds something else: delete it") from error


def _read(item: Mapping[str, Any]) -> Entry:
    """What an item holds. Attributes that nobody knows are another version's."""
    counts: dict[float, dict[str, int]] = {}
    for name, value in item.items():
        if counter := _COUNTER.fullmatch(name):
            counts.setdefault(float(counter[2]), {})[counter[1]] = int(value["N"])
    state = item.get("state", {}).get("S")
    ok_at = item.get("ok_at", {}).get("N")
    return entry_of(
        item["mark"]["S"],
        state.encode() if state is not None else None,
        float(ok_at) if ok_at is not None else None,
        counts,
    )
