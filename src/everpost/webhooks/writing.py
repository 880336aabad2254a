"""Events in the words of somebody whose webhooks a program knows already: what is stated of each such format."""

from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from everpost.model.event import EventType
from everpost.model.told import Told
from everpost.model.webhook import SigningKey


class Sealing(Struct, frozen=True, kw_only=True):
    """What requests are signed with."""

    keys: tuple[SigningKey, ...]  # the current one first
    at: float

    @property
    def secret(self) -> str:
        """For a signature that can only be one."""
        return self.keys[0].secret


class Post(Struct, frozen=True, kw_only=True):
    """One request."""

    id: str  # the same each time that this is posted; without a full stop
    body: bytes
    headers: Mapping[str, str]


class Writer(Struct, frozen=True, kw_only=True):
    types: frozenset[EventType]  # what the format has words for
    posts: Callable[[Told, Sealing], Sequence[Post]]
    """None: nobody has told whom the event is about. Raises ImportError where the library that signs is missing."""
    public_key: Callable[[str], str] | None = None
    """By which its signatures are verified, made of the secret; None: they are by the secret itself, or there are none.
    Raises ImportError as well."""


Writers = Mapping[str, Writer]
"""By the name of the format: all but the standard one."""
