"""Fills a template in: looks values up in decoded JSON, and does nothing else. What it does is bounded by a budget,
whatever the template and the data are."""

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any, Final, NamedTuple

from everpost.core.templating.faults import TemplateFault, shown
from everpost.core.templating.tree import Branch, Each, Nodes, Path, Value, Within
from everpost.model.limits import TEMPLATE_OUTPUT_CHARS_MAX, TEMPLATE_STEPS_MAX

_INTEGER_BITS_MAX: Final = 256
_EXPONENT_FROM: Final = 1e21  # as JavaScript, which fills the same templates in elsewhere
_INDEX_DIGITS_MAX: Final = 9


class _Missing:
    def __bool__(self) -> bool:
        return False


_MISSING: Final = _Missing()


class _Scope(NamedTuple):
    value: Any
    outer: "_Scope | None" = None
    told: Mapping[str, Any] = {}  # what a loop knows of itself


class Budget:
    """What one mail may cost, over all its parts."""

    def __init__(self) -> None:
        self._steps = TEMPLATE_STEPS_MAX
        self._chars = TEMPLATE_OUTPUT_CHARS_MAX

    def step(self, count: int, line: int) -> None:
        self._steps -= count
        if self._steps < 0:
            raise TemplateFault(line, f"to fill it in takes more than {TEMPLATE_STEPS_MAX} steps")

    def check(self, text: str) -> None:
        if len(text) > self._chars:
            raise TemplateFault(1, f"what it becomes has more than {TEMPLATE_OUTPUT_CHARS_MAX} characters")

    def write(self, text: str) -> None:
        self.check(text)
        self._chars -= len(text)


def render(nodes: Nodes, data: Mapping[str, Any], budget: Budget, *, escapes: bool, strict: bool) -> str:
    """The text. With `escapes` values become text of HTML, but those that the template wants as they are; with `strict`
    a value that is not there is a fault. Raises TemplateFault."""
    writer = _Writer(data, budget, escapes=escapes, strict=strict)
    writer.write(nodes, _Scope(data))
    return "".join(writer.written)


class _Writer:
    def __init__(self, root: Mapping[str, Any], budget: Budget, *, escapes: bool, strict: bool) -> None:
        self.written: list[str] = []
        self._root = root
        self._budget = budget
        self._escapes = escapes
        self._strict = strict

    def write(self, nodes: Nodes, scope: _Scope) -> None:
        for node in nodes:
            match node:
                case str():
                    self._add(node)
                case Value():
                    self._value(node, scope)
                case Branch():
                    self._branch(node, scope)
                case Each():
                    self._each(node, self._found(node.path, scope), scope)
                case Within():
                    self._within(node, scope)

    def _add(self, text: str) -> None:
        self._budget.step(1, 1)
        self._budget.write(text)
        self.written.append(text)

    def _value(self, node: Value, scope: _Scope) -> None:
        value = self._found(node.path, scope)
        if value is _MISSING and self._strict:
            raise TemplateFault(node.path.line, f"{shown(node.path.written)} is not in the data")
        text = _text(value, node.path)
        self._budget.check(text)  # before it grows
        self._add(_escaped(text) if self._escapes and node.is_escaped else text)

    def _branch(self, node: Branch, scope: _Scope) -> None:
        for arm in node.arms:
            if _holds(self._found(arm.path, scope)) is not arm.is_negated:
                self.write(arm.body, scope)
                return
        self.write(node.other, scope)

    def _each(self, node: Each | Within, value: Any, scope: _Scope) -> None:
        entries = list(_entries(value))
        if not entries:
            self.write(node.other, scope)
        for place, (key, entry) in enumerate(entries):
            self._budget.step(1, node.path.line)
            told = {"@index": place, "@key": key, "@first": place == 0, "@last": place == len(entries) - 1}
            self.write(node.body, _Scope(entry, scope, told))

    def _within(self, node: Within, scope: _Scope) -> None:
        value = self._found(node.path, scope)
        if node.goes_through and isinstance(value, list):
            self._each(node, value, scope)
        elif _holds(value):
            self.write(node.body, _Scope(value, scope))
        else:
            self.write(node.other, scope)

    def _found(self, path: Path, scope: _Scope) -> Any:
        self._budget.step(1 + path.up + len(path.names), path.line)
        for _ in range(path.up):
            scope = scope.outer or scope
        value = scope.value if not path.of else self._root if path.of == "@root" else _told(path.of, scope)
        for name in path.names:
            value = _member(value, name)
        return value


def _told(name: str, scope: _Scope) -> Any:
    at: _Scope | None = scope
    while at is not None and name not in at.told:
        at = at.outer
    return _MISSING if at is None else at.told[name]


def _member(value: Any, name: str) -> Any:
    """An entry of an object or of a list. Nothing else has any: no attribute is ever looked at."""
    if isinstance(value, dict):
        return value.get(name, _MISSING)
    if isinstance(value, list):
        if name == "length":
            return len(value)
        if name.isascii() and name.isdecimal() and len(name) <= _INDEX_DIGITS_MAX and int(name) < len(value):
            return value[int(name)]
    return _MISSING


def _entries(value: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(value, dict):
        yield from value.items()
    elif isinstance(value, list):
        yield from enumerate(value)


def _holds(value: Any) -> bool:
    """Not: false, null, what is missing, 0, an empty text and an empty list."""
    return isinstance(value, dict) or bool(value)


def _escaped(text: str) -> str:
    """Without what could end an attribute, in quotes or without, or begin a tag or an entity."""
    return escape(text).replace("`", "&#x60;").replace("=", "&#x3D;")


def _text(value: Any, path: Path) -> str:
    match value:
        case str():
            return value
        case None | _Missing():
            return ""
        case bool():
            return "true" if value else "false"
        case int() if value.bit_length() <= _INTEGER_BITS_MAX:
            return str(value)
        case float():
            return str(int(value)) if value.is_integer() and abs(value) < _EXPONENT_FROM else repr(value)
    kind = "a list: go through it by #each" if isinstance(value, list) else "no text"
    raise TemplateFault(path.line, f"{shown(path.written)} is {kind}")
