"""What a provider states of the events that it can be asked for: those that it had told already, or should have."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec import Struct

from everpost.model.account import Account
from everpost.model.sighting import Sighting, Unreadable

if TYPE_CHECKING:
    from everpost.providers.contract import HttpRequest, HttpResponse, Unclear


class Listed(Struct, frozen=True, kw_only=True):
    """A page of events, each with the id that its webhook gives it: so it is known whichever way it comes."""

    told: tuple[Sighting | Unreadable, ...]
    further: "HttpRequest | None" = None  # for the next page; None: this is the last one


class History(Struct, frozen=True, kw_only=True):
    start: "Callable[[Account, float, float], HttpRequest]"
    """(account, since, until): for the events of this time."""
    read: "Callable[[Account, HttpResponse], Listed | Unclear]"
    late_s: float  # how long after it has happened an event may still be missing
