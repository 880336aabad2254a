"""Resend's webhooks, sent by Svix: https://resend.com/docs/dashboard/webhooks/introduction

One request for an event of ours; `to` names those whom it is about. Signed as in Standard Webhooks. Nobody can
unsubscribe by it.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from everpost.dialects.notices.facts import LISTED, NOT_WRITTEN_TO, USER_AGENTS, instant, message_id_of, words_of
from everpost.model.event import EventType
from everpost.model.sighting import Bounce, Reason
from everpost.model.told import Told
from everpost.webhooks import signing
from everpost.webhooks.writing import Post, Sealing, Writer

KINDS: Final[Mapping[EventType, str]] = {
    EventType.ACCEPTED: "email.sent",
    EventType.SUPPRESSED: "email.suppressed",
    EventType.FAILED: "email.failed",
    EventType.RECIPIENT_DEFERRED: "email.delivery_delayed",
    EventType.RECIPIENT_DELIVERED: "email.delivered",
    EventType.RECIPIENT_BOUNCED: "email.bounced",
    EventType.RECIPIENT_REJECTED: "email.failed",
    EventType.RECIPIENT_FAILED: "email.failed",
    EventType.RECIPIENT_COMPLAINED: "email.complained",
    EventType.RECIPIENT_OPENED: "email.opened",
    EventType.RECIPIENT_CLICKED: "email.clicked",
}
_SCHEDULED: Final = "email.scheduled"
_SUPPRESSED: Final[Mapping[str, str]] = {
    Reason.SUPPRESSED_BOUNCE: "previous_bounce",
    Reason.SUPPRESSED_COMPLAINT: "previous_complaint",
}
_SUBTYPES: Final[Mapping[str, str]] = {
    Reason.MAILBOX_FULL: "MailboxFull",
    Reason.TOO_LARGE: "MessageTooLarge",
    Reason.CONTENT: "ContentRejected",
    Reason.ATTACHMENT: "AttachmentRejected",
}
_HARD: Final = "The recipient's email provider sent a hard bounce message."
_SOFT: Final = "The recipient's email provider sent a general bounce message."
_SVIX: Final = {f"webhook-{name}": f"svix-{name}" for name in ("id", "timestamp", "signature")}


def posts(told: Told, sealing: Sealing) -> Sequence[Post]:
    places = told.places
    if not places:
        return ()
    event = told.event
    kind, further = _kind(told)
    data = _about(told) | {"to": [told.message.recipients[place].email for place in places]} | further
    body = msgspec.json.encode({"type": kind, "created_at": instant(event.at), "data": data})
    id_ = signing.webhook_id(event.project, event.id)
    signed = signing.headers(sealing.keys, id_, sealing.at, body)
    return [Post(id=id_, body=body, headers={_SVIX[name]: value for name, value in signed.items()})]


def _about(told: Told) -> dict[str, Any]:
    message = told.message
    return {
        "created_at": instant(message.created_at),
        "email_id": message.id,
        "message_id": f"<{message_id_of(message.id, message.sender.email)}>",
        "from": str(message.sender),
        "subject": message.subject,
        "tags": message.metadata,
        "headers": [{"name": name, "value": value} for name, value in message.headers.items()],
    }


def _kind(told: Told) -> tuple[str, dict[str, Any]]:
    """With what it says besides."""
    type_, data, words = told.event.type, told.event.data, words_of(told.event.data)
    kind = KINDS[type_]
    match kind:
        case "email.sent" if told.message.send_at is not None:
            return _SCHEDULED, {}
        case "email.suppressed":
            return kind, {"suppressed": {"reason": "suppressed", "message": NOT_WRITTEN_TO}}
        case "email.failed" if data.get("reason") in LISTED:
            why = _SUPPRESSED.get(data["reason"], data["reason"])
            return "email.suppressed", {"suppressed": {"reason": why, "message": words}}
        case "email.failed":
            return kind, {"failed": {"reason": words}}
        case "email.bounced":
            return kind, {"bounce": _bounced(data, words)}
        case "email.clicked":
            return kind, {
                "click": {
                    "timestamp": instant(told.event.at),
                    "userAgent": USER_AGENTS.get(data.get("machine", ""), ""),
                }
            }
    return kind, {}


def _bounced(data: Mapping[str, Any], words: str) -> dict[str, Any]:
    code = [f"smtp; {words}" if "smtp_code" in data else words] if words else []
    if data.get("bounce") == Bounce.HARD:
        return {"type": "Permanent", "subType": "General", "message": _HARD, "diagnosticCode": code}
    subtype = _SUBTYPES.get(data.get("reason", ""), "General")
    return {"type": "Transient", "subType": subtype, "message": _SOFT, "diagnosticCode": code}


WRITER: Final = Writer(types=frozenset(KINDS), posts=posts)
