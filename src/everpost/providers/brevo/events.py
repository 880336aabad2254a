"""Brevo's webhooks: https://developers.brevo.com/docs/transactional-webhooks

They are not signed; Brevo logs in by HTTP Basic. One event comes at a time, or a list of up to 500. It is sent again
after 429 and after no other refusal. Events have no id: the mail, the event, the recipient, the time and the link make
one.
"""

from collections.abc import Mapping
from typing import Any, Final

from everpost.model.ids import CORRELATION_KEY, DELIVERY_ID
from everpost.model.sighting import Machine, Reason, Sighting, SightingKind, Unreadable
from everpost.providers import sightings
from everpost.providers.hooks import UNDATED_S, Webhook, by_login
from everpost.providers.reading import at, decoded

CUSTOM: Final = "X-Mailin-custom"  # holds the metadata as JSON
MILLISECONDS_FROM: Final = 1e11  # what is more can't be meant as seconds: that is in the year 5138

EVENTS: Final = {
    "request": SightingKind.QUEUED,
    "sent": SightingKind.QUEUED,
    "delivered": SightingKind.DELIVERED,
    "deferred": SightingKind.DEFERRED,
    "soft_bounce": SightingKind.BOUNCED,
    "hard_bounce": SightingKind.BOUNCED,
    "invalid_email": SightingKind.REJECTED,
    "blocked": SightingKind.REJECTED,
    "error": SightingKind.FAILED,
    "spam": SightingKind.COMPLAINED,
    "complaint": SightingKind.COMPLAINED,
    "opened": SightingKind.OPENED,
    "unique_opened": SightingKind.OPENED,
    "proxy_open": SightingKind.OPENED,
    "unique_proxy_open": SightingKind.OPENED,
    "click": SightingKind.CLICKED,
    "unsubscribe": SightingKind.UNSUBSCRIBED,
    "unsubscribed": SightingKind.UNSUBSCRIBED,
}


def read(body: bytes) -> tuple[Sighting | Unreadable, ...]:
    events = sightings.raws_of(body, "items")
    if events is None:
        return (Unreadable(body, "the body is no JSON object or array"),)
    return tuple(sightings.read_each(events, _sighting))


def _sighting(event: Mapping[str, Any], raw: bytes) -> Sighting | None:
    native = sightings.text(event.get("event"), sightings.NATIVE_CHARS_MAX)
    if not native:
        return _inbound(event, raw)
    kind = EVENTS.get(native, SightingKind.UNKNOWN)
    message_id, recipient = sightings.name(event.get("message-id")), sightings.name(event.get("email"))
    epoch, link = event.get("ts_epoch"), sightings.text(event.get("link"))
    id_ = f"{message_id}:{native}:{recipient}:{epoch}:{link}"
    return Sighting(
        kind=kind,
        native=native,
        raw=raw,
        event_id=id_ if message_id and sightings.instant(epoch) else None,
        at=_instant(epoch),
        recipient=recipient,
        delivery_id=_our_id(event),
        provider_message_id=message_id.strip("<>") if message_id else None,
        machine=Machine.IMAGE_PROXY if "proxy" in native else None,
        **_diagnosis(kind, native, sightings.text(event.get("reason"))),
    )


def _instant(epoch: Any) -> float | None:
    """Milliseconds; in some events it is seconds. The other times are those of the account's own zone."""
    told = sightings.instant(epoch)
    return told / 1000 if told is not None and told >= MILLISECONDS_FROM else told


def _our_id(event: Mapping[str, Any]) -> str | None:
    """From the metadata, or from the tags, where it stands too."""
    custom = decoded(sightings.text(event.get(CUSTOM)).encode(errors="surrogatepass"))
    tags = event.get("tags")
    named = (sightings.name(tag) for tag in (tags if isinstance(tags, list) else ()))
    tagged = (tag for tag in named if tag and DELIVERY_ID.fullmatch(tag))
    return sightings.name(at(custom, CORRELATION_KEY)) or next(tagged, None)


def _diagnosis(kind: SightingKind, native: str, words: str) -> dict[str, Any]:
    status = sightings.enhanced_status(words)
    told = {"text": words, "smtp_code": sightings.reply_code(words), "enhanced_status": status}
    match kind:
        case SightingKind.BOUNCED:
            return told | sightings.refusal(status, words, of_address=native == "hard_bounce")
        case SightingKind.DEFERRED | SightingKind.FAILED:
            return told | {"reason": sightings.reason(status, words)}
        case SightingKind.REJECTED if native == "invalid_email":
            return {"text": words, "reason": Reason.INVALID_RECIPIENT}
        case SightingKind.REJECTED:
            return {"text": words, "reason": sightings.listed(words)}
    return {}


def _inbound(item: Mapping[str, Any], raw: bytes) -> Sighting | None:
    """Mail that Brevo was sent for us: its events have no name."""
    ids, to = item.get("Uuid"), item.get("To")
    id_ = sightings.name(ids[0]) if isinstance(ids, list) and ids else None
    if id_ is None:
        return None
    return Sighting(
        kind=SightingKind.INBOUND,
        native="inbound",
        raw=raw,
        event_id=f"inbound:{id_}",
        recipient=sightings.name(at(to[0], "Address")) if isinstance(to, list) and to else None,
        provider_message_id=id_,
    )


WEBHOOK: Final = Webhook(verify=by_login, read=read, window_s=UNDATED_S, again_status=429, refused_status=429)
