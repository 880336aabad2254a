"""Mailgun's webhooks: https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/webhooks

Signed are a time stamp and a token, which stand in the body; the event beside them is not. So a token is good for one
body, and the address of the webhook has to be HTTPS. An event's id is unique within a day.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from everpost.model.account import Account
from everpost.model.ids import CORRELATION_KEY, DELIVERY_ID
from everpost.model.sighting import Bounce, Machine, Reason, Sighting, SightingKind, Unreadable
from everpost.providers import sightings
from everpost.providers.hooks import Forged, Genuine, HookRequest, Webhook, untimely
from everpost.providers.reading import at, decoded
from everpost.providers.signing import is_hmac_sha256

WINDOW_S: Final = 9 * 3600.0  # an event is sent again for 8 h
TOKEN_CHARS_MAX: Final = 128
SIGNATURES: Final = ("signature", "parent-signature")  # of a subaccount's events there are both

EVENTS: Final = {
    "accepted": SightingKind.QUEUED,
    "delivered": SightingKind.DELIVERED,
    "failed/temporary": SightingKind.DEFERRED,
    "failed/permanent": SightingKind.BOUNCED,
    "rejected": SightingKind.REJECTED,
    "opened": SightingKind.OPENED,
    "clicked": SightingKind.CLICKED,
    "unsubscribed": SightingKind.UNSUBSCRIBED,
    "complained": SightingKind.COMPLAINED,
}
SUPPRESSED: Final = {  # `reason` of a permanent failure that no server was asked about
    "suppress-bounce": Reason.SUPPRESSED_BOUNCE,
    "suppress-complaint": Reason.SUPPRESSED_COMPLAINT,
    "suppress-unsubscribe": Reason.SUPPRESSED_UNSUBSCRIBE,
}
BOTS: Final = {"apple": Machine.APPLE_MPP, "gmail": Machine.IMAGE_PROXY}


class _Body(msgspec.Struct):
    event_data: msgspec.Raw = msgspec.field(name="event-data")


def verify(request: HookRequest, _: Account, secrets: Sequence[str]) -> Genuine | Forged:
    signed = at(decoded(request.body), "signature")
    stamp, token = sightings.text(at(signed, "timestamp")), sightings.text(at(signed, "token"))
    signatures = [text for name in SIGNATURES if (text := sightings.text(at(signed, name)))]
    if not stamp or not token or not signatures or len(token) > TOKEN_CHARS_MAX:
        return Forged("it is not signed: is it a webhook of the present kind, in JSON?")
    if late := untimely(stamp, request.received_at, WINDOW_S):
        return late
    payload = (stamp + token).encode(errors="surrogatepass")
    if any(is_hmac_sha256(secret, payload, signature) for secret in secrets for signature in signatures):
        return Genuine(once=token)
    return Forged("its signature is wrong: webhook_secret is the HTTP webhook signing key, which is not the API key")


def read(body: bytes) -> tuple[Sighting | Unreadable, ...]:
    try:
        raw = msgspec.json.decode(body, type=_Body).event_data
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return (Unreadable(body, "the body is no JSON object with event-data"),)
    return tuple(sightings.read_each([raw], _sighting))


def _sighting(event: Mapping[str, Any], raw: bytes) -> Sighting | None:
    native = sightings.text(event.get("event"), sightings.NATIVE_CHARS_MAX)
    if not native:
        return None
    if native == "failed":
        native = f"failed/{sightings.text(event.get('severity'), sightings.NATIVE_CHARS_MAX) or 'permanent'}"
    headers = at(event, "message", "headers")
    message_id = sightings.name(at(headers, "message-id"))
    message_id = message_id.strip("<>") if message_id else None
    happened_at = sightings.instant(event.get("timestamp"))
    kind = EVENTS.get(native, SightingKind.UNKNOWN)
    diagnosed = {"kind": kind} | _diagnosis(kind, event)
    return Sighting(
        native=native,
        raw=raw,
        event_id=_event_id(sightings.name(event.get("id")), happened_at),
        at=happened_at,
        recipient=sightings.name(event.get("recipient")) or _addressee(sightings.text(at(headers, "to"))),
        delivery_id=sightings.name(at(event, "user-variables", CORRELATION_KEY)) or _planted(message_id),
        provider_message_id=message_id,
        machine=_machine(event) if kind in (SightingKind.OPENED, SightingKind.CLICKED) else None,
        **diagnosed,
    )


def _diagnosis(kind: SightingKind, event: Mapping[str, Any]) -> dict[str, Any]:
    status = at(event, "delivery-status")
    code = at(status, "code")
    told: dict[str, Any] = {"smtp_code": code} if isinstance(code, int) and not isinstance(code, bool) and code else {}
    words = sightings.text(at(status, "message")) or sightings.text(at(status, "description"))
    if kind is SightingKind.REJECTED:
        return {"reason": Reason.POLICY, "text": sightings.text(at(event, "reject", "reason"))}
    if kind not in (SightingKind.BOUNCED, SightingKind.DEFERRED):
        return told
    if kind is SightingKind.BOUNCED and (reason := SUPPRESSED.get(sightings.text(event.get("reason")))):
        return told | {"kind": SightingKind.REJECTED, "reason": reason, "text": words}
    named = (sightings.text(at(status, name)) for name in ("enhanced-code", "bounce-code"))
    enhanced = sightings.enhanced_status(*named, words)
    told |= {"text": words, "enhanced_status": enhanced, "reason": sightings.reason(enhanced, words)}
    if kind is SightingKind.BOUNCED:
        told |= {
            "bounce": Bounce.HARD if sightings.is_hard(enhanced, words) else Bounce.SOFT,
            "late": at(event, "flags", "is-delayed-bounce") is True,
        }
    return told


def _event_id(id_: str | None, happened_at: float | None) -> str | None:
    try:
        day = datetime.fromtimestamp(happened_at or 0.0, UTC).date()
    except (ValueError, OverflowError, OSError):
        return id_
    return f"{day}:{id_}" if id_ else None


def _addressee(to: str) -> str | None:
    """Of a mail that was rejected, the header alone is told; it names whom it is about where it names one only."""
    found = re.findall(r"[^\s<>,;\"@]+@[^\s<>,;\"@]+", to)
    return found[0] if len(found) == 1 else None


def _planted(message_id: str | None) -> str | None:
    """Our id as the Message-ID has it, for events without variables."""
    local = (message_id or "").partition("@")[0]
    return local if DELIVERY_ID.fullmatch(local) else None


def _machine(event: Mapping[str, Any]) -> Machine | None:
    if bot := sightings.text(at(event, "client-info", "bot")):
        return BOTS.get(bot, Machine.UNKNOWN)
    return sightings.machine(sightings.text(at(event, "client-info", "user-agent")))


WEBHOOK: Final = Webhook(verify=verify, read=read, window_s=WINDOW_S)
