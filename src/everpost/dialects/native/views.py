"""What the native API gives, as types. The renderers and the OpenAPI document rest on them."""

from typing import Annotated, Any, NotRequired, TypedDict

from msgspec import Meta

from everpost.dialects.faults import FAULTS_MAX
from everpost.model.limits import BULK_MAX

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
    lost: Annotated[list[str], Meta(description="What the provider has no place for, by the names of `allow_loss`.")]


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
    """A mail, how it stands and every attempt to hand it over. Its content is shown apart."""

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
    send_at: Annotated[str | None, Meta(description="Not before then, as submitted or as moved since.")]
    expires_at: str | None
    resend_of: Annotated[str | None, Meta(description="The mail that it was made of again.")]
    attempts: list[AttemptView]
    removed: Annotated[
        list[str],
        Meta(
            description="What is no longer kept of it: `content`, and with it the subject; `recipients`, which are "
            "tokens from then on."
        ),
    ]


class StoredAttachmentView(TypedDict):
    """A file of a mail; its bytes are at `/v1/emails/ID/attachments/PLACE`, places counted from 0."""

    filename: str
    content_type: str
    content_id: Annotated[str | None, Meta(description="Set: shown inline, where the html says `cid:…`.")]
    size_bytes: Annotated[int | None, Meta(description="Null: it lies outside the store.")]


class ContentView(TypedDict):
    """What a mail says, as it is stored."""

    id: str
    subject: str
    text: str | None
    html: str | None
    headers: Annotated[dict[str, str], Meta(description="Those that its sender has added.")]
    attachments: list[StoredAttachmentView]
    removed: Annotated[list[str], Meta(description="`content`: nothing of it is kept any more.")]


class BulkRefusalView(TypedDict):
    id: str
    code: str
    detail: str


class BulkView(TypedDict):
    """What was done, or what would be."""

    dry_run: bool
    at: Annotated[str, Meta(description="When this began; as `created_before`, it leaves out what came later.")]
    matched: Annotated[int, Meta(description=f"Mails that the filter has found, at most {BULK_MAX} by one request.")]
    done: Annotated[int, Meta(description="Of these, mails that it was done to, or would be.")]
    refused: Annotated[list[BulkRefusalView], Meta(description="The others.")]
    next_cursor: Annotated[str | None, Meta(description="Where to go on, as `cursor`; null: these were all.")]


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
    stream: Annotated[str | None, Meta(description="Only mail of this stream is stopped. Null: all mail.")]
    source: Annotated[
        str, Meta(description="How it is known: bounce, complaint, unsubscribe, person, import or account.")
    ]
    reason: str
    created_at: str
    expires_at: Annotated[str | None, Meta(description="From then on it stops nothing. Null: never.")]


class SuppressionPage(TypedDict):
    data: list[SuppressionView]
    next_cursor: Annotated[str | None, Meta(description="Null: this is the last page.")]


class LineFaultView(TypedDict):
    line: Annotated[int, Meta(description="Counted from 1.")]
    message: Annotated[str, Meta(description="What is wrong with it.")]


class ImportView(TypedDict):
    """What was done, or what would be. Lines that are good are taken, whatever the others are like."""

    dry_run: bool
    suppressed: Annotated[int, Meta(description="Addresses, each once for all mail and for each stream.")]
    faulty: Annotated[int, Meta(description="Lines that were left out.")]
    errors: Annotated[list[LineFaultView], Meta(description=f"The first {FAULTS_MAX} of them.")]


class ErasureView(TypedDict):
    """What was done, or what would be."""

    dry_run: bool
    messages: Annotated[int, Meta(description="Mails that the recipient was taken out of.")]
    cancelled: Annotated[int, Meta(description="Of these, mails that were still queued for nobody else.")]
    suppressed: Annotated[bool, Meta(description="No mail may go to the address, before and after.")]


class AttachmentView(TypedDict):
    filename: str
    content_type: str
    size_bytes: int
    content_id: str | None


class FindingView(TypedDict):
    """What may go wrong where the mail is read."""

    code: str
    level: Annotated[str, Meta(description="`fault` or `warning`.")]
    title: str
    advice: str
    count: int
    examples: list[str]


_Written = TypedDict("_Written", {"from": str})


class CaughtSummary(_Written):
    """A mail that a sandbox provider has taken, without its content."""

    id: str
    provider: str
    received_at: str
    delivery_id: str | None
    provider_message_id: str
    to: list[str]
    cc: list[str]
    bcc: list[str]
    subject: str
    tags: list[str]
    metadata: dict[str, str]
    attachments: list[AttachmentView]


class CaughtView(CaughtSummary):
    """A mail that a sandbox provider has taken."""

    reply_to: list[str]
    text: str | None
    html: str | None
    headers: Annotated[dict[str, str], Meta(description="Those that the caller has set.")]
    findings: Annotated[list[FindingView], Meta(description="Of its html; the worst first.")]


class CaughtPage(TypedDict):
    data: list[CaughtSummary]
    next_cursor: str | None
