"""Parts of a kind, each in a module of its own, by their names."""

from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from typing import Generic, TypeVar

T = TypeVar("T")


class Catalogue(Mapping[str, T], Generic[T]):
    """A module is imported when its part is asked for: who sends by two providers does not start with all of them."""

    def __init__(self, module: str, attribute: str, names: Sequence[str]) -> None:
        """`module`: where a part is, with `{}` for its name; `attribute`: what it is called there."""
        self._module = module
        self._attribute = attribute
        self._names = names
        self._known: dict[str, T] = {}

    def __getitem__(self, name: str) -> T:
        if name not in self._known:
            if name not in self._names:
                raise KeyError(name)
            self._known[name] = getattr(import_module(self._module.format(name)), self._attribute)
        return self._known[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)
