"""Postmark's webhooks: https://postmarkapp.com/developer/webhooks/webhooks-overview

They are not signed; Postmark logs in by HTTP Basic. One event comes at a time. It is sent again after 429 and 5xx and
after no other refusal. There is none that says that a mail was taken.
"""

from collections.abc import Mapping
from typing import Any, Final

from everpost.model.ids import CORRELATION_KEY
from everpost.model.sighting import Reason, Sighting, SightingKind, Unreadable
from everpost.providers import sightings
from everpost.providers.hooks import UNDATED_S, Webhook, by_login
from everpost.providers.reading import at

NOBODYS: Final = "00000000-0000-0000-0000-000000000000"  # the id of no mail, where a list was changed by hand
TIMES: Final = ("DeliveredAt", "BouncedAt", "ReceivedAt", "ChangedAt")

RECORDS: Final = {
    "Delivery": SightingKind.DELIVERED,
    "SpamComplaint": SightingKind.COMPLAINED,
    "Open": SightingKind.OPENED,
    "Click": SightingKind.CLICKED,
    "Inbound": SightingKind.INBOUND,
}
BOUNCES: Final[Mapping[str, tuple[SightingKind, Reason | None]]] = {  # by Type; the reason, where that tells it
    "HardBounce": (SightingKind.BOUNCED, None),
    "SoftBounce": (SightingKind.BOUNCED, None),
    "Blocked": (SightingKind.BOUNCED, Reason.BLOCKED),
    "DnsError": (SightingKind.BOUNCED, Reason.UNREACHABLE),
    "DMARCPolicy": (SightingKind.BOUNCED, Reason.AUTH),
    "SpamNotification": (SightingKind.BOUNCED, Reason.CONTENT),
    "VirusNotification": (SightingKind.BOUNCED, Reason.VIRUS),
    "Unknown": (SightingKind.BOUNCED, None),
    "Transient": (SightingKind.DEFERRED, None),
    "BadEmailAddress": (SightingKind.REJECTED, Reason.INVALID_RECIPIENT),
    "ManuallyDeactivated": (SightingKind.REJECTED, Reason.SUPPRESSED_MANUAL),
    "SMTPApiError": (SightingKind.REJECTED, Reason.SUPPRESSED_MANUAL),
    "TemplateRenderingFailed": (SightingKind.FAILED, Reason.TEMPLATE),
    "AutoResponder": (SightingKind.AUTORESPONDED, None),
    "AddressChange": (SightingKind.AUTORESPONDED, None),
    "ChallengeVerification": (SightingKind.AUTORESPONDED, None),
    "SpamComplaint": (SightingKind.COMPLAINED, None),
    "Unsubscribe": (SightingKind.UNSUBSCRIBED, None),
    "Subscribe": (SightingKind.RESUBSCRIBED, None),
}
LISTED: Final = {
    "HardBounce": Reason.SUPPRESSED_BOUNCE,
    "SpamComplaint": Reason.SUPPRESSED_COMPLAINT,
    "ManualSuppression": Reason.SUPPRESSED_MANUAL,
}


def read(body: bytes) -> tuple[Sighting | Unreadable, ...]:
    events = sightings.raws_of(body)
    if events is None:
        return (Unreadable(body, "the body is no JSON object"),)
    return tuple(sightings.read_each(events, _sighting))


def _sighting(event: Mapping[str, Any], raw: bytes) -> Sighting | None:
    record = sightings.text(event.get("RecordType"), sightings.NATIVE_CHARS_MAX)
    record = record or ("Inbound" if "FromFull" in event else "")
    if not record:
        return None
    type_ = sightings.text(event.get("Type"), sightings.NATIVE_CHARS_MAX)
    message_id = sightings.name(event.get("MessageID"))
    message_id = None if message_id == NOBODYS else message_id
    happened = next((told for name in TIMES if (told := sightings.text(event.get(name)))), "")
    named = (sightings.name(event.get(name)) for name in ("Email", "Recipient", "OriginalRecipient"))
    recipient = next((each for each in named if each), None)
    return Sighting(
        native=f"{record}/{type_}" if type_ else record,
        raw=raw,
        event_id=_event_id(record, event.get("ID"), message_id, recipient, happened),
        at=sightings.iso_instant(happened),
        recipient=recipient,
        delivery_id=sightings.name(at(event, "Metadata", CORRELATION_KEY)),
        provider_message_id=message_id,
        **_told(record, type_, event),
    )


def _event_id(record: str, id_: Any, message_id: str | None, recipient: str | None, happened: str) -> str:
    """Bounces alone are numbered. Postmark's own mark of a repeat stands in a header; this is the same in it."""
    if record == "Bounce" and isinstance(id_, int):
        return f"bounce:{id_}"
    return f"inbound:{message_id}" if record == "Inbound" else f"{record}:{message_id}:{recipient}:{happened}"


def _told(record: str, type_: str, event: Mapping[str, Any]) -> dict[str, Any]:
    if record == "Bounce":
        return _bounced(type_, sightings.text(event.get("Details")) or sightings.text(event.get("Description")))
    if record == "SubscriptionChange":
        return _changed(event)
    kind = RECORDS.get(record, SightingKind.UNKNOWN)
    is_seen = kind in (SightingKind.OPENED, SightingKind.CLICKED)
    return {
        "kind": kind,
        "machine": sightings.machine(sightings.text(event.get("UserAgent"))) if is_seen else None,
    }


def _bounced(type_: str, words: str) -> dict[str, Any]:
    kind, named = BOUNCES.get(type_, (SightingKind.UNKNOWN, None))
    if kind not in (SightingKind.BOUNCED, SightingKind.DEFERRED):
        return {"kind": kind, "reason": named, "text": words}
    status = sightings.enhanced_status(words)
    told = {"kind": kind, "text": words, "smtp_code": sightings.reply_code(words), "enhanced_status": status}
    if kind is SightingKind.DEFERRED:
        return told | {"reason": sightings.reason(status, words)}
    return told | sightings.refusal(status, words, of_address=type_ == "HardBounce", named=named)


def _changed(event: Mapping[str, Any]) -> dict[str, Any]:
    """Of the list of a stream. Who unsubscribes leaves that stream, and not all mail."""
    if event.get("SuppressSending") is False:
        return {"kind": SightingKind.SUPPRESSION_REMOVED}
    why = sightings.text(event.get("SuppressionReason"))
    if event.get("Origin") == "Recipient" and why == "ManualSuppression":
        stream = sightings.text(event.get("MessageStream"), sightings.NATIVE_CHARS_MAX)
        return {"kind": SightingKind.UNSUBSCRIBED, "scope": f"stream:{stream}"[: sightings.NATIVE_CHARS_MAX]}
    return {"kind": SightingKind.SUPPRESSION_ADDED, "reason": LISTED.get(why, Reason.OTHER)}


WEBHOOK: Final = Webhook(verify=by_login, read=read, window_s=UNDATED_S, again_status=429, refused_status=429)
