"""Mailtrap's webhooks: https://docs.mailtrap.io/email-api-smtp/advanced/webhooks

Signed is the body alone, so that a signature is never too old; events that were taken before do no harm. A body is an
object with a list of events, or JSON Lines. There is no event that says that a mail was taken.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from everpost.model.account import Account
from everpost.model.ids import CORRELATION_KEY
from everpost.model.sighting import Reason, Sighting, SightingKind, Unreadable
from everpost.providers import sightings
from everpost.providers.hooks import UNDATED_S, Forged, Genuine, HookRequest, Webhook
from everpost.providers.reading import at
from everpost.providers.signing import is_hmac_sha256

SIGNATURE: Final = "mailtrap-signature"

EVENTS: Final = {
    "delivery": SightingKind.DELIVERED,
    "soft bounce": SightingKind.DEFERRED,  # it tries again
    "soft_bounce": SightingKind.DEFERRED,
    "bounce": SightingKind.BOUNCED,
    "reject": SightingKind.REJECTED,
    "suspension": SightingKind.DEFERRED,
    "spam": SightingKind.COMPLAINED,
    "spam_complaint": SightingKind.COMPLAINED,
    "unsubscribe": SightingKind.UNSUBSCRIBED,
    "open": SightingKind.OPENED,
    "click": SightingKind.CLICKED,
}
OF_ADDRESS: Final = frozenset({"badmailbox", "baddomain"})  # bounce_category
CATEGORIES: Final = {  # the same; the reason, where that tells it
    "greylisting": Reason.GREYLISTED,
    "mailboxfull": Reason.MAILBOX_FULL,
    "spam": Reason.CONTENT,
    "virus": Reason.VIRUS,
}


def verify(request: HookRequest, _: Account, secrets: Sequence[str]) -> Genuine | Forged:
    signature = request.headers.get(SIGNATURE)
    if not signature:
        return Forged("it is not signed")
    if any([is_hmac_sha256(secret, request.body, signature) for secret in secrets]):  # noqa: C419  each is compared
        return Genuine()
    return Forged("its signature is wrong: webhook_secret is what Mailtrap has shown when the webhook was made")


def read(body: bytes) -> tuple[Sighting | Unreadable, ...]:
    events = sightings.raws_of(body, "events")
    if events is None:
        events = [msgspec.Raw(line) for line in body.splitlines() if line.strip()]
    return tuple(sightings.read_each(events, _sighting)) or (Unreadable(body, "the body holds no events"),)


def _sighting(event: Mapping[str, Any], raw: bytes) -> Sighting | None:
    native = sightings.text(event.get("event"), sightings.NATIVE_CHARS_MAX)
    if not native:
        return None
    kind = EVENTS.get(native, SightingKind.UNKNOWN)
    is_seen = kind in (SightingKind.OPENED, SightingKind.CLICKED)
    return Sighting(
        kind=kind,
        native=native,
        raw=raw,
        event_id=sightings.name(event.get("event_id")),
        at=sightings.instant(event.get("timestamp")),
        recipient=sightings.name(event.get("email")),
        delivery_id=sightings.name(at(event, "custom_variables", CORRELATION_KEY)),
        provider_message_id=sightings.name(event.get("message_id")),
        machine=sightings.machine(sightings.text(event.get("user_agent"))) if is_seen else None,
        **_diagnosis(kind, native, event),
    )


def _diagnosis(kind: SightingKind, native: str, event: Mapping[str, Any]) -> dict[str, Any]:
    words = sightings.text(event.get("response")) or sightings.text(event.get("reason"))
    if kind is SightingKind.REJECTED:
        return {"text": words, "reason": sightings.listed(words)}
    if native == "suspension":
        return {"text": words, "reason": Reason.PROVIDER_QUOTA}
    if kind not in (SightingKind.BOUNCED, SightingKind.DEFERRED):
        return {}
    code, category = event.get("response_code"), sightings.text(event.get("bounce_category"))
    status = sightings.enhanced_status(words)
    told = {
        "text": words,
        "smtp_code": code if isinstance(code, int) and not isinstance(code, bool) else sightings.reply_code(words),
        "enhanced_status": status,
    }
    named = CATEGORIES.get(category)
    if kind is SightingKind.DEFERRED:
        return told | {"reason": named or sightings.reason(status, words)}
    of_address = category in OF_ADDRESS or sightings.is_hard(status, words)
    return told | sightings.refusal(status, words, of_address=of_address, named=named)


WEBHOOK: Final = Webhook(verify=verify, read=read, window_s=UNDATED_S)
