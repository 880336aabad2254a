"""Items of the model of DynamoDB, their bounds, and its indexes."""

from collections import defaultdict, deque
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from dynamodb_expressions import Item

ITEM_BYTES_MAX = 400 * 1024
Place = tuple[str, str]  # pk and sk


class Refusal(Exception):
    def __init__(self, code: str, text: str = "", **told: Any) -> None:
        super().__init__(code)
        self.told = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": text, **told}


class Index:
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


def place_of(key: Mapping[str, Any]) -> Place:
    return key["pk"]["S"], key["sk"]["S"]


def check(is_so: object, text: str) -> None:
    if not is_so:
        raise Refusal("ValidationException", text)


def checked(item: Item) -> Item:
    check(bool(item["pk"]["S"] and item["sk"]["S"]), "The AttributeValue for a key attribute cannot be empty")
    check(_size(item) <= ITEM_BYTES_MAX, "Item size has exceeded the maximum allowed size")
    return {name: _stored(value) for name, value in item.items()}


def _stored(value: dict[str, Any]) -> dict[str, Any]:
    """Numbers lose the zeros that say nothing."""
    [(kind, content)] = value.items()
    if kind == "M":
        return {kind: {name: _stored(one) for name, one in content.items()}}
    return {kind: f"{Decimal(content):f}".rstrip("0").rstrip(".") if kind == "N" and "." in content else content}


def _size(item: Item) -> int:
    return sum(len(name) + len(str(content)) for name, value in item.items() for content in value.values())
