"""What a provider states of the events that it can be asked for: those that it had told already, or should have."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from everpost.model.account import Account
from everpost.model.sighting import Sighting, Unreadable

if TYPE_CHECKING:
    from everpost.providers.contract import HttpRequest, HttpResponse, Unclear

SLICE_S: Final = 900.0


class Listed(Struct, frozen=True, kw_only=True):
    """A page of events, each with the id that its webhook gives it, so that it is known whichever way it comes; or with
    none, where the list has none."""

    told: tuple[Sighting | Unreadable, ...]
    further: "Question | None" = None  # for the next page; None: this is the last one


class Question(Struct, frozen=True, kw_only=True):
    """For a page of events, with how its answer is read."""

    request: "HttpRequest"
    read: "Callable[[HttpResponse], Listed | Unclear]"


class History(Struct, frozen=True, kw_only=True):
    start: Callable[[Account, float, float], Question]
    """(account, since, until): for the events of this time."""
    late_s: float  # how long after it has happened an event may still be missing
    slice_s: float = SLICE_S  # of time is asked for at once: what is done of a long time is kept when it breaks off
