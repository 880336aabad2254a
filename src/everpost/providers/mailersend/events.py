"""MailerSend's webhooks: https://developers.mailersend.com/api/v1/webhooks.html

Signed is the body as it came. When a webhook is made or changed, a ping comes that is signed with another key; it has
to be taken, and tells nothing. There is no metadata: our id comes back as a tag.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from everpost.model.account import Account
from everpost.model.ids import DELIVERY_ID
from everpost.model.sighting import Bounce, Reason, Sighting, SightingKind, Unreadable
from everpost.providers import sightings
from everpost.providers.hooks import UNDATED_S, Forged, Genuine, HookRequest, Webhook
from everpost.providers.reading import at, decoded
from everpost.providers.signing import is_hmac_sha256

PINGS: Final = frozenset({"webhook.test"})
EVENTS: Final = {
    "activity.sent": SightingKind.SENT,
    "activity.delivered": SightingKind.DELIVERED,
    "activity.deferred": SightingKind.DEFERRED,
    "activity.soft_bounced": SightingKind.BOUNCED,
    "activity.hard_bounced": SightingKind.BOUNCED,
    "activity.opened": SightingKind.OPENED,
    "activity.opened_unique": SightingKind.OPENED,
    "activity.clicked": SightingKind.CLICKED,
    "activity.clicked_unique": SightingKind.CLICKED,
    "activity.unsubscribed": SightingKind.UNSUBSCRIBED,
    "activity.spam_complaint": SightingKind.COMPLAINED,
    "recipient.on_hold_added": SightingKind.SUPPRESSION_ADDED,
    "recipient.on_hold_removed": SightingKind.SUPPRESSION_REMOVED,
    "inbound.message": SightingKind.INBOUND,
}
OF_THE_ADDRESS: Final = (Reason.INVALID_RECIPIENT, Reason.MAILBOX_INACTIVE, Reason.OTHER)
"""Reasons for which a bounce that it calls hard is one: it says why in prose, and often says little."""


def verify(request: HookRequest, _: Account, secrets: Sequence[str]) -> Genuine | Forged:
    if _is_ping(decoded(request.body)):
        return Genuine()
    signature = request.headers.get("signature")
    if not signature:
        return Forged("it is not signed: is it a webhook of MailerSend?")
    if any(is_hmac_sha256(secret, request.body, signature) for secret in secrets):
        return Genuine()
    return Forged("its signature is wrong: webhook_secret is the signing secret of the webhook, and not the API token")


def read(body: bytes) -> tuple[Sighting | Unreadable, ...]:
    if _is_ping(decoded(body)):
        return ()
    return tuple(sightings.read_each([msgspec.Raw(body)], _sighting))


def _is_ping(event: Any) -> bool:
    return sightings.text(at(event, "type")) in PINGS


def _sighting(event: Mapping[str, Any], raw: bytes) -> Sighting | None:
    native = sightings.text(event.get("type"), sightings.NATIVE_CHARS_MAX)
    if not native:
        return None
    kind, data = EVENTS.get(native, SightingKind.UNKNOWN), event.get("data")
    email = at(data, "email")
    return Sighting(
        kind=kind,
        native=native,
        raw=raw,
        event_id=sightings.name(at(data, "id")),
        at=sightings.iso_instant(at(data, "created_at") or event.get("created_at")),
        recipient=_recipient(data),
        delivery_id=_planted(at(email, "tags")),
        provider_message_id=sightings.name(at(email, "message", "id"))
        or (sightings.name(at(data, "id")) if kind is SightingKind.INBOUND else None),
        **_diagnosis(kind, native, data),
    )


def _diagnosis(kind: SightingKind, native: str, data: Any) -> dict[str, Any]:
    words = sightings.text(at(data, "morph", "reason"))
    if kind is SightingKind.DEFERRED:
        return {"text": words, "reason": sightings.reason(None, words)} if words else {}
    if kind is not SightingKind.BOUNCED:
        return {}
    status = sightings.enhanced_status(words)
    reason = sightings.reason(status, words)
    is_hard = native == "activity.hard_bounced" and reason in OF_THE_ADDRESS
    told = {"text": words, "smtp_code": sightings.reply_code(words), "enhanced_status": status, "reason": reason}
    return told | {"bounce": Bounce.HARD if is_hard else Bounce.SOFT}


def _recipient(data: Any) -> str | None:
    """Of a mail that was sent, or of one that has come in."""
    received = at(data, "recipients", "rcptTo")
    others = received[0] if isinstance(received, list) and received else data
    return sightings.name(at(data, "email", "recipient", "email")) or sightings.name(at(others, "email"))


def _planted(tags: Any) -> str | None:
    texts = [tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else []
    return next((tag for tag in texts if DELIVERY_ID.fullmatch(tag)), None)


WEBHOOK: Final = Webhook(verify=verify, read=read, window_s=UNDATED_S)
