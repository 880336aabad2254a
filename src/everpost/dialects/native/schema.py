"""What the native API takes, as types. The parsers and the OpenAPI document rest on them."""

from typing import Annotated, Any, Final

from msgspec import Meta, Struct, field

from everpost.model import limits
from everpost.model.act import Action, Decision
from everpost.model.capability import UNSEEN, Loss
from everpost.model.delivery import DeliveryState
from everpost.model.message import OnUnknown

REQUIRED: Final = {"x-required": True}
"""Marks a field that must be given. Its type has a default all the same, so that it can be missed together with all
other faults; the OpenAPI document tells it as required."""
ALLOWED: Final = (
    "What the mail may lose at a provider that has no place for it; others are skipped. "
    "It adds to what the route allows; empty: it may lose nothing. Default: the route's, and where that says nothing, "
    f"what no reader can see, {', '.join(f'`{loss}`' for loss in Loss if loss in UNSEEN)}."
)
TIME: Final = "RFC 3339 (`2030-01-31T09:00:00Z`) or seconds since the Unix epoch."


class AddressObject(Struct, forbid_unknown_fields=True):
    """An address in two parts."""

    email: Annotated[str, Meta(examples=["ann@example.com"])]
    name: Annotated[str | None, Meta(examples=["Ann"])] = None


AnAddress = str | AddressObject
Addresses = str | AddressObject | list[str | AddressObject] | None


class AttachmentObject(Struct, forbid_unknown_fields=True, kw_only=True):
    """A file that goes with the mail."""

    filename: Annotated[str, Meta(examples=["invoice.pdf"])]
    content: Annotated[str, Meta(description="The bytes in base64 (RFC 4648, with padding).")]
    content_type: Annotated[str | None, Meta(description="Default: by the file name's ending.")] = None
    content_id: Annotated[str | None, Meta(description="Set: shown inline, where the html says `cid:…`.")] = None


class TemplateObject(Struct, forbid_unknown_fields=True, kw_only=True):
    """A template of the project, and what it is filled in with."""

    id: str
    data: Annotated[dict[str, Any] | None, Meta(description="By name.")] = None


class EmailRequest(Struct, forbid_unknown_fields=True, kw_only=True):
    """A mail to be sent. An address is a string (`ann@example.com`, `Ann <ann@example.com>`) or an object."""

    from_: Annotated[AnAddress | None, Meta(description="Whom the mail is from.", extra_json_schema=REQUIRED)] = field(
        name="from", default=None
    )
    to: Annotated[
        Addresses,
        Meta(description=f"At most {limits.RECIPIENTS_MAX} with cc and bcc.", extra_json_schema=REQUIRED),
    ] = None
    cc: Addresses = None
    bcc: Addresses = None
    reply_to: Annotated[Addresses, Meta(description=f"At most {limits.REPLY_TO_MAX}.")] = None
    subject: Annotated[
        str | None,
        Meta(
            description=f"Required without template and provider_options. {limits.SUBJECT_CHARS_MAX} characters. "
            "It stands before the template's."
        ),
    ] = None
    text: Annotated[
        str | None, Meta(description="Text, html or both are required without template and provider_options.")
    ] = None
    html: str | None = None
    template: Annotated[
        TemplateObject | None,
        Meta(description="Where its words stand. It is filled in now: later changes of the template change nothing."),
    ] = None
    attachments: Annotated[
        list[AttachmentObject] | None,
        Meta(description=f"At most {limits.ATTACHMENTS_MAX}; all content at most {limits.CONTENT_BYTES_MAX} bytes."),
    ] = None
    headers: Annotated[
        dict[str, str] | None, Meta(description="Further headers; those that have a field of their own are refused.")
    ] = None
    tags: Annotated[list[str] | None, Meta(description=f"At most {limits.TAGS_MAX}, to find mails by.")] = None
    metadata: Annotated[
        dict[str, str] | None, Meta(description=f"Your own data; at most {limits.METADATA_KEYS_MAX} entries.")
    ] = None
    stream: Annotated[
        str | None,
        Meta(
            description="What it is part of, such as `newsletter`. Who unsubscribes from that gets all other mail.",
            examples=["newsletter"],
        ),
    ] = None
    unsubscribe: Annotated[
        bool | None,
        Meta(
            description="Adds `List-Unsubscribe` and `List-Unsubscribe-Post` (RFC 8058): one click ends the mail of "
            "its stream to this recipient, or all mail where it names none. The mail must have exactly one recipient."
        ),
    ] = None
    ignore_unsubscribe: Annotated[
        bool | None,
        Meta(
            description="It is mail of an account, such as a password reset: who has unsubscribed gets it, too, which "
            "the trail tells; after a hard bounce or a complaint nobody does. Needs a key of scope `admin`."
        ),
    ] = None
    send_at: Annotated[float | str | None, Meta(description=f"Not before then, at most a year ahead. {TIME}")] = None
    expires_at: Annotated[float | str | None, Meta(description=f"Fails if not handed over by then. {TIME}")] = None
    route: Annotated[str, Meta(description="Which accounts may carry it.")] = "default"
    on_unknown: Annotated[
        OnUnknown | None,
        Meta(description="When nobody can tell whether a provider has it: send again, or hold. Default: the route's."),
    ] = None
    resolve_within_s: Annotated[
        float | None, Meta(description="How long to look for certainty before on_unknown applies.")
    ] = None
    allow_loss: Annotated[list[Loss] | None, Meta(description=ALLOWED)] = None
    provider_options: Annotated[
        dict[str, dict[str, Any]] | None,
        Meta(description="By provider name; passed through untouched, and pins the mail to these providers."),
    ] = None


class RouteAccountObject(Struct, forbid_unknown_fields=True, kw_only=True):
    """A place on a route."""

    account: str
    weight: Annotated[float | None, Meta(description="With weights, chance picks who goes first.")] = None
    paused: bool = False


class RouteRequest(Struct, forbid_unknown_fields=True, kw_only=True):
    """A route, whole. What is left out falls back to its default; `name` and `default` may repeat what was read."""

    accounts: Annotated[list[RouteAccountObject], Meta(description="In order; the first one is the default.")]
    name: str | None = None
    default: str | None = None
    on_unknown: OnUnknown = OnUnknown.RESEND
    resolve_within_s: float = 3600.0
    give_up_after_s: float = 72 * 3600.0
    allow_loss: Annotated[
        list[Loss] | None,
        Meta(description="What its mails may lose at a provider. Left out or null: what no reader can see."),
    ] = None
    version: Annotated[int | None, Meta(description="The version that was read; or send it as If-Match.")] = None
    reason: Annotated[str | None, Meta(description="Why it is changed; told with the event of the change.")] = None


class ReasonRequest(Struct, forbid_unknown_fields=True):
    """Why it is done."""

    reason: Annotated[str | None, Meta(description="Told with the event, beside who has done it.")] = None


class SketchedFile(Struct, forbid_unknown_fields=True, kw_only=True):
    """A file that would go with the mail, without its content."""

    filename: str
    content_type: str | None = None
    content_id: Annotated[str | None, Meta(description="Set: it is inline.")] = None


class ExplainRequest(Struct, forbid_unknown_fields=True, kw_only=True):
    """A mail in outline. What is left out is small and plain."""

    from_: Annotated[AnAddress | None, Meta(description="Whom it would be from.", extra_json_schema=REQUIRED)] = field(
        name="from", default=None
    )
    to: Annotated[Addresses, Meta(description=f"At most {limits.RECIPIENTS_MAX}.", extra_json_schema=REQUIRED)] = None
    size_bytes: Annotated[int, Meta(description="Of text, html and decoded attachments together.")] = 0
    tags: list[str] | None = None
    stream: str | None = None
    attachments: list[SketchedFile] | None = None
    headers: dict[str, str] | None = None
    metadata: dict[str, str] | None = None
    allow_loss: Annotated[list[Loss] | None, Meta(description=ALLOWED)] = None
    raw: Annotated[bool, Meta(description="It would go out as it stands, as by `/v1/emails/raw`.")] = False
    ignore_unsubscribe: Annotated[
        bool | None, Meta(description="It would be mail of an account, and go to those who have unsubscribed, too.")
    ] = None


_WHY: Final = f"Why, for the trail; at most {limits.REASON_CHARS_MAX} characters, without addresses."


class CancelRequest(Struct, forbid_unknown_fields=True):
    """Why a mail is cancelled."""

    reason: Annotated[str, Meta(description=_WHY)] = ""


class RescheduleRequest(Struct, forbid_unknown_fields=True, kw_only=True):
    """Another time for a mail that was never begun."""

    send_at: Annotated[
        float | str | None, Meta(description=f"Before the mail expires. {TIME}", extra_json_schema=REQUIRED)
    ] = None
    reason: Annotated[str | None, Meta(description=_WHY, extra_json_schema=REQUIRED)] = None


class ResendRequest(Struct, forbid_unknown_fields=True, kw_only=True):
    """Why a mail is sent again, as a new one."""

    reason: Annotated[str | None, Meta(description=_WHY, extra_json_schema=REQUIRED)] = None
    send_at: Annotated[float | str | None, Meta(description=f"Not before then; default: now. {TIME}")] = None


class ResolveRequest(Struct, forbid_unknown_fields=True, kw_only=True):
    """What a person says of a mail of which nobody can tell."""

    decision: Annotated[
        Decision | None,
        Meta(
            description="sent: the provider has it; failed: it is not sent, and will not be; resend: it goes back into "
            "the queue, and is sent twice if the provider has it after all.",
            extra_json_schema=REQUIRED,
        ),
    ] = None
    reason: Annotated[str | None, Meta(description=_WHY, extra_json_schema=REQUIRED)] = None
    attempts: Annotated[
        int | None, Meta(description="`attempts` of the delivery as you have seen it; refused if there was another.")
    ] = None


class FilterObject(Struct, forbid_unknown_fields=True, kw_only=True):
    """Which mails. All given conditions hold together."""

    state: Annotated[DeliveryState | None, Meta(description="Of its delivery.")] = None
    recipient: Annotated[str | None, Meta(description="An address, in any case of letters.")] = None
    tag: Annotated[str | None, Meta(description="One of its tags.")] = None
    account: Annotated[str | None, Meta(description="The account of the current or last attempt.")] = None
    created_from: Annotated[float | str | None, Meta(description=f"Accepted then or later. {TIME}")] = None
    created_before: Annotated[float | str | None, Meta(description=f"Accepted earlier. {TIME}")] = None


class SearchRequest(Struct, forbid_unknown_fields=True, kw_only=True):
    """A list of mails. Unlike in the query of an address, no log of a proxy shows what is looked for."""

    filter: FilterObject = field(default_factory=FilterObject)
    limit: Annotated[int, Meta(description=f"Entries on a page, at most {limits.PAGE_MAX}.")] = limits.PAGE_DEFAULT
    cursor: Annotated[str | None, Meta(description="`next_cursor` of the page before.")] = None


class BulkRequest(Struct, forbid_unknown_fields=True, kw_only=True):
    """One action on all mails that a filter finds."""

    action: Annotated[Action | None, Meta(extra_json_schema=REQUIRED)] = None
    filter: Annotated[FilterObject | None, Meta(description="At least one condition.", extra_json_schema=REQUIRED)] = (
        None
    )
    reason: Annotated[str | None, Meta(description=_WHY, extra_json_schema=REQUIRED)] = None
    dry_run: Annotated[bool, Meta(description="Only say what would be done.")] = False
    send_at: Annotated[
        float | str | None, Meta(description=f"Of reschedule; of resend: not before then, default now. {TIME}")
    ] = None
    decision: Annotated[Decision | None, Meta(description="Of resolve.")] = None
    cursor: Annotated[str | None, Meta(description="`next_cursor` of the step before.")] = None
