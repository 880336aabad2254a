"""Mailjet's Event API: https://dev.mailjet.com/email/guides/webhooks/

Nothing is signed: the address has a user and a password in it, which come as Basic authentication, and has to be HTTPS.
One event comes alone, or many of all kinds in one array where they are grouped.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from everpost.model.ids import CORRELATION_KEY
from everpost.model.sighting import Bounce, Reason, Sighting, SightingKind, Unreadable
from everpost.providers import sightings
from everpost.providers.hooks import UNDATED_S, Webhook, by_login
from everpost.providers.reading import at, decoded

EVENTS: Final = {
    "sent": SightingKind.DELIVERED,  # the receiving server has it: its reply comes with it
    "bounce": SightingKind.BOUNCED,
    "blocked": SightingKind.REJECTED,
    "spam": SightingKind.COMPLAINED,
    "unsub": SightingKind.UNSUBSCRIBED,
    "open": SightingKind.OPENED,
    "click": SightingKind.CLICKED,
}
ERRORS: Final = {  # `error`; where that is empty, `error_related_to`
    "user unknown": Reason.INVALID_RECIPIENT,
    "mailbox inactive": Reason.MAILBOX_INACTIVE,
    "quota exceeded": Reason.MAILBOX_FULL,
    "invalid domain": Reason.INVALID_RECIPIENT,
    "no mail host": Reason.UNREACHABLE,
    "relay/access denied": Reason.POLICY,
    "greylisted": Reason.GREYLISTED,
    "typofix": Reason.INVALID_RECIPIENT,
    "bad or empty template": Reason.TEMPLATE,
    "error in template language": Reason.TEMPLATE,
    "sender blocked": Reason.BLOCKED,
    "content blocked": Reason.CONTENT,
    "policy issue": Reason.POLICY,
    "connection issue": Reason.UNREACHABLE,
    "preblocked": Reason.SUPPRESSED_BOUNCE,
    "spam reporter": Reason.SUPPRESSED_COMPLAINT,
    "blacklisted": Reason.SUPPRESSED_MANUAL,
    "duplicate in campaign": Reason.DUPLICATE,
}
OF_THE_ADDRESS: Final = (Reason.INVALID_RECIPIENT, Reason.MAILBOX_INACTIVE)
_GROUP: Final = msgspec.json.Decoder(list[msgspec.Raw])


def read(body: bytes) -> tuple[Sighting | Unreadable, ...]:
    try:
        raws = _GROUP.decode(body) if body.lstrip()[:1] == b"[" else [msgspec.Raw(body)]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return (Unreadable(body, "the body is no JSON array"),)
    return tuple(sightings.read_each(raws, _sighting))


def _sighting(event: Mapping[str, Any], raw: bytes) -> Sighting | None:
    native = sightings.text(event.get("event"), sightings.NATIVE_CHARS_MAX)
    if not native:
        return None
    kind = EVENTS.get(native, SightingKind.UNKNOWN)
    told = {"kind": kind} | _diagnosis(kind, event)
    return Sighting(
        native=native,
        raw=raw,
        event_id=_event_id(event),
        at=sightings.instant(event.get("time")),
        recipient=sightings.name(event.get("email")),
        delivery_id=sightings.name(event.get("CustomID")) or _planted(event),
        provider_message_id=sightings.name(event.get("Message_GUID")),
        machine=_machine(kind, event),
        **told,
    )


def _diagnosis(kind: SightingKind, event: Mapping[str, Any]) -> dict[str, Any]:
    if kind is SightingKind.DELIVERED:
        return {"smtp_code": sightings.reply_code(sightings.text(event.get("smtp_reply")))}
    error = sightings.text(event.get("error")) or sightings.text(event.get("error_related_to"))
    words = sightings.text(event.get("comment")) or error
    if kind is SightingKind.REJECTED:
        return {"reason": ERRORS.get(error, Reason.OTHER), "text": words}
    if kind is not SightingKind.BOUNCED:
        return {}
    status = sightings.enhanced_status(words)
    reason = ERRORS.get(error) or sightings.reason(status, words)
    told = {"text": words, "smtp_code": sightings.reply_code(words), "enhanced_status": status, "reason": reason}
    is_final = event.get("hard_bounce") is True
    if reason is Reason.GREYLISTED and not is_final:  # it goes on trying
        return told | {"kind": SightingKind.DEFERRED}
    return told | {"bounce": Bounce.HARD if is_final and reason in OF_THE_ADDRESS else Bounce.SOFT}


def _event_id(event: Mapping[str, Any]) -> str | None:
    """It has none of its own. Ids of mails are numbers beyond 2^53."""
    names = [event.get(name) for name in ("MessageID", "event", "email", "time")]
    if not all(isinstance(name, str | int) for name in names):
        return None
    return sightings.name(":".join(map(str, [*names, sightings.text(event.get("url"))])))


def _planted(event: Mapping[str, Any]) -> str | None:
    """Our id as the payload has it, for events without the other one."""
    return sightings.name(at(decoded(sightings.text(event.get("Payload")).encode()), CORRELATION_KEY))


def _machine(kind: SightingKind, event: Mapping[str, Any]) -> Any:
    is_seen = kind in (SightingKind.OPENED, SightingKind.CLICKED)
    return sightings.machine(sightings.text(event.get("agent"))) if is_seen else None


WEBHOOK: Final = Webhook(verify=by_login, read=read, window_s=UNDATED_S)
