"""A scenario of the collection: one request, and what must be told of it."""

from collections.abc import Mapping
from enum import Enum
from typing import Any

from msgspec import Struct


class Key(Enum):
    """What a request shows as its right to be answered."""

    OWN = "own"  # the key of the scope that the operation needs
    READ = "readKey"
    SEND = "sendKey"
    ADMIN = "adminKey"
    PASSWORD = "password"
    UNKNOWN = "unknown"
    NONE = "none"


class Need(Enum):
    """What a server, or its surroundings, must have; elsewhere the scenario is skipped. The value is the expression
    that tells, in the script before the request."""

    KEYS = 'pm.variables.get("adminKey")'
    NO_KEYS = '!pm.variables.get("adminKey")'
    CONTROL = 'pm.variables.get("controlUrl")'
    DIRECT = '!pm.variables.get("gateway")'
    PATIENCE = 'pm.variables.get("patience")'


class Scenario(Struct, frozen=True, kw_only=True):
    """`{{name}}` stands for a variable of the collection, in every text."""

    name: str  # a sentence
    operation: str = ""  # its id in the document; "": see `method` and `url`
    method: str = ""
    url: str = ""  # for what is no operation
    places: Mapping[str, str] = {}  # the variable parts of the path
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = {}
    body: Any = None  # JSON, or the text itself
    key: Key = Key.OWN
    needs: tuple[Need, ...] = ()
    before: tuple[str, ...] = ()  # more of the script before the request

    status: int | tuple[int, ...] = ()  # (): the one that the document gives to `code`
    code: str = ""  # of the problem
    fields: tuple[str, ...] = ()  # each is named in the problem's `errors`
    tells: Mapping[str, Any] = {}  # by path into the answer
    answers: Mapping[str, str] = {}  # headers of the answer: what their values must match (a regular expression)
    checks: Mapping[str, str] = {}  # sentence: statement; `answer` is the answer's body
    saves: Mapping[str, str] = {}  # variable: expression, for the scenarios that follow

    @property
    def statuses(self) -> tuple[int, ...]:
        return self.status if isinstance(self.status, tuple) else (self.status,)


class Chapter(Struct, frozen=True, kw_only=True):
    """A folder of the collection: scenarios in the order in which they must run."""

    name: str
    words: str
    scenarios: tuple[Scenario, ...]
