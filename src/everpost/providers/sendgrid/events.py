"""SendGrid's Event Webhook: https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event

Signed are the time stamp and the body as it came, a line end at its end included. What was given as `custom_args`
stands at the top level of each event. A bounce that came by mail later has no `sg_message_id`.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from everpost.model.account import Account
from everpost.model.ids import CORRELATION_KEY
from everpost.model.sighting import Bounce, Machine, Reason, Sighting, SightingKind, Unreadable
from everpost.providers import sightings
from everpost.providers.hooks import Forged, Genuine, HookRequest, Webhook, untimely
from everpost.providers.signing import is_ecdsa_p256

WINDOW_S: Final = 25 * 3600.0  # an event is sent again for 24 h, and it is not told whether it is signed anew
SIGNATURE: Final = "x-twilio-email-event-webhook-signature"
TIMESTAMP: Final = "x-twilio-email-event-webhook-timestamp"

EVENTS: Final = {
    "processed": SightingKind.QUEUED,
    "deferred": SightingKind.DEFERRED,
    "delivered": SightingKind.DELIVERED,
    "bounce": SightingKind.BOUNCED,
    "dropped": SightingKind.REJECTED,
    "open": SightingKind.OPENED,
    "click": SightingKind.CLICKED,
    "spamreport": SightingKind.COMPLAINED,
    "unsubscribe": SightingKind.UNSUBSCRIBED,
    "group_unsubscribe": SightingKind.UNSUBSCRIBED,
    "group_resubscribe": SightingKind.RESUBSCRIBED,
}
CLASSES: Final = {  # bounce_classification
    "invalid address": Reason.INVALID_RECIPIENT,
    "mailbox unavailable": Reason.MAILBOX_UNAVAILABLE,
    "technical": Reason.UNREACHABLE,
    "content": Reason.CONTENT,
    "reputation": Reason.REPUTATION,
    "frequency or volume too high": Reason.RATE_LIMITED,
    "unclassified": Reason.OTHER,
}
DROPS: Final = (
    ("bounced address", Reason.SUPPRESSED_BOUNCE),
    ("unsubscribed address", Reason.SUPPRESSED_UNSUBSCRIBE),
    ("spam reporting address", Reason.SUPPRESSED_COMPLAINT),
    ("spam content", Reason.CONTENT),
    ("package quota", Reason.PROVIDER_QUOTA),
    ("invalid", Reason.INVALID_RECIPIENT),
)
_EVENTS_DECODER: Final = msgspec.json.Decoder(list[msgspec.Raw])


def verify(request: HookRequest, _: Account, secrets: Sequence[str]) -> Genuine | Forged:
    signature, stamp = request.headers.get(SIGNATURE), request.headers.get(TIMESTAMP)
    if not signature or not stamp:
        return Forged("it is not signed: switch the Signed Event Webhook on")
    if late := untimely(stamp, request.received_at, WINDOW_S):
        return late
    unfit = 0
    for key in secrets:
        try:
            if is_ecdsa_p256(key, stamp.encode() + request.body, signature):
                return Genuine()
        except ImportError:
            return Forged("nothing here can check its signature: install everpost[webhooks]")
        except ValueError:
            unfit += 1
    return Forged("webhook_secret is not the verification key of SendGrid" if unfit else "its signature is wrong")


def read(body: bytes) -> tuple[Sighting | Unreadable, ...]:
    try:
        events = _EVENTS_DECODER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return (Unreadable(body, "the body is no JSON array"),)
    return tuple(sightings.read_each(events, _sighting))


def _sighting(event: Mapping[str, Any], raw: bytes) -> Sighting | None:
    native = sightings.text(event.get("event"), sightings.NATIVE_CHARS_MAX)
    if not native:
        return None
    kind = EVENTS.get(native, SightingKind.UNKNOWN)
    message_id = sightings.name(event.get("sg_message_id"))
    group = event.get("asm_group_id") if native.startswith("group_") else None
    return Sighting(
        kind=kind,
        native=native,
        raw=raw,
        event_id=sightings.name(event.get("sg_event_id")),
        at=sightings.instant(event.get("timestamp")),
        recipient=sightings.name(event.get("email")),
        delivery_id=sightings.name(event.get(CORRELATION_KEY)),
        provider_message_id=message_id.partition(".")[0] if message_id else None,
        machine=_machine(event) if kind in (SightingKind.OPENED, SightingKind.CLICKED) else None,
        scope=f"group:{group}"[: sightings.NATIVE_CHARS_MAX] if native.startswith("group_") else None,
        **_diagnosis(kind, event),
    )


def _diagnosis(kind: SightingKind, event: Mapping[str, Any]) -> dict[str, Any]:
    words = sightings.text(event.get("reason")) or sightings.text(event.get("response"))
    if kind is SightingKind.REJECTED:
        drops = (reason for said, reason in DROPS if re.search(said, words, re.IGNORECASE))
        return {"text": words, "reason": next(drops, Reason.OTHER)}
    if kind not in (SightingKind.BOUNCED, SightingKind.DEFERRED):
        return {}
    status = sightings.enhanced_status(sightings.text(event.get("status")), words)
    told = {"text": words, "smtp_code": sightings.reply_code(words), "enhanced_status": status}
    if kind is SightingKind.DEFERRED:
        return told | {"reason": sightings.reason(status, words)}
    classified = CLASSES.get(sightings.text(event.get("bounce_classification")).lower())
    is_hard = event.get("type") != "blocked" and _is_of_the_address(classified, status, words)
    reason = classified or sightings.reason(status, words)
    return told | {"bounce": Bounce.HARD if is_hard else Bounce.SOFT, "reason": reason}


def _is_of_the_address(classified: Reason | None, status: str | None, words: str) -> bool:
    """A refusal for reasons of policy says nothing against the address, whatever else it is called."""
    if status is not None and status.startswith("5.7."):
        return False
    return sightings.is_hard(status, words) if classified is None else classified is Reason.INVALID_RECIPIENT


def _machine(event: Mapping[str, Any]) -> Machine | None:
    if event.get("sg_machine_open") is True:
        return Machine.APPLE_MPP
    return sightings.machine(sightings.text(event.get("useragent")))


WEBHOOK: Final = Webhook(verify=verify, read=read, window_s=WINDOW_S)
