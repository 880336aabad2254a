"""What the native API gives, as types. The renderers and the OpenAPI document rest on them."""

from typing import Annotated, Any, NotRequired, TypedDict

from msgspec import Meta

from everpost.dialects.faults import FAULTS_MAX

# --- mail ------------------------------------------------------------------------------------------------------------


class AddressView(TypedDict):
    email: str
    name: str


class RecipientView(AddressView):
    kind: Annotated[str, Meta(description="to, cc or bcc.")]
    state: Annotated[
        str,
        Meta(
            description="pending, cancelled, held, suppressed, sent, deferred, rejected, bounced, delivered, "
            "unsubscribed or complained: the furthest that is known."
        ),
    ]
    reason: Annotated[str, Meta(description="Why, where a provider has told it.")]
    told_at: Annotated[str | None, Meta(description="When that happened; null: no provider has told of it.")]


class AttemptView(TypedDict):
    """One request to one account, or the reason why an account was skipped."""

    number: Annotated[int | None, Meta(description="Null: the account was skipped.")]
    account: str
    why: str
    outcome: Annotated[
        str,
        Meta(description="accepted, held, rejected, refused, throttled, unavailable or unknown; skipped; running."),
    ]
    started_at: str
    latency_ms: float | None
    status: Annotated[int | None, Meta(description="The provider's HTTP status or SMTP code.")]
    text: Annotated[str, Meta(description="The provider's own words.")]
    provider_message_id: str | None
    resolution: Annotated[str | None, Meta(description="What a later question found out about an unknown outcome.")]


class AcceptedView(TypedDict):
    """What is durable when the answer arrives."""

    id: str
    state: str
    created_at: str
    recipients: list[RecipientView]
    attempts: list[AttemptView]


class DeliveryView(TypedDict):
    """What is queued, routed and retried: one mail to recipients that share an envelope."""

    id: str
    state: str
    account: Annotated[str | None, Meta(description="Of the current or last attempt.")]
    attempts: int
    reason: str
    due_at: Annotated[str | None, Meta(description="When it is looked at next; null when final.")]
    expires_at: str
    provider_message_id: str | None


# `from` can't be declared in the body of a class.
_Sender = TypedDict("_Sender", {"from": AddressView})


class EmailView(_Sender):
    """A mail, how it stands and every attempt to hand it over. Its content is not shown."""

    id: str
    state: Annotated[str, Meta(description="queued, sending, uncertain, sent, failed, cancelled or held.")]
    created_at: str
    updated_at: str
    subject: str
    recipients: list[RecipientView]
    deliveries: list[DeliveryView]
    tags: list[str]
    metadata: dict[str, str]
    route: str
    send_at: str | None
    expires_at: str | None
    attempts: list[AttemptView]
    removed: Annotated[
        list[str],
        Meta(
            description="What is no longer kept of it: `content`, and with it the subject; `recipients`, which are "
            "tokens from then on."
        ),
    ]


class EmailPage(TypedDict):
    data: list[EmailView]
    next_cursor: Annotated[str | None, Meta(description="Null: this is the last page.")]


class EventView(TypedDict):
    """A fact, as a CloudEvents 1.0 envelope in structured JSON."""

    specversion: str
    id: Annotated[str, Meta(description="The same fact told twice has the same id.")]
    source: str
    type: str
    subject: NotRequired[Annotated[str, Meta(description="The mail or the account that it is about.")]]
    time: str
    datacontenttype: str
    sequence: Annotated[str, Meta(description="Grows in commit order; compares as text.")]
    data: dict[str, Any]


class EventPage(TypedDict):
    data: list[EventView]
    next_cursor: Annotated[str, Meta(description="Where to go on, as `after`; stays good when there is nothing new.")]


# --- suppressions -----------------------------------------------------------------------------------------------------


class SuppressionView(TypedDict):
    address: str
    reason: str
    created_at: str


class SuppressionPage(TypedDict):
    data: list[SuppressionView]
    next_cursor: Annotated[str | None, Meta(description="Null: this is the last page.")]


class LineFaultView(TypedDict):
    line: Annotated[int, Meta(description="Counted from 1.")]
    message: Annotated[str, Meta(description="What is wrong with it.")]


class ImportView(TypedDict):
    """What was done, or what would be. Lines that are good are taken, whatever the others are like."""

    dry_run: bool
    suppressed: Annotated[int, Meta(description="Addresses.")]
    faulty: Annotated[int, Meta(description="Lines that were left out.")]
    errors: Annotated[list[LineFaultView], Meta(description=f"The first {FAULTS_MAX} of them.")]


class ErasureView(TypedDict):
    """What was done, or what would be."""

    dry_run: bool
    messages: Annotated[int, Meta(description="Mails that the recipient was taken out of.")]
    cancelled: Annotated[int, Meta(description="Of these, mails that were still queued for nobody else.")]
    suppressed: Annotated[bool, Meta(description="The address must not be written to, before and after.")]


class AttachmentView(TypedDict):
    filename: str
    content_type: str
    size_bytes: int


_Written = TypedDict("_Written", {"from": str})


class CaughtView(_Written):
    """A mail that a sandbox provider has taken."""

    id: str
    provider: str
    received_at: str
    delivery_id: str | None
    provider_message_id: str
    to: list[str]
    cc: list[str]
    bcc: list[str]
    subject: str
    text: str | None
    html: str | None
    headers: dict[str, str]
    tags: list[str]
    metadata: dict[str, str]
    attachments: list[AttachmentView]


class CaughtPage(TypedDict):
    data: list[CaughtView]
    next_cursor: None
