"""What a provider states of the events that it sends us: how a genuine one is told from a forged one, how it is read,
and what makes it come again. Pure functions over bytes, as all of a provider is."""

import hmac
import math
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from msgspec import Struct

from everpost.model.account import Account
from everpost.model.sighting import Sighting, Unreadable

SECRET: Final = "webhook_secret"  # noqa: S105  the names of the settings
TOPICS: Final = "webhook_topics"
QUEUE: Final = "webhook_queue"
URL: Final = "webhook_url"
TO_VERIFY_WITH: Final = frozenset({SECRET, TOPICS, QUEUE, URL, "base_url"})
AHEAD_S_MAX: Final = 600.0  # by which a sender's clock may be before ours
UNDATED_S: Final = math.inf  # the window where nothing says when a request was made


class HookRequest(Struct, frozen=True, kw_only=True):
    method: str
    url: str  # path and query, as they came
    headers: Mapping[str, str]  # names in lower case
    body: bytes  # exactly as it came: signatures are of bytes
    received_at: float
    documents: Mapping[str, bytes] = {}  # by address: what was lacking before


class Genuine(Struct, frozen=True):
    once: str | None = None
    """A token that the provider gives to one body only, where its signature does not cover the body."""
    confirm: str | None = None
    """An address that has to be asked before the answer: so the provider learns that its events are wanted here."""
    notice: str = ""
    """What a person has to know of it, if anything."""


class Forged(Struct, frozen=True):
    """Not the provider's, or not proven to be."""

    reason: str


class Lacks(Struct, frozen=True):
    """Nobody can tell without the document at this address, which is one of the provider's own."""

    url: str


class Webhook(Struct, frozen=True, kw_only=True):
    verify: Callable[[HookRequest, Account, Sequence[str]], Genuine | Forged | Lacks]
    """By any of the secrets: one is being replaced by another. It is asked again with each document that it lacks."""
    read: Callable[[bytes], tuple[Sighting | Unreadable, ...]]
    window_s: float  # how old a signature may be: as long as the provider goes on sending the same
    again_status: int = 503  # the answer after which it does so
    refused_status: int = 403
    """The answer to what is not proven: one after which it sends that again, too, while somebody mends a secret."""
    setting: str = SECRET  # of the account: what its events are verified by


def secrets_of(account: Account, setting: str = SECRET) -> tuple[str, ...]:
    """What the account's events are verified by: several, parted by commas, while one is being replaced."""
    given = account.settings.get(setting, "").split(",")
    return tuple(secret for secret in map(str.strip, given) if secret)


def is_basic_auth(request: HookRequest, secrets: Sequence[str]) -> bool:
    """Whether it logs in by one of these, each of them `user:password` (RFC 7617)."""
    scheme, _, login = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return False
    wanted = (b64encode(secret.encode()) for secret in secrets)
    given = login.encode(errors="surrogatepass")
    return any([hmac.compare_digest(each, given) for each in wanted])  # noqa: C419  each of them is compared


def by_login(request: HookRequest, _: Account, secrets: Sequence[str]) -> Genuine | Forged:
    """The `verify` of a provider that signs nothing, but logs in where it posts to."""
    if is_basic_auth(request, secrets):
        return Genuine()
    if "authorization" not in request.headers:
        return Forged("it does not log in: its address needs the user and the password of webhook_secret")
    return Forged("its login is wrong: webhook_secret is USER:PASSWORD, as they stand in its address")


def untimely(stamp: str, received_at: float, window_s: float) -> Forged | None:
    """Why a request that was signed at `stamp`, in epoch seconds, is not taken any more, or not yet."""
    if not (stamp.isascii() and stamp.isdecimal() and len(stamp) <= 12):
        return Forged("the time of its signature is no number of seconds")
    return out_of_time(int(stamp), received_at, window_s)


def out_of_time(at: float, received_at: float, window_s: float) -> Forged | None:
    """The same of an instant."""
    age_s = received_at - at
    if age_s > window_s:
        return Forged(f"it was signed more than {window_s:.0f} s ago")
    if age_s < -min(AHEAD_S_MAX, window_s):
        return Forged("it was signed in the future: is the clock of this machine right?")
    return None
