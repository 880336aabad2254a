"""Webhooks as the native API takes and gives them."""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, NotRequired, TypedDict

import msgspec
from msgspec import Meta, Struct

from everpost.dialects.faults import Faults, decode, unknown
from everpost.dialects.fields import check_count, check_filled, check_line
from everpost.dialects.native.render import instant, maybe_instant
from everpost.dialects.native.schema import REQUIRED
from everpost.dialects.notices.table import WRITERS
from everpost.dialects.times import read_instant
from everpost.model.event import EventType
from everpost.model.limits import REASON_CHARS_MAX, TAG_CHARS_MAX, WEBHOOK_FILTER_MAX, WEBHOOK_LOGIN_CHARS_MAX
from everpost.model.problem import Problem
from everpost.model.webhook import STANDARD, Progress, Webhook, WebhookAttempt
from everpost.webhooks.signing import signs_by_key_pair

_EVENTS: Final = frozenset(each.value for each in EventType)
_FORMATS: Final = (STANDARD, *WRITERS)
_Format = Annotated[str, Meta(extra_json_schema={"enum": [*_FORMATS]})]
_LOGIN: Final = re.compile(r"[!-9;-~]+:[!-~]+")
_ONLY: Final = f"Only these; at most {WEBHOOK_FILTER_MAX}. Empty: all."
_TIME: Final = "RFC 3339 (`2030-01-31T09:00:00Z`) or seconds since the Unix epoch."


class WebhookRequest(Struct, forbid_unknown_fields=True, kw_only=True):
    """A webhook to be made, or fields of one to be changed: those that are left out stay as they are."""

    url: Annotated[
        str | None,
        Meta(description="Where events are posted to: https, a host in public, port 443 or one from 1024 on."),
    ] = None
    login: Annotated[
        str | None,
        Meta(description="`user:password`, by which it is logged in there (HTTP Basic). Empty: not. Never shown."),
    ] = None
    description: Annotated[str | None, Meta(description="What it is for, in your words.")] = None
    events: Annotated[list[str] | None, Meta(description=f"Types of events, as `email.sent`. {_ONLY}")] = None
    accounts: Annotated[list[str] | None, Meta(description=f"What is about these accounts. {_ONLY}")] = None
    tags: Annotated[list[str] | None, Meta(description=f"What is about mail with one of these tags. {_ONLY}")] = None
    enabled: Annotated[bool | None, Meta(description="A disabled one gets nothing, and goes on where it stopped.")] = (
        None
    )


class NewWebhookRequest(WebhookRequest, kw_only=True):
    """A webhook to be made."""

    url: Annotated[
        str | None,
        Meta(
            description="Where events are posted to: https, a host in public, port 443 or one from 1024 on.",
            extra_json_schema=REQUIRED,
        ),
    ] = None
    format: Annotated[
        _Format | None,
        Meta(
            description="In whose words and by whose signature: `standard`, or a provider's name. It can't be changed."
        ),
    ] = None


class ReplayRequest(Struct, forbid_unknown_fields=True, kw_only=True):
    """Either `event`, or `since` with or without `until`."""

    event: Annotated[str | None, Meta(description="One event: its id, or its sequence.")] = None
    since: Annotated[float | str | None, Meta(description=f"All from then on. {_TIME}")] = None
    until: Annotated[float | str | None, Meta(description=f"All before. {_TIME} Left out: until now.")] = None


class WebhookAttemptView(TypedDict):
    """One request, and what came of it. What the receiver has answered is not kept, but for its status."""

    at: str
    event: Annotated[str, Meta(description="Its id.")]
    type: str
    number: Annotated[int, Meta(description="Which attempt of this event it was.")]
    status: Annotated[int | None, Meta(description="Of the answer; null: none came.")]
    latency_ms: float
    error: Annotated[str, Meta(description="Empty: it was taken.")]
    next_at: Annotated[str | None, Meta(description="When it is tried again; null: never.")]


class WebhookView(TypedDict):
    """A webhook and how it does. Its secret is shown when it is made, and never again."""

    id: str
    url: str
    format: Annotated[str, Meta(description="Whose words and signature events are told in.")]
    has_login: Annotated[bool, Meta(description="It is logged in there.")]
    description: str
    events: list[str]
    accounts: list[str]
    tags: list[str]
    enabled: bool
    reason: Annotated[str, Meta(description="Why it is disabled.")]
    created_at: str
    changed_at: str
    delivered: Annotated[int, Meta(description="Events, ever.")]
    given_up: Annotated[int, Meta(description="Events that were given up, ever.")]
    waiting: Annotated[int, Meta(description="Events that wait to be tried again.")]
    next_attempt_at: Annotated[str | None, Meta(description="When the next of them is tried.")]
    failures: Annotated[int, Meta(description="In a row.")]
    failing_since: str | None
    ok_at: Annotated[str | None, Meta(description="When it has last taken an event.")]
    is_replaying: bool
    old_secrets_until: Annotated[str | None, Meta(description="Secrets before the current one sign until then.")]
    verification_key: NotRequired[Annotated[str, Meta(description="The public key, where it signs by a key pair.")]]
    secret: NotRequired[Annotated[str, Meta(description="To verify signatures with. Keep it now.")]]


class WebhookPage(TypedDict):
    data: list[WebhookView]
    next_cursor: None


class WebhookAttemptPage(TypedDict):
    data: list[WebhookAttemptView]
    next_cursor: None


class TestView(TypedDict):
    """What came of a test. The answer itself is not shown."""

    ok: Annotated[bool, Meta(description="The answer was 2xx.")]
    status: Annotated[int | None, Meta(description="Of the answer; null: none came.")]
    latency_ms: float
    error: str


class Wanted(Struct, frozen=True, kw_only=True):
    """What is to be told once more."""

    event: str | None
    since: float | None
    until: float | None


_NEW: Final = msgspec.json.Decoder(NewWebhookRequest)
_CHANGE: Final = msgspec.json.Decoder(WebhookRequest)
_REPLAY: Final = msgspec.json.Decoder(ReplayRequest)


def parse_new_webhook(body: bytes) -> Mapping[str, Any] | Problem:
    """The fields of a webhook that were given. Whether its address is good, and its accounts exist, is for the engine
    to say."""
    faults = Faults()
    request = decode(body, _NEW, faults)
    if isinstance(request, Problem):
        return request
    if request.url is None:
        faults.add("url", "is missing")
    if request.format is not None and request.format not in _FORMATS:
        faults.add("format", unknown(request.format, frozenset(_FORMATS)))
    return _fields(request, faults)


def parse_webhook_change(body: bytes) -> Mapping[str, Any] | Problem:
    faults = Faults()
    request = decode(body, _CHANGE, faults)
    return request if isinstance(request, Problem) else _fields(request, faults)


def parse_replay(body: bytes) -> Wanted | Problem:
    faults = Faults()
    request = decode(body, _REPLAY, faults)
    if isinstance(request, Problem):
        return request
    since = read_instant(request.since, "since", faults)
    until = read_instant(request.until, "until", faults)
    if (request.event is None) == (request.since is None):
        faults.add("event", "give either `event`, or `since`")
    if request.event is not None and request.until is not None:
        faults.add("until", "belongs to `since`")
    if request.event is not None:
        check_filled(request.event, REASON_CHARS_MAX, "event", faults)
    return faults.problem() if faults else Wanted(event=request.event, since=since, until=until)


def render_webhook(webhook: Webhook, progress: Progress, secret: str | None = None) -> WebhookView:
    """With its secret only where that is to be shown."""
    view: WebhookView = {
        "id": webhook.id,
        "url": webhook.url,
        "format": webhook.format,
        "has_login": bool(webhook.login),
        "description": webhook.description,
        "events": list(webhook.events),
        "accounts": list(webhook.accounts),
        "tags": list(webhook.tags),
        "enabled": webhook.enabled,
        "reason": webhook.reason,
        "created_at": instant(webhook.created_at),
        "changed_at": instant(webhook.changed_at),
        "delivered": progress.delivered,
        "given_up": progress.given_up,
        "waiting": len(progress.waiting),
        "next_attempt_at": maybe_instant(min((one.due_at for one in progress.waiting), default=None)),
        "failures": progress.failures,
        "failing_since": maybe_instant(progress.failing_since),
        "ok_at": maybe_instant(progress.ok_at),
        "is_replaying": progress.replay is not None,
        "old_secrets_until": maybe_instant(max((key.until for key in webhook.keys if key.until), default=None)),
    }
    writer = WRITERS.get(webhook.format)
    if writer is not None and writer.public_key is not None and signs_by_key_pair():
        view["verification_key"] = writer.public_key(webhook.keys[0].secret)
    if secret is not None:
        view["secret"] = secret
    return view


def render_webhook_attempt(attempt: WebhookAttempt) -> WebhookAttemptView:
    return {
        "at": instant(attempt.at),
        "event": attempt.event,
        "type": attempt.type,
        "number": attempt.number,
        "status": attempt.status,
        "latency_ms": attempt.latency_ms,
        "error": attempt.error,
        "next_at": maybe_instant(attempt.next_at),
    }


def _fields(request: WebhookRequest, faults: Faults) -> Mapping[str, Any] | Problem:
    _check_events(request.events or (), faults)
    _check_names("accounts", request.accounts or (), REASON_CHARS_MAX, faults)
    _check_names("tags", request.tags or (), TAG_CHARS_MAX, faults)
    if request.description is not None:
        check_line(request.description, REASON_CHARS_MAX, "description", faults)
    _check_login(request.login, faults)
    if faults:
        return faults.problem("The webhook has faulty fields")
    given = {name: getattr(request, name) for name in request.__struct_fields__}
    return {
        name: tuple(dict.fromkeys(value)) if isinstance(value, list) else value
        for name, value in given.items()
        if value is not None
    }


def _check_login(login: str | None, faults: Faults) -> None:
    if login and not _LOGIN.fullmatch(login):
        faults.add("login", "must be user:password, both of printable ASCII without blanks")
    elif login and len(login) > WEBHOOK_LOGIN_CHARS_MAX:
        faults.add("login", f"has {len(login)} characters, at most {WEBHOOK_LOGIN_CHARS_MAX} are allowed")


def _check_events(events: Sequence[str], faults: Faults) -> None:
    if check_count(len(events), WEBHOOK_FILTER_MAX, "events", "types", faults):
        for place, name in enumerate(events):
            if name not in _EVENTS:
                faults.add(f"events[{place}]", unknown(name, _EVENTS))


def _check_names(field: str, names: Sequence[str], chars_max: int, faults: Faults) -> None:
    if check_count(len(names), WEBHOOK_FILTER_MAX, field, field, faults):
        for place, name in enumerate(names):
            check_filled(name, chars_max, f"{field}[{place}]", faults)
