"""SparkPost's webhooks: https://developers.sparkpost.com/api/webhooks/

They are not signed; SparkPost logs in by HTTP Basic. Many events come at a time, each in an object named by its class,
which says nothing that its type does not. An empty one comes when the webhook is made.
"""

from collections.abc import Mapping
from typing import Any, Final

from everpost.model.ids import CORRELATION_KEY
from everpost.model.sighting import Reason, Sighting, SightingKind, Unreadable
from everpost.providers import sightings
from everpost.providers.hooks import UNDATED_S, Webhook, by_login
from everpost.providers.reading import at, decoded

PING: Final[list[Any]] = [{"msys": {}}]
RELAYED: Final = "relay_message"  # the class of inbound mail, whose events have no type

EVENTS: Final = {
    "injection": SightingKind.QUEUED,
    "delivery": SightingKind.DELIVERED,
    "delay": SightingKind.DEFERRED,
    "bounce": SightingKind.BOUNCED,
    "out_of_band": SightingKind.BOUNCED,
    "policy_rejection": SightingKind.REJECTED,
    "generation_rejection": SightingKind.REJECTED,
    "generation_failure": SightingKind.FAILED,
    "spam_complaint": SightingKind.COMPLAINED,
    "open": SightingKind.OPENED,
    "initial_open": SightingKind.OPENED,
    "amp_open": SightingKind.OPENED,
    "amp_initial_open": SightingKind.OPENED,
    "click": SightingKind.CLICKED,
    "amp_click": SightingKind.CLICKED,
    "list_unsubscribe": SightingKind.UNSUBSCRIBED,
    "link_unsubscribe": SightingKind.UNSUBSCRIBED,
    RELAYED: SightingKind.INBOUND,
}
OF_ADDRESS: Final = frozenset({"10", "30"})  # classes of bounces: no such recipient
NO_BOUNCES: Final = {  # classes of "bounces" that are other things
    "60": SightingKind.AUTORESPONDED,
    "80": SightingKind.UNKNOWN,  # somebody subscribes by mail
    "90": SightingKind.UNSUBSCRIBED,
    "100": SightingKind.AUTORESPONDED,  # a challenge to prove that a person writes
}
REASONS: Final = {  # by the class of a bounce, where that tells it; else by the server's words
    "21": Reason.UNREACHABLE,
    "22": Reason.MAILBOX_FULL,
    "23": Reason.TOO_LARGE,
    "24": Reason.TIMEOUT,
    "25": Reason.POLICY,
    "50": Reason.BLOCKED,
    "51": Reason.REPUTATION,
    "52": Reason.CONTENT,
    "53": Reason.ATTACHMENT,
    "54": Reason.BLOCKED,
}


def read(body: bytes) -> tuple[Sighting | Unreadable, ...]:
    events = sightings.raws_of(body)
    if events is None:
        return (Unreadable(body, "the body is no JSON array"),)
    if len(events) == 1 and decoded(body) == PING:
        return ()
    return tuple(sightings.read_each(events, _sighting))


def _sighting(whole: Mapping[str, Any], raw: bytes) -> Sighting | None:
    classes = at(whole, "msys")
    class_, event = next(iter(classes.items()), ("", None)) if isinstance(classes, dict) else ("", None)
    native = RELAYED if class_ == RELAYED else sightings.text(at(event, "type"), sightings.NATIVE_CHARS_MAX)
    if not native or not isinstance(event, dict):
        return None
    kind = EVENTS.get(native, SightingKind.UNKNOWN)
    is_seen = kind in (SightingKind.OPENED, SightingKind.CLICKED)
    told: dict[str, Any] = {"kind": kind, "late": native == "out_of_band"}
    return Sighting(
        native=native,
        raw=raw,
        event_id=sightings.name(event.get("event_id")),
        at=_instant(event.get("timestamp")),
        recipient=sightings.name(event.get("rcpt_to")) or sightings.name(event.get("raw_rcpt_to")),
        delivery_id=sightings.name(at(event, "rcpt_meta", CORRELATION_KEY)),
        provider_message_id=sightings.name(event.get("transmission_id")),
        machine=sightings.machine(sightings.text(event.get("user_agent"))) if is_seen else None,
        **(told | _diagnosis(kind, event)),
    )


def _instant(value: Any) -> float | None:
    """Seconds in digits; in some events it is ISO 8601."""
    words = sightings.text(value, sightings.NATIVE_CHARS_MAX)
    return float(words) if words.isascii() and words.isdecimal() else sightings.iso_instant(words)


def _diagnosis(kind: SightingKind, event: Mapping[str, Any]) -> dict[str, Any]:
    """`reason` is the server's answer with its addresses left out, `raw_reason` as it came."""
    words = sightings.text(event.get("raw_reason")) or sightings.text(event.get("reason"))
    told: dict[str, Any] = {"text": words, "smtp_code": _code(event.get("error_code"))}
    class_, status = sightings.text(event.get("bounce_class")), sightings.enhanced_status(words)
    match kind:
        case SightingKind.BOUNCED if class_ in NO_BOUNCES:
            return {"kind": NO_BOUNCES[class_], "late": False}
        case SightingKind.BOUNCED:
            named, of_address = REASONS.get(class_), class_ in OF_ADDRESS
            refusal = sightings.refusal(status, words, of_address=of_address, named=named)
            return told | {"enhanced_status": status} | refusal
        case SightingKind.DEFERRED:
            return told | {
                "enhanced_status": status,
                "reason": REASONS.get(class_) or sightings.reason(status, words),
            }
        case SightingKind.REJECTED:
            listed = sightings.listed(words)
            return told | {"reason": Reason.POLICY if listed is Reason.OTHER else listed}
        case SightingKind.FAILED:
            return told | {"reason": Reason.TEMPLATE}
    return {}


def _code(value: Any) -> int | None:
    words = sightings.text(value)
    return int(words) if len(words) == 3 and words.isascii() and words.isdecimal() else None


WEBHOOK: Final = Webhook(verify=by_login, read=read, window_s=UNDATED_S)
