"""Events of Scaleway's Transactional Email, by its Topics and Events, which speak as Amazon SNS does:
https://www.scaleway.com/en/docs/transactional-email/reference-content/webhook-events-payloads/

Its certificates change at least once a year, and are issued by an authority of its own. There is no metadata: our id
comes back as a header.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from everpost.model.account import Account
from everpost.model.sighting import Bounce, Reason, Sighting, SightingKind, Unreadable
from everpost.providers import sightings, sns
from everpost.providers.hooks import TOPICS, Forged, Genuine, HookRequest, Lacks, Webhook

STORE: Final = "https://messaging.s3.fr-par.scw.cloud"
TOPICS_AND_EVENTS: Final = sns.Service(
    certificates=lambda region: rf"https://messaging\.s3\.fr-par\.scw\.cloud/{region}/sns/[\w-]{{1,64}}\.pem",
    confirmations=lambda region: rf"https://sns\.mnq\.{region}\.scaleway\.com",
    issuers=lambda region: f"{STORE}/{region}/sns/sns-trust-chain.pem",
)
ID_HEADER: Final = "X-Everpost-Id"
EVENTS: Final = {
    "email_queued": SightingKind.QUEUED,
    "email_deferred": SightingKind.DEFERRED,
    "email_delivered": SightingKind.DELIVERED,
    "email_mailbox_not_found": SightingKind.BOUNCED,
    "email_dropped": SightingKind.BOUNCED,
    "email_spam": SightingKind.BOUNCED,
    "email_blocklisted": SightingKind.REJECTED,
    "blocklist_created": SightingKind.SUPPRESSION_ADDED,
}
OF_ITS_LIST: Final = (SightingKind.REJECTED, SightingKind.SUPPRESSION_ADDED)  # on which are those who have bounced
ANSWERED: Final = (SightingKind.DEFERRED, SightingKind.DELIVERED, SightingKind.BOUNCED)


def verify(request: HookRequest, account: Account, topics: Sequence[str]) -> Genuine | Forged | Lacks:
    return sns.verify(TOPICS_AND_EVENTS, request, account, topics)


def read(body: bytes) -> tuple[Sighting | Unreadable, ...]:
    inner = sns.unwrapped(body)
    return () if inner is None else tuple(sightings.read_each([msgspec.Raw(inner)], _sighting))


def _sighting(event: Mapping[str, Any], raw: bytes) -> Sighting | None:
    native = sightings.text(event.get("type"), sightings.NATIVE_CHARS_MAX)
    if not native:
        return None
    kind = EVENTS.get(native, SightingKind.UNKNOWN)
    return Sighting(
        kind=kind,
        native=native,
        raw=raw,
        event_id=sightings.name(event.get("id")),
        at=sightings.iso_instant(event.get("created_at")),
        recipient=sightings.name(event.get("email_to")),
        delivery_id=sightings.paired(event.get("email_headers"), "key", ID_HEADER),
        provider_message_id=sightings.name(event.get("email_id")),
        **_diagnosis(kind, native, event),
    )


def _diagnosis(kind: SightingKind, native: str, event: Mapping[str, Any]) -> dict[str, Any]:
    if kind in OF_ITS_LIST:
        return {"reason": Reason.SUPPRESSED_BOUNCE}
    if kind not in ANSWERED:
        return {}
    code, words = event.get("email_response_code"), sightings.text(event.get("email_response_message"))
    status = sightings.enhanced_status(words)
    told: dict[str, Any] = {"smtp_code": code if isinstance(code, int) and code else None, "enhanced_status": status}
    if kind is SightingKind.DELIVERED:
        return told
    reason = sightings.reason(status, words)
    told |= {"text": words, "reason": reason}
    if kind is SightingKind.DEFERRED:
        return told
    if native == "email_spam":
        return told | {"reason": Reason.CONTENT, "bounce": Bounce.SOFT}
    if native == "email_mailbox_not_found" or sightings.is_hard(status, words):
        return told | {"reason": Reason.INVALID_RECIPIENT, "bounce": Bounce.HARD}
    return told | {"reason": Reason.BLOCKED if reason is Reason.POLICY else reason, "bounce": Bounce.SOFT}


WEBHOOK: Final = Webhook(verify=verify, read=read, window_s=sns.WINDOW_S, refused_status=503, setting=TOPICS)
