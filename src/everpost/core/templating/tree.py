"""A template as it was read. Only this is filled in; no text of the data is ever read as a template."""

from typing import NamedTuple

THIS = ""


class Path(NamedTuple):
    """Where a value lies: `up` scopes further out, then by names. `of` says where it begins: in the scope itself, in
    all data (`@root`), or at what a loop knows of itself (`@index`, `@key`, `@first`, `@last`)."""

    up: int
    of: str
    names: tuple[str, ...]
    written: str  # as the template has it
    line: int


class Value(NamedTuple):
    path: Path
    is_escaped: bool


class Branch(NamedTuple):
    """The body of the first arm that holds, else `other`."""

    arms: "tuple[Arm, ...]"
    other: "Nodes"


class Arm(NamedTuple):
    path: Path
    is_negated: bool
    body: "Nodes"


class Each(NamedTuple):
    """The body for each value of a list or an object, or `other` where there is none."""

    path: Path
    body: "Nodes"
    other: "Nodes"


class Within(NamedTuple):
    """The body with the value as its scope; `other` where there is none. Of a section (`goes_through`) a list is gone
    through."""

    path: Path
    body: "Nodes"
    other: "Nodes"
    goes_through: bool


Node = str | Value | Branch | Each | Within
Nodes = tuple[Node, ...]
