"""One table of the file, read key by key.

A wrong value is reported and read as its default, so that reading goes on and every fault comes to light in one run.
What was never asked for is unknown.
"""

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Final, TypeVar, cast

from everpost.settings.key import Entries, Flag, Number, Text, Whole
from everpost.settings.values import ConfigFault

T = TypeVar("T")

_TYPES: Final[Mapping[type, str]] = {
    str: "a text",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    list: "a list",
    dict: "a table",
}


class Report:
    """Everything that is wrong, in the order of reading."""

    def __init__(self, origins: Mapping[str, str]) -> None:
        """`origins` names the environment variable that a key's value comes from."""
        self.faults: list[ConfigFault] = []
        self.warnings: list[ConfigFault] = []
        self._origins = origins

    def is_in_file(self, key: str) -> bool:
        """Whether a value was read from the file, and not from a variable that goes over it."""
        return key not in self._origins

    def fault(self, key: str, message: str, hint: str = "") -> None:
        self.faults.append(ConfigFault(self._origins.get(key, key), message, hint))

    def warn(self, key: str, message: str, hint: str = "") -> None:
        self.warnings.append(ConfigFault(self._origins.get(key, key), message, hint))


class Section:
    def __init__(self, values: Mapping[str, Any], path: str, report: Report) -> None:
        self._values = values
        self._path = path  # empty: the whole file
        self._report = report
        self._known: set[str] = set()

    def key(self, name: str) -> str:
        """The full name of one of its keys."""
        return f"{self._path}.{name}" if self._path else name

    def fault(self, name: str, message: str, hint: str = "") -> None:
        self._report.fault(self.key(name), message, hint)

    def take(self, name: str) -> Any:
        """The raw value; None if absent. Whoever takes it checks it."""
        self._known.add(name)
        return self._values.get(name)

    def text(self, key: Text[T]) -> T:
        value = self.take(key.name)
        if value is None:
            return key.default
        if not isinstance(value, str):
            return self._mistyped(key.name, "a text in quotes", value, key.default)
        if key.choices and value not in key.choices:
            listed = f"is {value!r}; must be one of: {', '.join(key.choices)}"
            self.fault(key.name, listed, nearest(value, key.choices))
            return key.default
        if not value:
            self.fault(key.name, "is empty", "give it a value, or leave the key out")
            return key.default
        return cast("T", value)

    def whole(self, key: Whole[T]) -> T:
        value = self.take(key.name)
        if value is None:
            return key.default
        if isinstance(value, bool) or not isinstance(value, int):
            return self._mistyped(key.name, "a whole number", value, key.default)
        return cast("T", value) if self._within(key, value) else key.default

    def number(self, key: Number[T]) -> T:
        value = self.take(key.name)
        if value is None:
            return key.default
        if isinstance(value, bool) or not isinstance(value, int | float):
            return self._mistyped(key.name, "a number", value, key.default)
        return cast("T", float(value)) if self._within(key, value) else key.default

    def flag(self, key: Flag) -> bool:
        value = self.take(key.name)
        if value is None:
            return key.default
        return value if isinstance(value, bool) else self._mistyped(key.name, "true or false", value, key.default)

    def entries(self, key: Entries, default: Sequence[Any] = ()) -> list[Any]:
        """The items of a list, of whatever type."""
        value = self.take(key.name)
        if value is None:
            return list(default)
        return value if isinstance(value, list) else self._mistyped(key.name, "a list", value, list(default))

    def texts(self, key: Entries) -> list[tuple[str, str]]:
        """The items of a list of texts, each behind its place in the list (`recipients[0]`)."""
        found = []
        for index, item in enumerate(self.entries(key)):
            place = f"{key.name}[{index}]"
            if isinstance(item, str):
                found.append((place, item))
            else:
                self._mistyped(place, "a text in quotes", item, None)
        return found

    def section(self, name: str) -> "Section":
        """A table below this one; an empty one if absent."""
        return self.nested(name, self.take(name) or {})

    def nested(self, place: str, value: Any) -> "Section":
        """A table that stands at `place`, be it below a key or within a list."""
        if not isinstance(value, dict):
            self._mistyped(place, "a table", value, None)
            value = {}
        return Section(value, self.key(place), self._report)

    def sections(self, name: str) -> dict[str, "Section"]:
        """The tables below a key, by their names, in the order of the file."""
        return self.section(name).children()

    def children(self) -> dict[str, "Section"]:
        """Every value as a table; what is none is reported and left out."""
        tables = {name: self.nested(name, value) for name, value in self._values.items()}
        return {name: table for name, table in tables.items() if isinstance(self._values[name], dict)}

    def close(self) -> None:
        """Reports every key that nobody asked for."""
        for name in self._values:
            if name not in self._known:
                known = sorted(self._known)
                self.fault(name, "is not a known key", nearest(name, known) or f"known here: {', '.join(known)}")

    def _mistyped(self, name: str, wanted: str, value: object, default: T) -> T:
        self.fault(name, f"must be {wanted}, not {_TYPES.get(type(value), 'a date or time')}")
        return default

    def _within(self, key: Whole[T] | Number[T], value: float) -> bool:
        if key.low <= value <= key.high:
            return True
        self.fault(key.name, f"is {value}; must be from {key.low:g} to {key.high:g}")
        return False


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint at the known word that was probably meant; empty if none is near."""
    near = get_close_matches(word, list(known), n=1)
    return f"did you mean {near[0]}?" if near else ""
