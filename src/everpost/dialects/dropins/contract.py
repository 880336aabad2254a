"""What a drop-in door says of itself; whoever serves HTTP reads it. Pure: requests to values, values to answers."""

from collections.abc import Callable, Collection, Sequence
from typing import Any, Final

from msgspec import Struct

from everpost.dialects.answers import Rendered
from everpost.dialects.contract import Submission
from everpost.model.act import Act
from everpost.model.delivery import DeliveryState
from everpost.model.event import Event, EventType
from everpost.model.key import Scope
from everpost.model.message import Draft, Message
from everpost.model.problem import Problem
from everpost.model.recipient import RecipientState
from everpost.model.suppression import Suppression, SuppressionDraft
from everpost.model.template import Templated
from everpost.model.told import Told

IDEMPOTENCY_KEY: Final = "idempotency_key"
"""An entry of the mail's own data that names the request, where a client can set no header. It stays in the data."""


class Asked(Struct, frozen=True, kw_only=True):
    """What a request to send asks for."""

    mails: tuple[Draft | Templated | Problem, ...]
    is_whole: bool = True  # all of them or none; else each has an answer of its own
    key: str | None = None  # the caller's own name for the request, from its body
    group: str | None = None  # under which what is scheduled can be cancelled
    is_trial: bool = False  # everything is checked, nothing is accepted
    echo: Any = None  # what its answer repeats
    forms: tuple[Draft, ...] = ()
    """Of its only mail: all of them, the most faithful one first. The one that the most accounts can carry is taken."""
    unread: Problem | None = None  # why there is no other form, if no account can carry the only one
    known_by: bytes | None = None  # tells its only mail from others; None: the mail does, which then holds no time


class Taken(Struct, frozen=True, kw_only=True):
    """An accepted mail."""

    id: str
    at: float


class Shown(Struct, frozen=True, kw_only=True):
    """A mail as it stands."""

    message: Message
    state: DeliveryState
    send_at: float | None
    statuses: Sequence[RecipientState]  # of its recipients, in the order of to, cc and bcc
    events: Sequence[Event]  # oldest first


class Send(Struct, frozen=True):
    """`render` is given what became of each mail, in order; a problem only where they are not all or none."""

    parse: Callable[[Submission], Asked | Problem]
    render: Callable[[Asked, Sequence[Taken | Problem]], Rendered]


class Show(Struct, frozen=True):
    """One mail by its id."""

    render: Callable[[Shown], Rendered]


class Page(Struct, frozen=True, kw_only=True):
    limit: int
    before: str | None = None  # id of the last mail of the page before
    newer_than: str | None = None  # id of the first mail of the page behind; instead
    skip: int = 0  # so many before the first one; instead
    recipient: str | None = None
    tag: str | None = None
    state: DeliveryState | None = None
    since: float | None = None
    until: float | None = None  # and before that


class List(Struct, frozen=True):
    """Mails, newest first; `render` is told whether there are more."""

    parse: Callable[[Submission], Page | Problem]
    render: Callable[[Page, Sequence[Shown], bool], Rendered]


class SoughtEvents(Struct, frozen=True, kw_only=True):
    """Some events of mails, in pages."""

    types: Collection[EventType] | None  # None: any
    limit: int  # of events; one that several recipients share may stand there once for each
    entries: Callable[[Told], Sequence[Any]]  # what stands on the page for an event; maybe nothing
    since: float | None = None
    until: float | None = None  # and before that
    message_id: str | None = None
    is_newest_first: bool = False
    place: int | None = None  # in the trail, where the page before ended; None: there was none
    is_before: bool = False  # the page that ends at `place` is wanted, and not the one that begins there


class EventPage(Struct, frozen=True, kw_only=True):
    entries: Sequence[Any]
    start: int  # the place where it begins …
    end: int  # … and where it ends; the same: there is nothing more


class ListEvents(Struct, frozen=True):
    parse: Callable[[Submission], SoughtEvents | Problem]
    render: Callable[[Submission, EventPage], Rendered]


class Change(Struct, frozen=True):
    """Something done to one mail by its id."""

    parse: Callable[[Submission], Act | Problem]
    render: Callable[[str], Rendered]


class NewGroup(Struct, frozen=True):
    """A fresh name for a group of scheduled mails."""

    render: Callable[[str], Rendered]


class CancelGroup(Struct, frozen=True):
    parse: Callable[[Submission], str | Problem]
    render: Callable[[str], Rendered]


class Sought(Struct, frozen=True, kw_only=True):
    """Some of those who must not be written to, in the order of their addresses."""

    limit: int
    prefix: str = ""  # with which the addresses begin, in lower case
    after: str = ""  # the address that the page before ended with
    ahead_of: str | None = (
        None  # the address that the page behind begins with; instead. Of it, "" has none: the last page
    )
    wanted: Callable[[Suppression], bool] = bool
    echo: Any = None  # what the answer goes by


class ListSuppressed(Struct, frozen=True):
    """Whom no mail at all is written to. `render` is given the address that the next page comes after, if there is
    one and it is known."""

    parse: Callable[[Submission], Sought | Problem]
    render: Callable[[Sought, Sequence[Suppression], str | None], Rendered]


class FindSuppressed(Struct, frozen=True):
    """The one of the path's `{address:path}`."""

    render: Callable[[Suppression], Rendered]
    wanted: Callable[[Suppression], bool] = bool  # else it is not there


class Suppress(Struct, frozen=True):
    parse: Callable[[Submission], Sequence[SuppressionDraft] | Problem]
    render: Callable[[Sequence[Suppression]], Rendered]


class Unsuppress(Struct, frozen=True):
    """The one of the path's `{address:path}`, which must be there."""

    render: Callable[[Suppression], Rendered]
    wanted: Callable[[Suppression], bool] = bool  # else it is not there


class UnsuppressAll(Struct, frozen=True):
    """These addresses, whether they are there or not."""

    parse: Callable[[Submission], Sequence[str] | Problem]
    render: Callable[[Sequence[str]], Rendered]
    wanted: Callable[[Suppression], bool] = bool  # else it stays


class Sum(Struct, frozen=True):
    """Of the mails that were sent in the last 24 hours."""

    render: Callable[[int], Rendered]


class Domains(Struct, frozen=True):
    """Told which domains accounts write from, as far as that is known."""

    render: Callable[[Submission, Sequence[str]], Rendered]


class Tell(Struct, frozen=True):
    """An answer that needs nothing but the caller's scope."""

    render: Callable[[Scope], Rendered]


Does = (
    Send
    | Show
    | List
    | ListEvents
    | Change
    | NewGroup
    | CancelGroup
    | ListSuppressed
    | FindSuppressed
    | Suppress
    | Unsuppress
    | UnsuppressAll
    | Sum
    | Domains
    | Tell
)


class Row(Struct, frozen=True, kw_only=True):
    method: str
    path: str  # the variable part that names a mail is `{id}`
    scope: Scope
    does: Does
    query: tuple[str, ...] = ()  # parameters that it knows
    repeated: tuple[str, ...] = ()  # of these, those that may be given more than once; read with commas between


class Dropin(Struct, frozen=True, kw_only=True):
    name: str
    rows: tuple[Row, ...]
    refuse: Callable[[Problem], Rendered]
    key_header: bytes | None = None
    """Where the API key is, in lower case; None: in `Authorization`."""
    read_key: Callable[[str], str | None] | None = None
    """Finds it in `Authorization`; None: it is there as Bearer, or as the password of Basic."""
    id_header: bytes | None = None  # where answers tell the id of the request, beside the usual place; in lower case
