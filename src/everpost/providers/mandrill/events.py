"""Mandrill's webhooks: https://mailchimp.com/developer/transactional/docs/webhooks/

A form with one field, a JSON array. Signed are the webhook's address as it was entered there, and the fields by name.
When a webhook is made, an empty array comes that is signed with a key which everybody knows; it has to be taken, and
tells nothing.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec

from everpost.model.account import Account
from everpost.model.ids import CORRELATION_KEY
from everpost.model.sighting import Bounce, Reason, Sighting, SightingKind, Unreadable
from everpost.providers import sightings
from everpost.providers.hooks import UNDATED_S, URL, Forged, Genuine, HookRequest, Webhook
from everpost.providers.reading import at
from everpost.providers.signing import is_hmac_sha1

FIELD: Final = "mandrill_events"
FIELDS_MAX: Final = 16
CHECK_KEY: Final = "test-webhook"
EVENTS: Final = {
    "send": SightingKind.SENT,
    "delivered": SightingKind.DELIVERED,
    "deferral": SightingKind.DEFERRED,
    "hard_bounce": SightingKind.BOUNCED,
    "soft_bounce": SightingKind.BOUNCED,
    "reject": SightingKind.REJECTED,
    "spam": SightingKind.COMPLAINED,
    "unsub": SightingKind.UNSUBSCRIBED,
    "open": SightingKind.OPENED,
    "click": SightingKind.CLICKED,
    "inbound": SightingKind.INBOUND,
}
LISTS: Final = frozenset({"blacklist", "denylist"})  # `type` of what tells of its own list; beside it there is another
CHANGES: Final = {"add": SightingKind.SUPPRESSION_ADDED, "remove": SightingKind.SUPPRESSION_REMOVED}
BOUNCES: Final = {  # bounce_description
    "bad_mailbox": Reason.INVALID_RECIPIENT,
    "invalid_domain": Reason.INVALID_RECIPIENT,
    "mailbox_full": Reason.MAILBOX_FULL,
    "message_too_large": Reason.TOO_LARGE,
}
REJECTS: Final = {
    "hard-bounce": Reason.SUPPRESSED_BOUNCE,
    "soft-bounce": Reason.SUPPRESSED_BOUNCE,
    "spam": Reason.SUPPRESSED_COMPLAINT,
    "unsub": Reason.SUPPRESSED_UNSUBSCRIBE,
    "custom": Reason.SUPPRESSED_MANUAL,
}
DIAGNOSED: Final = (SightingKind.DELIVERED, SightingKind.DEFERRED, SightingKind.BOUNCED)
_BATCH: Final = msgspec.json.Decoder(list[msgspec.Raw])


def verify(request: HookRequest, account: Account, secrets: Sequence[str]) -> Genuine | Forged:
    signature, fields = request.headers.get("x-mandrill-signature"), _fields(request.body)
    if not signature or not fields:
        return Forged("it is not signed, or it is no form: is it a webhook of Mandrill?")
    url = account.settings.get(URL)
    if not url:
        return Forged(f"accounts.{account.name}.{URL} is not set, and it is signed, too: the address as entered there")
    signed = (url + "".join(name + value for name, value in sorted(fields))).encode(errors="surrogatepass")
    keys = [*secrets, CHECK_KEY] if fields == [(FIELD, "[]")] else [key for key in secrets if key != CHECK_KEY]
    if any(is_hmac_sha1(key, signed, signature) for key in keys):
        return Genuine()
    return Forged(f"its signature is wrong: is {URL} the address as Mandrill has it, and webhook_secret the key of it?")


def read(body: bytes) -> tuple[Sighting | Unreadable, ...]:
    try:
        events = _BATCH.decode(dict(_fields(body))[FIELD])
    except (KeyError, msgspec.DecodeError, UnicodeError, RecursionError):
        return (Unreadable(body, f"the body is no form with a JSON array as {FIELD}"),)
    return tuple(sightings.read_each(events, _sighting))


def _fields(body: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=FIELDS_MAX)
    except ValueError:
        return []


def _sighting(event: Mapping[str, Any], raw: bytes) -> Sighting | None:
    native = sightings.text(event.get("event"), sightings.NATIVE_CHARS_MAX)
    if not native:
        return _of_a_list(event, raw)
    kind, mail, id_ = EVENTS.get(native, SightingKind.UNKNOWN), event.get("msg"), sightings.name(event.get("_id"))
    seen = sightings.text(event.get("user_agent")) if kind in (SightingKind.OPENED, SightingKind.CLICKED) else ""
    return Sighting(
        kind=kind,
        native=native,
        raw=raw,
        event_id=sightings.name(f"{id_}:{native}:{event.get('ts')}:{sightings.text(event.get('url'))}")
        if id_
        else None,
        at=sightings.instant(event.get("ts")),
        recipient=sightings.name(at(mail, "email")),
        delivery_id=sightings.name(at(mail, "metadata", CORRELATION_KEY)),
        provider_message_id=id_,
        machine=sightings.machine(seen),
        **_diagnosis(kind, native, mail),
    )


def _of_a_list(event: Mapping[str, Any], raw: bytes) -> Sighting | None:
    """Of its list of addresses that it does not write to, or of the one of addresses that it always does."""
    list_, action = (sightings.text(event.get(name), sightings.NATIVE_CHARS_MAX // 2) for name in ("type", "action"))
    if not list_ or not action:
        return None
    kind = CHANGES.get(action, SightingKind.UNKNOWN) if list_ in LISTS else SightingKind.UNKNOWN
    address = sightings.name(at(event, "reject", "email"))
    why = REJECTS.get(sightings.text(at(event, "reject", "reason")), Reason.OTHER)
    return Sighting(
        kind=kind,
        native=f"{list_}/{action}"[: sightings.NATIVE_CHARS_MAX],
        raw=raw,
        event_id=sightings.name(f"sync:{action}:{address}:{event.get('ts')}"),
        at=sightings.instant(event.get("ts")),
        recipient=address,
        reason=why if kind is SightingKind.SUPPRESSION_ADDED else None,
    )


def _diagnosis(kind: SightingKind, native: str, mail: Any) -> dict[str, Any]:
    if kind is SightingKind.REJECTED:  # only its search tells why
        return {"reason": REJECTS.get(sightings.text(at(mail, "reject", "reason")), Reason.OTHER)}
    if kind not in DIAGNOSED:
        return {}
    tries = at(mail, "smtp_events")
    last = at(tries[-1], "diag") if isinstance(tries, list) and tries else None
    words = sightings.text(at(mail, "diag")) or sightings.text(last)
    status = sightings.enhanced_status(words)
    told = {"smtp_code": sightings.reply_code(words), "enhanced_status": status}
    if kind is SightingKind.DELIVERED:
        return told
    reason = BOUNCES.get(sightings.text(at(mail, "bounce_description"))) or sightings.reason(status, words)
    told |= {"text": words, "reason": reason}
    if kind is SightingKind.DEFERRED:
        return told
    is_hard = native == "hard_bounce" and (reason is Reason.INVALID_RECIPIENT or sightings.is_hard(status, words))
    return told | {"bounce": Bounce.HARD if is_hard else Bounce.SOFT}


WEBHOOK: Final = Webhook(verify=verify, read=read, window_s=UNDATED_S)
