"""What Amazon SES v2 takes, as types. A field that is none of these is refused by its name."""

from typing import Any, Final

import msgspec
from msgspec import Struct


class _Strict(Struct, forbid_unknown_fields=True, omit_defaults=True, rename="pascal", kw_only=True):
    """Names as AWS writes them; as it was given, it can be passed on."""


class Text(_Strict):
    data: str
    charset: str | None = None  # how SES writes it; here all is UTF-8


class Body(_Strict):
    text: Text | None = None
    html: Text | None = None


class Pair(_Strict):
    name: str
    value: str


class File(_Strict):
    raw_content: str
    file_name: str
    content_type: str | None = None
    content_disposition: str | None = None
    content_id: str | None = None
    content_description: str | None = None
    content_transfer_encoding: str | None = None  # how SES writes it, which changes nothing of the file


class Simple(_Strict):
    subject: Text
    body: Body
    headers: list[Pair] | None = None
    attachments: list[File] | None = None


class Raw(_Strict):
    data: str


class TemplateContent(_Strict):
    subject: str | None = None
    text: str | None = None
    html: str | None = None


class Template(_Strict):
    template_name: str | None = None
    template_arn: str | None = None
    template_content: TemplateContent | None = None
    template_data: str | None = None
    headers: list[Pair] | None = None
    attachments: list[File] | None = None


class Content(_Strict):
    simple: Simple | None = None
    raw: Raw | None = None
    template: Template | None = None


class Destination(_Strict):
    to_addresses: list[str] | None = None
    cc_addresses: list[str] | None = None
    bcc_addresses: list[str] | None = None


class Envelope(_Strict):
    """What a mail and a heap of mails have alike."""

    from_email_address: str | None = None
    reply_to_addresses: list[str] | None = None
    from_email_address_identity_arn: str | None = None
    feedback_forwarding_email_address: str | None = None
    feedback_forwarding_email_address_identity_arn: str | None = None
    configuration_set_name: str | None = None
    endpoint_id: str | None = None
    tenant_name: str | None = None
    configuration_overrides: dict[str, Any] | None = None


class Email(Envelope, kw_only=True):
    content: Content
    destination: Destination | None = None
    email_tags: list[Pair] | None = None
    list_management_options: dict[str, Any] | None = None


class BulkContent(_Strict):
    template: Template


class Replacement(_Strict):
    replacement_template_data: str | None = None


class ReplacementContent(_Strict):
    replacement_template: Replacement | None = None


class Entry(_Strict):
    destination: Destination
    replacement_tags: list[Pair] | None = None
    replacement_email_content: ReplacementContent | None = None
    replacement_headers: list[Pair] | None = None


class Bulk(Envelope, kw_only=True):
    default_content: BulkContent
    bulk_email_entries: list[Entry]
    default_email_tags: list[Pair] | None = None


class Suppressed(_Strict):
    email_address: str
    reason: str


FOREIGN: Final = (
    "FromEmailAddressIdentityArn",
    "FeedbackForwardingEmailAddress",
    "FeedbackForwardingEmailAddressIdentityArn",
    "ConfigurationSetName",
    "EndpointId",
    "TenantName",
    "ListManagementOptions",
    "ConfigurationOverrides",
)
"""What only SES can do; beside templates that are kept there."""
EMAIL: Final = msgspec.json.Decoder(Email)
BULK: Final = msgspec.json.Decoder(Bulk)
SUPPRESSED: Final = msgspec.json.Decoder(Suppressed)
