"""SendGrid's Event Webhook: https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event

An event for each recipient, some of them in one request. What was given as `custom_args` stands at the top level of
each. Signed by a key pair of the webhook's own; one signature has no room for those of older keys.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from everpost.dialects.notices.facts import NOT_WRITTEN_TO, USER_AGENTS, message_id_of, words_of
from everpost.model.event import Event, EventType
from everpost.model.sighting import Bounce, Machine, Reason
from everpost.model.told import Told
from everpost.webhooks import signing
from everpost.webhooks.writing import Post, Sealing, Writer

BATCH: Final = 20
"""Events in one request, each with up to 8 KiB of metadata: within what a webhook is posted at once."""
PREFIX: Final = "X-Twilio-Email-Event-Webhook-"
KINDS: Final[Mapping[EventType, str]] = {
    EventType.ACCEPTED: "processed",
    EventType.SUPPRESSED: "dropped",
    EventType.FAILED: "dropped",
    EventType.RECIPIENT_DEFERRED: "deferred",
    EventType.RECIPIENT_DELIVERED: "delivered",
    EventType.RECIPIENT_BOUNCED: "bounce",
    EventType.RECIPIENT_REJECTED: "dropped",
    EventType.RECIPIENT_FAILED: "dropped",
    EventType.RECIPIENT_COMPLAINED: "spamreport",
    EventType.RECIPIENT_UNSUBSCRIBED: "unsubscribe",
    EventType.RECIPIENT_OPENED: "open",
    EventType.RECIPIENT_CLICKED: "click",
}
_DROPPED: Final[Mapping[str, str]] = {
    Reason.SUPPRESSED_BOUNCE: "Bounced Address",
    Reason.SUPPRESSED_UNSUBSCRIBE: "Unsubscribed Address",
    Reason.SUPPRESSED_COMPLAINT: "Spam Reporting Address",
    Reason.INVALID_RECIPIENT: "Invalid",
    Reason.CONTENT: "Spam Content",
    Reason.PROVIDER_QUOTA: "Recipient List over Package Quota",
}
_CLASSES: Final[Mapping[str, str]] = {
    Reason.INVALID_RECIPIENT: "Invalid Address",
    Reason.MAILBOX_FULL: "Mailbox Unavailable",
    Reason.MAILBOX_INACTIVE: "Mailbox Unavailable",
    Reason.MAILBOX_UNAVAILABLE: "Mailbox Unavailable",
    Reason.UNREACHABLE: "Technical",
    Reason.TIMEOUT: "Technical",
    Reason.AUTH: "Technical",
    Reason.CONTENT: "Content",
    Reason.VIRUS: "Content",
    Reason.TOO_LARGE: "Content",
    Reason.ATTACHMENT: "Content",
    Reason.BLOCKED: "Reputation",
    Reason.REPUTATION: "Reputation",
    Reason.POLICY: "Reputation",
    Reason.RATE_LIMITED: "Frequency or Volume Too High",
}
_GROUP: Final = "group:"


def posts(told: Told, sealing: Sealing) -> Sequence[Post]:
    places = [*told.places]
    return [_post(told, places[start : start + BATCH], sealing) for start in range(0, len(places), BATCH)]


def _post(told: Told, places: Sequence[int], sealing: Sealing) -> Post:
    body = msgspec.json.encode([_event(told, place) for place in places])
    stamp = str(int(sealing.at))
    signature = signing.by_key_pair(sealing.secret, stamp.encode() + body)
    headers = {f"{PREFIX}Signature": signature, f"{PREFIX}Timestamp": stamp}
    id_ = signing.webhook_id(told.event.project, f"{told.event.id}:{places[0]}")
    return Post(id=id_, body=body, headers=headers)


def _event(told: Told, place: int) -> dict[str, Any]:
    event, message = told.event, told.message
    return {
        **message.metadata,
        "email": message.recipients[place].email,
        "timestamp": int(event.at),
        "smtp-id": f"<{message_id_of(message.id, message.sender.email)}>",
        "category": message.tags,
        "sg_event_id": signing.webhook_id(event.project, f"{event.id}:{place}"),
        "sg_message_id": f"{message.id}.recvd-{place}",
        "event": KINDS[event.type],
        **_further(event),
    }


def _further(event: Event) -> dict[str, Any]:
    data, words = event.data, words_of(event.data)
    match KINDS[event.type]:
        case "dropped":
            said = NOT_WRITTEN_TO if event.type is EventType.SUPPRESSED else words
            return {"reason": _DROPPED.get(data.get("reason", ""), said)}
        case "deferred":
            return {"response": words}
        case "delivered":
            return {"response": words_of({"smtp_code": 250} | data)}
        case "bounce":
            return _bounced(data, words)
        case "unsubscribe" if str(data.get("scope", "")).startswith(_GROUP):
            group = data["scope"].removeprefix(_GROUP)
            return {"event": "group_unsubscribe", "asm_group_id": int(group) if group.isdecimal() else group}
        case "open":
            is_ahead = data.get("machine") == Machine.APPLE_MPP
            return {"useragent": USER_AGENTS.get(data.get("machine", ""), ""), "sg_machine_open": is_ahead}
        case "click":
            return {"useragent": USER_AGENTS.get(data.get("machine", ""), "")}
    return {}


def _bounced(data: Mapping[str, Any], words: str) -> dict[str, Any]:
    is_hard = data.get("bounce") == Bounce.HARD
    of_reason = _CLASSES.get(data.get("reason", ""), "Unclassified")
    return {
        "type": "bounce" if is_hard else "blocked",
        "reason": words,
        "status": data.get("enhanced_status", ""),
        "bounce_classification": _CLASSES[Reason.INVALID_RECIPIENT] if is_hard else of_reason,
    }


WRITER: Final = Writer(types=frozenset(KINDS), posts=posts, public_key=signing.verification_key)
