"""What can be said of a key of everpost.toml: its name, what it may hold, its default, what it means."""

from typing import Generic, TypeVar

from msgspec import Struct

T = TypeVar("T")  # of the value: None is among them where the key may be left out


class Text(Struct, Generic[T], frozen=True, kw_only=True):
    name: str
    help: str
    default: T
    choices: tuple[str, ...] = ()
    required: bool = False


class Whole(Struct, Generic[T], frozen=True, kw_only=True):
    name: str
    help: str
    default: T
    low: int
    high: int


class Number(Struct, Generic[T], frozen=True, kw_only=True):
    name: str
    help: str
    default: T
    low: float
    high: float


class Entries(Struct, frozen=True, kw_only=True):
    """A list."""

    name: str
    help: str
    of: str  # what its entries are
    default: str = "empty"  # in words


class Flag(Struct, frozen=True, kw_only=True):
    name: str
    help: str
    default: bool


Key = (
    Flag
    | Text[str]
    | Text[str | None]
    | Whole[int]
    | Whole[int | None]
    | Number[float]
    | Number[float | None]
    | Entries
)


class Table(Struct, frozen=True):
    help: str
    keys: tuple[Key, ...]
