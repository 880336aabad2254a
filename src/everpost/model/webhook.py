"""An address of somebody else that events are posted to, and how far that has got."""

from typing import Final

from msgspec import Struct

STANDARD: Final = "standard"  # the format of Standard Webhooks


class SigningKey(Struct, frozen=True):
    secret: str  # `whsec_` and the key in base64
    until: float | None = None  # it signs until then; None: it is the current one


class Webhook(Struct, frozen=True, kw_only=True):
    id: str
    project: str  # whose events it gets, and who sees it
    url: str
    format: str = STANDARD  # in whose words and by whose signature it is told of events; or the name of a provider
    login: str = ""  # `user:password`, by which it is logged in there (RFC 7617); empty: not at all
    description: str = ""
    events: tuple[str, ...] = ()  # types of events, as `email.sent`; empty: all
    accounts: tuple[str, ...] = ()  # only what is about one of these; empty: all
    tags: tuple[str, ...] = ()  # only what is about a mail with one of these; empty: all
    enabled: bool = True
    reason: str = ""  # why it is not enabled
    keys: tuple[SigningKey, ...] = ()  # the current one first
    created_at: float
    changed_at: float


class WebhookAttempt(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One request to a webhook, and what came of it."""

    at: float
    event: str  # its id
    type: str
    number: int  # of this event, from 1
    status: int | None = None  # None: no answer came
    latency_ms: float = 0.0
    error: str = ""  # in our words, never in theirs; empty: it was taken
    next_at: float | None = None  # when it is tried again; None: never


class Waiting(Struct, frozen=True, array_like=True):
    """An event that is behind the cursor and not delivered."""

    seq: int
    tried: int  # times
    due_at: float


class Replay(Struct, frozen=True, kw_only=True):
    """A part of the trail that is told once more."""

    since: float
    until: float
    cursor: int  # told up to this event …
    last: int  # … and to be told up to this one


class Progress(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How far the events of one webhook have got: one document, so that its parts can't disagree."""

    cursor: int  # every event up to here was delivered or given up, or waits, or is none of its own
    waiting: tuple[Waiting, ...] = ()
    replay: Replay | None = None
    attempts: tuple[WebhookAttempt, ...] = ()  # the latest ones, newest first
    failures: int = 0  # in a row
    failing_since: float | None = None  # the first of them
    ok_at: float | None = None  # the latest success
    rests_until: float = 0.0  # it is left alone until then
    delivered: int = 0  # events, ever
    given_up: int = 0  # events, ever
