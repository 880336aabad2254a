"""Events of Amazon SES: https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html

They come by SNS, from an SQS queue with SNS's envelope or without, or by EventBridge; the form inside is one. Our id is
a tag, where it has no dot, and a header. One event may tell of several recipients.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from everpost.model.account import Account
from everpost.model.ids import CORRELATION_KEY
from everpost.model.limits import HOOK_EVENTS_MAX
from everpost.model.sighting import Bounce, Reason, Sighting, SightingKind, Unreadable
from everpost.providers import sightings, sns
from everpost.providers.hooks import TOPICS, Forged, Genuine, HookRequest, Lacks, Webhook
from everpost.providers.reading import at, decoded

HOST: Final = r"https://sns\.{}\.amazonaws\.com(\.cn)?"
CERTIFICATE: Final = HOST + r"/SimpleNotificationService-\w{{1,64}}\.pem"
SNS: Final = sns.Service(certificates=CERTIFICATE.format, confirmations=HOST.format)
HELLO: Final = b"Successfully validated SNS topic for Amazon SES"  # once, when a topic is chosen
ID_HEADER: Final = "X-Everpost-Id"
EVENTS: Final[Mapping[str, tuple[SightingKind, str, str]]] = {  # with the names of what tells it, and of whom
    "Send": (SightingKind.QUEUED, "send", ""),  # SES tells it even of mail that its own list then stops
    "Delivery": (SightingKind.DELIVERED, "delivery", "recipients"),
    "DeliveryDelay": (SightingKind.DEFERRED, "deliveryDelay", "delayedRecipients"),
    "Bounce": (SightingKind.BOUNCED, "bounce", "bouncedRecipients"),
    "Complaint": (SightingKind.COMPLAINED, "complaint", "complainedRecipients"),
    "Reject": (SightingKind.REJECTED, "reject", ""),
    "Rendering Failure": (SightingKind.FAILED, "failure", ""),
    "Open": (SightingKind.OPENED, "open", ""),
    "Click": (SightingKind.CLICKED, "click", ""),
    "Subscription": (SightingKind.UNSUBSCRIBED, "subscription", ""),
    "Received": (SightingKind.INBOUND, "receipt", "recipients"),
}
BY_ONE: Final = (SightingKind.OPENED, SightingKind.CLICKED, SightingKind.COMPLAINED, SightingKind.UNSUBSCRIBED)
ON_ITS_LIST: Final = ("Suppressed", "OnAccountSuppressionList")
SUBTYPES: Final = {  # of a bounce that it gave up for the time being, and of a delay
    "MailboxFull": Reason.MAILBOX_FULL,
    "MessageTooLarge": Reason.TOO_LARGE,
    "ContentRejected": Reason.CONTENT,
    "AttachmentRejected": Reason.ATTACHMENT,
    "SpamDetected": Reason.CONTENT,
    "IPFailure": Reason.REPUTATION,
    "RecipientServerError": Reason.UNREACHABLE,
    "TransientCommunicationFailure": Reason.UNREACHABLE,
}


def verify(request: HookRequest, account: Account, topics: Sequence[str]) -> Genuine | Forged | Lacks:
    return sns.verify(SNS, request, account, topics)


def read(body: bytes) -> tuple[Sighting | Unreadable, ...]:
    inner = sns.unwrapped(body)
    if inner is None or inner.startswith(HELLO):
        return ()
    event = at(told := decoded(inner), "detail") or told  # EventBridge's envelope
    native = sightings.text(at(event, "eventType") or at(event, "notificationType"), sightings.NATIVE_CHARS_MAX)
    if not native:
        return (Unreadable(inner, "it names no event"),)
    return tuple(_sightings(native, event, inner))


def _sightings(native: str, event: Mapping[str, Any], raw: bytes) -> Iterator[Sighting]:
    kind, where, whom = EVENTS.get(native, (SightingKind.UNKNOWN, "", ""))
    mail, about = event.get("mail"), event.get(where)
    id_, when = sightings.name(at(mail, "messageId")), at(about, "timestamp") or at(mail, "timestamp")
    named = at(about, whom) or at(mail, "destination")
    told_of = named if isinstance(named, list) and named else [None]
    for each in told_of[:HOOK_EVENTS_MAX]:
        recipient = sightings.name(each) or sightings.name(at(each, "emailAddress"))
        parts = f"{id_}:{native}:{recipient}:{at(about, 'feedbackId') or when}"
        yield Sighting(
            native=native,
            raw=raw,
            event_id=sightings.name(f"inbound:{id_}" if kind is SightingKind.INBOUND else parts) if id_ else None,
            at=sightings.iso_instant(when),
            recipient=recipient,
            delivery_id=_planted(mail),
            provider_message_id=id_,
            vague=kind in BY_ONE and len(told_of) > 1,  # nobody knows which of them it was
            machine=sightings.machine(sightings.text(at(about, "userAgent"))) if where in ("open", "click") else None,
            **({"kind": kind} | _diagnosis(kind, about, each)),
        )


def _diagnosis(kind: SightingKind, about: Any, one: Any) -> dict[str, Any]:
    words, code = (sightings.text(at(one, name)) for name in ("diagnosticCode", "status"))
    status = sightings.enhanced_status(code, words)
    told = {"text": words, "smtp_code": sightings.reply_code(words), "enhanced_status": status}
    match kind:
        case SightingKind.DELIVERED:
            return {"smtp_code": sightings.reply_code(sightings.text(at(about, "smtpResponse")))}
        case SightingKind.DEFERRED:
            return told | {"reason": _named(about, "delayType") or sightings.reason(status, words)}
        case SightingKind.BOUNCED:
            return _bounce(about, told)
        case SightingKind.COMPLAINED if at(about, "complaintSubType") in ON_ITS_LIST:
            return {"kind": SightingKind.REJECTED, "reason": Reason.SUPPRESSED_COMPLAINT}
        case SightingKind.REJECTED:
            return {"reason": Reason.VIRUS, "text": sightings.text(at(about, "reason"))}
        case SightingKind.FAILED:
            return {"reason": Reason.TEMPLATE, "text": sightings.text(at(about, "errorMessage"))}
        case SightingKind.UNSUBSCRIBED:
            return _subscription(at(about, "newTopicPreferences"), at(about, "oldTopicPreferences"))
    return {}


def _bounce(about: Any, told: dict[str, Any]) -> dict[str, Any]:
    words, status, subtype = told["text"], told["enhanced_status"], sightings.text(at(about, "bounceSubType"))
    if subtype in ON_ITS_LIST:
        return {"kind": SightingKind.REJECTED, "reason": Reason.SUPPRESSED_BOUNCE, "text": words}
    reason = _named(about, "bounceSubType") or sightings.reason(status, words)
    of_the_address = subtype == "NoEmail" or reason is Reason.OTHER or sightings.is_hard(status, words)
    if at(about, "bounceType") == "Permanent" and of_the_address:
        return told | {"bounce": Bounce.HARD, "reason": Reason.INVALID_RECIPIENT if reason is Reason.OTHER else reason}
    return told | {"bounce": Bounce.SOFT, "reason": reason}


def _named(about: Any, what: str) -> Reason | None:
    return SUBTYPES.get(sightings.text(at(about, what)))


def _subscription(new: Any, old: Any) -> dict[str, Any]:
    """From everything, or from those of its topics that have changed."""
    if at(new, "unsubscribeAll") is True:
        return {}
    if at(old, "unsubscribeAll") is True:
        return {"kind": SightingKind.RESUBSCRIBED}
    before, after = _topics(old), _topics(new)
    changed = sorted(name for name, status in after.items() if before.get(name) != status)
    kind = SightingKind.UNSUBSCRIBED if "OptOut" in map(after.get, changed) else SightingKind.RESUBSCRIBED
    return {"kind": kind, "scope": f"topic:{','.join(changed)}"[: sightings.NATIVE_CHARS_MAX]}


def _topics(preferences: Any) -> dict[str, str]:
    named = at(preferences, "topicSubscriptionStatus")
    pairs = [(at(one, "topicName"), at(one, "subscriptionStatus")) for one in named] if isinstance(named, list) else []
    return {sightings.text(name): sightings.text(status) for name, status in pairs}


def _planted(mail: Any) -> str | None:
    """As a tag it has a hyphen in place of its dot. Headers are told, too, unless they are many."""
    tags = at(mail, "tags", CORRELATION_KEY)
    tag = sightings.name(tags[0]) if isinstance(tags, list) and tags else None
    return tag.replace("-", ".") if tag else sightings.paired(at(mail, "headers"), "name", ID_HEADER)


WEBHOOK: Final = Webhook(verify=verify, read=read, window_s=sns.WINDOW_S, refused_status=503, setting=TOPICS)
