"""What sandbox providers tell of a mail; how each of them words and signs it is in its `events`.

An address says what becomes of mail to it, by its local part: `bounce@example.org`, `complain+7@example.com`. All
others get theirs.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar, Final, Protocol, runtime_checkable

from msgspec import Struct

from everpost.model.ids import CORRELATION_KEY
from everpost.sandbox.inbox import Caught, Inbox

FATES: Final[Mapping[str, tuple[str, ...]]] = {
    "bounce": ("queued", "bounced"),
    "softbounce": ("queued", "refused"),
    "defer": ("queued", "deferred", "delivered"),
    "drop": ("rejected",),
    "complain": ("queued", "delivered", "complained"),
    "unsubscribe": ("queued", "delivered", "unsubscribed"),
    "open": ("queued", "delivered", "opened"),
}
BARRED: Final[Mapping[str, str]] = {
    "complained": "barred_complaint",
    "unsubscribed": "barred_unsubscribe",
    "invalid": "barred_invalid",
}
"""What becomes of mail to somebody on the provider's list, by what put them there; of all others: "barred_bounce"."""
USUAL: Final = ("queued", "delivered")
WHATS: Final = frozenset(USUAL).union(*FATES.values())
HARD: Final = "5.1.1 no such user here"
SOFT: Final = "5.7.1 refused for reasons of policy"
LATER: Final = "4.7.1 greylisted, come again"
BROWSER: Final = "Mozilla/5.0 (X11; Linux x86_64)"


class Told(Struct, frozen=True, kw_only=True):
    """One event of one recipient."""

    caught: Caught
    place: int  # of the recipient in to, cc and bcc
    what: str
    at: float

    @property
    def recipient(self) -> str:
        return self.caught.draft.recipients[self.place].email

    @property
    def id(self) -> str:
        return f"{self.caught.id}-{self.place}-{self.what}"

    @property
    def variables(self) -> dict[str, str]:
        ours = {CORRELATION_KEY: self.caught.delivery_id} if self.caught.delivery_id else {}
        return self.caught.draft.metadata | ours


def told_of(caught: Caught, inbox: Inbox) -> list[Told]:
    """What its provider lists of a mail, the oldest first: that it was taken, and what has happened since."""
    places = range(len(caught.draft.recipients))
    taken = [Told(caught=caught, place=place, what="queued", at=caught.received_at) for place in places]
    since = (Told(caught=caught, place=x.place, what=x.what, at=x.at) for x in inbox.happened(caught.id))
    return taken + [told for told in since if told.what != "queued"]


class Post(Struct, frozen=True):
    """A request that brings events."""

    body: bytes
    headers: dict[str, str]


class Teller(Protocol):
    """A provider that tells what becomes of mail."""

    secret: str
    """What whoever is told needs to know that it was this provider."""

    native: ClassVar[Mapping[str, Mapping[str, Any]]]
    """What it can tell, each with what its own events say of that alone."""

    def posts(self, events: Sequence[Told], now: float) -> list[Post]:
        """`events`: what it can tell."""
        ...


@runtime_checkable
class Particular(Protocol):
    """A teller of whom a secret does not say enough."""

    @property
    def documents(self) -> Mapping[str, bytes]:
        """What lies at the sandbox provider, by path, for whoever is told to look at."""
        ...

    def settings(self, url: str, base_url: str) -> dict[str, str]:
        """Of the account whose events go to `url` from now on. At `base_url` is the sandbox provider."""
        ...


def iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def fate_of(email: str) -> tuple[str, ...]:
    return FATES.get(email.partition("@")[0].partition("+")[0].lower(), USUAL)


def barred(why: str) -> str:
    """What becomes of mail to somebody whom this has put on the provider's list."""
    return BARRED.get(why, "barred_bounce")
