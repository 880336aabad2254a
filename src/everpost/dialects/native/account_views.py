"""What the native API gives of accounts and routes, as types."""

from typing import Annotated, TypedDict

from msgspec import Meta

from everpost.model import limits


class CircuitView(TypedDict):
    state: Annotated[str, Meta(description="closed, open or half_open.")]
    reason: str
    until: Annotated[str | None, Meta(description="Open: when the next probe may go.")]
    share: Annotated[float, Meta(description="Closed: the part of the traffic that it may take.")]


class QuotaView(TypedDict):
    """Recipients per second, day and month; only what is limited is named."""

    limit: dict[str, int]
    left: dict[str, int]


class RecordsView(TypedDict):
    """Whether the mail that an account has accepted shows in its provider's records; a few mails are looked for."""

    unconfirmed: Annotated[bool, Meta(description="It is in doubt: most of the latest mails are missing.")]
    looked_for: Annotated[int, Meta(description="The latest mails that were looked for.")]
    missing: Annotated[int, Meta(description="Of these, mails that should have been there and were not.")]
    missing_since: Annotated[str | None, Meta(description="When the first of the missing mails was accepted.")]
    shown_at: Annotated[str | None, Meta(description="When the latest mail that was found had been accepted.")]
    lag_s: Annotated[float, Meta(description="How long they have taken at most, lately, to show a mail.")]


class DeliveringView(TypedDict):
    """Whether what an account accepts is reported delivered in time; a few mails are listened for, where its webhooks
    are set up."""

    slow: Annotated[bool, Meta(description="It is slow by its own past, and gets a tenth of the mail.")]
    slow_since: Annotated[str | None, Meta(description="When the first of the mails was accepted that were late.")]
    listened_for: Annotated[int, Meta(description="The latest mails that were listened for.")]
    silent: Annotated[int, Meta(description="Of these, mails of which nothing was told.")]
    share: Annotated[float | None, Meta(description="Of these, those delivered in time; null: there are none.")]
    usual_share: Annotated[float, Meta(description="The same as a rule, by the account's own past.")]


class RecentView(TypedDict):
    """How its latest requests went, over all processes."""

    window_s: Annotated[float, Meta(description="How far back they are counted.")]
    ok: Annotated[int, Meta(description="Answered as a working account does, be it by a refusal of the mail.")]
    failed: Annotated[int, Meta(description="Not answered, or not to be trusted.")]
    share: Annotated[float | None, Meta(description="Of all of them, those that were ok; null: there were none.")]


class PlaceView(TypedDict):
    """Its place on a route."""

    route: str
    place: Annotated[int, Meta(description="Counted from 1, the first one being the default.")]
    weight: float | None
    paused: bool


class AccountView(TypedDict):
    """An account and how it does. Credentials are never shown."""

    name: str
    provider: str
    is_default: bool
    routes: list[PlaceView]
    circuit: CircuitView
    recent: RecentView
    waiting: Annotated[
        int,
        Meta(
            description=f"Of the newest {limits.WAITING_LOOKS_MAX} mails of your project that are queued and due: "
            "those that would go to it next, or wait for it. At most 5 seconds old."
        ),
    ]
    records: RecordsView
    delivering: DeliveringView
    quota: QuotaView
    in_flight: int
    max_concurrency: int
    failures: Annotated[int, Meta(description="In a row.")]
    ok_at: str | None
    failed_at: str | None
    failing_since: str | None
    last_error: str
    last_error_at: str | None
    recipients: Annotated[list[str], Meta(description="Allowed recipients; empty: all.")]
    senders: Annotated[list[str], Meta(description="Allowed sender domains; empty: all.")]


class ProbeView(TypedDict):
    """What its provider has answered to a question that sends nothing."""

    account: str
    verdict: Annotated[
        str,
        Meta(
            description="works: it accepts the credentials; refused: it does not; unreachable: no whole answer came; "
            "unclear: the answer says nothing of them; unasked: the provider has nothing that could be asked."
        ),
    ]
    text: Annotated[str, Meta(description="The same in words, with the provider's own.")]
    status: Annotated[int | None, Meta(description="The HTTP status or SMTP code of the answer.")]
    latency_ms: float | None


class AccountPage(TypedDict):
    data: list[AccountView]
    next_cursor: None


class RouteAccountView(TypedDict):
    account: str
    weight: float | None
    paused: bool


class RouteView(TypedDict):
    name: str
    default: str
    accounts: list[RouteAccountView]
    on_unknown: str
    resolve_within_s: float
    give_up_after_s: float
    allow_loss: Annotated[
        list[str] | None, Meta(description="What its mails may lose at a provider; null: what no reader can see.")
    ]
    version: Annotated[int, Meta(description="0: as configured, never changed since.")]


class CandidateView(TypedDict):
    """An account of the route, and why it is chosen, or why not."""

    account: str
    share: Annotated[float, Meta(description="Of such mail that it would be given: 0 to 1. Chance draws by weight.")]
    reason: str
    lost: Annotated[list[str], Meta(description="What of the mail it would leave out, by the names of `allow_loss`.")]


class NeedsView(TypedDict):
    """What such a mail needs of whoever carries it."""

    recipients: int
    size_bytes: int
    raw: Annotated[bool, Meta(description="It goes out as it stands.")]
    attachments: int
    inline: Annotated[int, Meta(description="Of these, shown inline.")]
    calendar: Annotated[int, Meta(description="Of these, invitations and answers to them.")]
    headers: int
    message_id: Annotated[bool, Meta(description="It has one of its own.")]
    tags: int
    metadata: int


class ExplanationView(TypedDict):
    """Where such a mail would go if it came now."""

    route: str
    prospect: Annotated[
        str,
        Meta(
            description="sent: an account takes it at once; waits: none can now; refused: none ever can, so that it "
            "would not be accepted."
        ),
    ]
    account: Annotated[str | None, Meta(description="That most of such mail goes to; null: none takes it now.")]
    reason: str
    until: Annotated[str | None, Meta(description="With waits: when the accounts are looked at again.")]
    accounts: Annotated[list[CandidateView], Meta(description="All of the route, in its order.")]
    needs: NeedsView
    allow_loss: Annotated[list[str], Meta(description="What it may lose, by what it and the route allow.")]
    suppressed: Annotated[list[str], Meta(description="Recipients that it would not be sent to.")]


class RoutePage(TypedDict):
    data: list[RouteView]
    next_cursor: None
