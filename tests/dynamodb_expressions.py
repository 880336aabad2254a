"""DynamoDB's expressions, as far as the store uses them: read into functions of an item."""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any

Item = dict[str, dict[str, Any]]  # attributes with their types, as they are on the wire
_TOKEN = re.compile(r"\s*(attribute_not_exists|attribute_exists|BETWEEN|AND|OR|SET|REMOVE|[#:]\w+|<=|>=|<>|[=<>(),+-])")
_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": lambda left, right: left == right,
    "<>": lambda left, right: left != right,
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}


class Unreadable(Exception):
    """Not an expression that this model knows."""


class Names:
    """What the placeholders of one request stand for."""

    def __init__(self, request: Mapping[str, Any]) -> None:
        self.names = request.get("ExpressionAttributeNames", {})
        self.values = request.get("ExpressionAttributeValues", {})


def holds(expression: str | None, item: Item, request: Mapping[str, Any]) -> bool:
    """An item that is not there is an empty one."""
    if expression is None:
        return True
    return bool(_Reader(_tokens(expression), item, Names(request)).either())


def updated(expression: str, item: Item, request: Mapping[str, Any]) -> Item:
    return _Reader(_tokens(expression), dict(item), Names(request)).update()


def plain(value: Mapping[str, Any]) -> Any:
    """In a form that is ordered as DynamoDB orders it."""
    [(kind, content)] = value.items()
    return Decimal(content) if kind == "N" else content.encode() if kind == "S" else content


@lru_cache(256)
def _tokens(expression: str) -> tuple[str, ...]:
    found, place = [], 0
    while place < len(expression.rstrip()):
        match = _TOKEN.match(expression, place)
        if match is None:
            raise Unreadable(expression)
        found.append(match[1])
        place = match.end()
    return tuple(found)


class _Reader:
    def __init__(self, tokens: tuple[str, ...], item: Item, names: Names) -> None:
        self._tokens = tokens
        self._place = 0
        self._item = item
        self._names = names

    def either(self) -> bool:
        result = self._both()
        while self._skip("OR"):
            result = self._both() or result
        return result

    def _both(self) -> bool:
        result = self._term()
        while self._skip("AND"):
            result = self._term() and result
        return result

    def _term(self) -> bool:
        first = self._next()
        if first in ("attribute_exists", "attribute_not_exists"):
            self._expect("(")
            is_there = self._name() in self._item
            self._expect(")")
            return is_there == (first == "attribute_exists")
        value = self._item.get(self._names.names[first])
        sign = self._next()
        if sign == "BETWEEN":
            low = self._value()
            self._expect("AND")
            high = self._value()
            return value is not None and plain(low) <= plain(value) <= plain(high)
        other = self._value()
        return value is not None and value.keys() == other.keys() and _COMPARE[sign](plain(value), plain(other))

    def update(self) -> Item:
        before = dict(self._item)
        while self._place < len(self._tokens):
            verb = self._next()
            while True:
                name = self._name()
                if verb == "SET":
                    self._expect("=")
                    self._item[name] = self._sum(before)
                else:
                    self._item.pop(name, None)
                if not self._skip(","):
                    break
        return self._item

    def _sum(self, before: Item) -> dict[str, Any]:
        value = self._operand(before)
        for sign, factor in (("+", 1), ("-", -1)):
            if self._skip(sign):
                return {"N": str(plain(value) + factor * plain(self._operand(before)))}
        return value

    def _operand(self, before: Item) -> dict[str, Any]:
        token = self._next()
        return self._names.values[token] if token[0] == ":" else before[self._names.names[token]]

    def _name(self) -> str:
        return self._names.names[self._next()]

    def _value(self) -> dict[str, Any]:
        return self._names.values[self._next()]

    def _next(self) -> str:
        self._place += 1
        return self._tokens[self._place - 1]

    def _skip(self, token: str) -> bool:
        is_next = self._place < len(self._tokens) and self._tokens[self._place] == token
        self._place += is_next
        return is_next

    def _expect(self, token: str) -> None:
        if not self._skip(token):
            raise Unreadable(self._tokens)
