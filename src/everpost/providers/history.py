"""What a provider states of the events that it can be asked for: those that it had told already, or should have."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import replace

from everpost.model.account import Account
from everpost.model.sighting import Sighting, Unreadable

if TYPE_CHECKING:
    from everpost.providers.contract import HttpRequest, HttpResponse, Unclear

SLICE_S: Final = 900.0


class Listed(Struct, frozen=True, kw_only=True):
    """What an answer tells: events, each with the id that its webhook gives it, so that it is known whichever way it
    comes; or with none, where the list has none."""

    told: tuple[Sighting | Unreadable, ...] = ()
    further: "tuple[Question, ...]" = ()  # that follow from it, in this order: for the next page, or for one mail each
    left_out: str = ""  # what it does not show, in words; empty: it shows everything


class Question(Struct, frozen=True, kw_only=True):
    """With how its answer is read."""

    request: "HttpRequest"
    read: "Callable[[HttpResponse], Listed | Unclear]"


class History(Struct, frozen=True, kw_only=True):
    start: Callable[[Account, float, float], Question]
    """(account, since, until): for the events of this time; of a list of mails, for what became of those that were
    taken in this time."""
    late_s: float  # how long after it has happened, or its mail was taken, an event may still be missing
    slice_s: float = SLICE_S  # of time is asked for at once: what is done of a long time is kept when it breaks off
    pace_s: float = 0.0  # between two questions, for a provider that answers so many in a time


def by_their_facts(told: Iterable[Sighting | Unreadable]) -> tuple[Sighting | Unreadable, ...]:
    """Without the ids that their reader has made of what webhooks say and a list may word in another way."""
    return tuple(one if isinstance(one, Unreadable) else replace(one, event_id=None) for one in told)
