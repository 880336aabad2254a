"""Resend's webhooks, sent by Svix: https://resend.com/docs/dashboard/webhooks/introduction

Signed as in Standard Webhooks, anew each time that one is sent. An event names everybody in `to`, whoever of the mail's
recipients it is about. It is known again by its digest: what is sent again is the same to the byte.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from everpost.model.account import Account
from everpost.model.ids import CORRELATION_KEY
from everpost.model.sighting import Reason, Sighting, SightingKind, Unreadable
from everpost.providers import sightings
from everpost.providers.hooks import Forged, Genuine, HookRequest, Webhook, untimely
from everpost.providers.reading import at
from everpost.providers.signing import is_standard_webhook

WINDOW_S: Final = 300.0  # that of the standard
PREFIXES: Final = ("svix", "webhook")
ID_HEADER: Final = "x-everpost-id"  # which `build` gives to the mail
OF_MAIL: Final = "email."
OF_LISTS: Final = "suppression."

EVENTS: Final = {
    "email.sent": SightingKind.QUEUED,
    "email.scheduled": SightingKind.QUEUED,
    "email.delivered": SightingKind.DELIVERED,
    "email.delivery_delayed": SightingKind.DEFERRED,
    "email.bounced": SightingKind.BOUNCED,
    "email.suppressed": SightingKind.REJECTED,
    "email.failed": SightingKind.FAILED,
    "email.complained": SightingKind.COMPLAINED,
    "email.opened": SightingKind.OPENED,
    "email.clicked": SightingKind.CLICKED,
    "email.received": SightingKind.INBOUND,
    "suppression.added": SightingKind.SUPPRESSION_ADDED,
    "suppression.removed": SightingKind.SUPPRESSION_REMOVED,
}
SUBTYPES: Final = {  # of a bounce, in the words of Amazon SES; the reason, where that tells it
    "MailboxFull": Reason.MAILBOX_FULL,
    "MessageTooLarge": Reason.TOO_LARGE,
    "ContentRejected": Reason.CONTENT,
    "AttachmentRejected": Reason.ATTACHMENT,
}
UNASKED: Final = frozenset({"Suppressed", "OnAccountSuppressionList"})  # of a bounce: no server was asked
FAILURES: Final = {
    "reached_daily_quota": Reason.PROVIDER_QUOTA,
    "reached_monthly_quota": Reason.PROVIDER_QUOTA,
}


def verify(request: HookRequest, _: Account, secrets: Sequence[str]) -> Genuine | Forged:
    found = (
        [request.headers.get(f"{prefix}-{name}", "") for name in ("id", "timestamp", "signature")]
        for prefix in PREFIXES
    )
    id_, stamp, signatures = next((each for each in found if all(each)), ("", "", ""))
    if not id_:
        return Forged("it is not signed")
    if late := untimely(stamp, request.received_at, WINDOW_S):
        return late
    signed = f"{id_}.{stamp}.".encode(errors="surrogatepass") + request.body
    unfit = 0
    for secret in secrets:
        try:
            if is_standard_webhook(secret, signed, signatures):
                return Genuine()
        except ValueError:
            unfit += 1
    return Forged("webhook_secret is no signing secret of Resend: whsec_…" if unfit else "its signature is wrong")


def read(body: bytes) -> tuple[Sighting | Unreadable, ...]:
    """What happens to domains and contacts concerns no mail: it is passed over."""
    events = sightings.raws_of(body)
    if events is None:
        return (Unreadable(body, "the body is no JSON object"),)
    return tuple(
        one
        for one in sightings.read_each(events, _sighting)
        if isinstance(one, Unreadable) or not one.native.startswith(("domain.", "contact."))
    )


def _sighting(event: Mapping[str, Any], raw: bytes) -> Sighting | None:
    native = sightings.text(event.get("type"), sightings.NATIVE_CHARS_MAX)
    if not native:
        return None
    kind = EVENTS.get(native, SightingKind.UNKNOWN)
    about = at(event, "data")
    is_list = native.startswith(OF_LISTS)
    to = at(about, "to")
    return Sighting(
        native=native,
        raw=raw,
        at=sightings.iso_instant(event.get("created_at")),
        recipient=sightings.name(at(about, "email") if is_list else to[0] if isinstance(to, list) and to else None),
        vague=native.startswith(OF_MAIL),
        delivery_id=_our_id(about),
        provider_message_id=sightings.name(at(about, "source_id" if is_list else "email_id")),
        machine=sightings.machine(sightings.text(at(about, "click", "userAgent"))),
        **({"kind": kind} | _diagnosis(kind, about)),
    )


def _our_id(about: Any) -> str | None:
    headers = at(about, "headers")
    named = [each for each in (headers if isinstance(headers, list) else ()) if isinstance(each, dict)]
    ours = (each.get("value") for each in named if sightings.text(each.get("name")).lower() == ID_HEADER)
    return sightings.name(at(about, "tags", CORRELATION_KEY)) or sightings.name(next(ours, None))


def _diagnosis(kind: SightingKind, about: Any) -> dict[str, Any]:
    match kind:
        case SightingKind.BOUNCED:
            return _bounced(at(about, "bounce"))
        case SightingKind.REJECTED:
            words = " ".join(sightings.text(at(about, "suppressed", name)) for name in ("reason", "message")).strip()
            return {"text": words, "reason": sightings.listed(words)}
        case SightingKind.FAILED:
            words = sightings.text(at(about, "failed", "reason"))
            return {"text": words, "reason": FAILURES.get(words) or sightings.reason(None, words)}
        case SightingKind.SUPPRESSION_ADDED:
            return {"reason": sightings.listed(sightings.text(at(about, "origin")))}
    return {}


def _bounced(bounce: Any) -> dict[str, Any]:
    """The server's own words stand in a list, or alone."""
    codes = at(bounce, "diagnosticCode")
    code = next(iter(codes), None) if isinstance(codes, list) else codes
    words = sightings.text(code) or sightings.text(at(bounce, "message"))
    subtype, status = sightings.text(at(bounce, "subType")), sightings.enhanced_status(words)
    told = {"text": words, "smtp_code": sightings.reply_code(words), "enhanced_status": status}
    if subtype in UNASKED:
        return {"kind": SightingKind.REJECTED, "text": words, "reason": Reason.SUPPRESSED_BOUNCE}
    of_address = at(bounce, "type") == "Permanent" and subtype in ("General", "NoEmail")
    return told | sightings.refusal(status, words, of_address=of_address, named=SUBTYPES.get(subtype))


WEBHOOK: Final = Webhook(verify=verify, read=read, window_s=WINDOW_S)
