"""Events of Amazon SES, in the envelope of SNS:
https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html

One notification for an event of ours; `destination` names those whom it is about. It bears no signature of SNS: nobody
but AWS can make one.
"""

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from everpost.dialects.notices.facts import LISTED, NOT_WRITTEN_TO, USER_AGENTS, instant, words_of
from everpost.model.event import EventType
from everpost.model.sighting import Bounce, Reason
from everpost.model.told import Told
from everpost.webhooks import signing
from everpost.webhooks.writing import Post, Sealing, Writer

TOPIC: Final = "arn:aws:sns:us-east-1:000000000000:everpost"
KINDS: Final[Mapping[EventType, str]] = {
    EventType.ACCEPTED: "Send",
    EventType.SUPPRESSED: "Bounce",
    EventType.FAILED: "Reject",
    EventType.RECIPIENT_DEFERRED: "DeliveryDelay",
    EventType.RECIPIENT_DELIVERED: "Delivery",
    EventType.RECIPIENT_BOUNCED: "Bounce",
    EventType.RECIPIENT_REJECTED: "Reject",
    EventType.RECIPIENT_FAILED: "Reject",
    EventType.RECIPIENT_COMPLAINED: "Complaint",
    EventType.RECIPIENT_UNSUBSCRIBED: "Subscription",
    EventType.RECIPIENT_OPENED: "Open",
    EventType.RECIPIENT_CLICKED: "Click",
}
_PLACES: Final = {"DeliveryDelay": "deliveryDelay"}  # of what tells it; of all others: the name in small letters
_ON_THE_LIST: Final = "OnAccountSuppressionList"
_SUBTYPES: Final[Mapping[str, str]] = {
    Reason.MAILBOX_FULL: "MailboxFull",
    Reason.TOO_LARGE: "MessageTooLarge",
    Reason.CONTENT: "ContentRejected",
    Reason.ATTACHMENT: "AttachmentRejected",
}
_DELAYS: Final[Mapping[str, str]] = {
    Reason.MAILBOX_FULL: "MailboxFull",
    Reason.CONTENT: "SpamDetected",
    Reason.REPUTATION: "IPFailure",
    Reason.UNREACHABLE: "TransientCommunicationFailure",
}
_HEADERS: Final = {"Content-Type": "text/plain; charset=UTF-8", "x-amz-sns-message-type": "Notification"}


def posts(told: Told, _sealing: Sealing) -> Sequence[Post]:
    emails = [told.message.recipients[place].email for place in told.places]
    if not emails:
        return ()
    kind, about = _about(told, emails)
    place = _PLACES.get(kind, kind.lower())
    event = {"eventType": kind, "mail": _mail(told, emails), place: {"timestamp": instant(told.event.at)} | about}
    id_ = signing.webhook_id(told.event.project, told.event.id)
    name = str(uuid.UUID(bytes=hashlib.sha256(id_.encode()).digest()[:16]))
    envelope = {
        "Type": "Notification",
        "MessageId": name,
        "TopicArn": TOPIC,
        "Subject": "Amazon SES Email Event Notification",
        "Message": msgspec.json.encode(event).decode(),
        "Timestamp": instant(told.event.at),
    }
    headers = _HEADERS | {"x-amz-sns-message-id": name, "x-amz-sns-topic-arn": TOPIC}
    return [Post(id=id_, body=msgspec.json.encode(envelope), headers=headers)]


def _mail(told: Told, emails: Sequence[str]) -> dict[str, Any]:
    message = told.message
    to = [str(each) for each in message.to]
    headers = {"From": str(message.sender), "To": ", ".join(to), "Subject": message.subject} | message.headers
    return {
        "timestamp": instant(message.created_at),
        "messageId": message.id,
        "source": message.sender.email,
        "destination": emails,
        "headersTruncated": False,
        "headers": [{"name": name, "value": value} for name, value in headers.items()],
        "commonHeaders": {"from": [str(message.sender)], "to": to, "messageId": message.id, "subject": message.subject},
        "tags": {name: [value] for name, value in message.metadata.items()},
    }


def _about(told: Told, emails: Sequence[str]) -> tuple[str, dict[str, Any]]:
    """The name of the event, and what it says."""
    type_, data, words = told.event.type, told.event.data, words_of(told.event.data)
    kind = KINDS[type_]
    match kind:
        case "Delivery":
            return kind, {"recipients": emails, "smtpResponse": words_of({"smtp_code": 250} | data)}
        case "DeliveryDelay":
            delay = _DELAYS.get(data.get("reason", ""), "Undetermined")
            return kind, {"delayType": delay, "delayedRecipients": _each(emails, data, words)}
        case "Bounce":
            return kind, _bounced(type_, data, words) | {"bouncedRecipients": _refused(emails, type_, data, words)}
        case "Reject":
            return _rejected(emails, data, words)
        case "Complaint":
            whom = [{"emailAddress": each} for each in emails]
            return kind, {"complaintFeedbackType": "abuse", "complainedRecipients": whom}
        case "Subscription":
            return kind, {"newTopicPreferences": _preferences(data), "oldTopicPreferences": {"unsubscribeAll": False}}
        case "Open" | "Click":
            return kind, {"userAgent": USER_AGENTS.get(data.get("machine", ""), "")}
    return kind, {}


def _each(emails: Sequence[str], data: Mapping[str, Any], words: str) -> list[dict[str, Any]]:
    status = {"status": data["enhanced_status"]} if "enhanced_status" in data else {}
    return [{"emailAddress": each, "diagnosticCode": f"smtp; {words}"} | status for each in emails]


def _refused(emails: Sequence[str], type_: EventType, data: Mapping[str, Any], words: str) -> list[dict[str, Any]]:
    if type_ is EventType.SUPPRESSED:
        return [{"emailAddress": each, "action": "failed", "diagnosticCode": NOT_WRITTEN_TO} for each in emails]
    return [{"action": "failed"} | each for each in _each(emails, data, words)]


def _bounced(type_: EventType, data: Mapping[str, Any], words: str) -> dict[str, Any]:
    if type_ is EventType.SUPPRESSED:
        return {"bounceType": "Permanent", "bounceSubType": _ON_THE_LIST}
    if data.get("bounce") == Bounce.HARD:
        subtype = "NoEmail" if data.get("reason") == Reason.INVALID_RECIPIENT else "General"
        return {"bounceType": "Permanent", "bounceSubType": subtype}
    subtype = _SUBTYPES.get(data.get("reason", ""), "General")
    return {"bounceType": "Transient" if words else "Undetermined", "bounceSubType": subtype}


def _rejected(emails: Sequence[str], data: Mapping[str, Any], words: str) -> tuple[str, dict[str, Any]]:
    """SES has other names for what its own list stops."""
    reason = data.get("reason")
    if reason == Reason.SUPPRESSED_COMPLAINT:
        whom = [{"emailAddress": each} for each in emails]
        return "Complaint", {"complaintSubType": _ON_THE_LIST, "complainedRecipients": whom}
    if reason in LISTED:
        bounced = {"bounceType": "Permanent", "bounceSubType": _ON_THE_LIST}
        return "Bounce", bounced | {"bouncedRecipients": _each(emails, data, words)}
    return "Reject", {"reason": words}


def _preferences(data: Mapping[str, Any]) -> dict[str, Any]:
    """Of everything; or of the topic that the scope names."""
    scope = str(data.get("scope", ""))
    if not scope:
        return {"unsubscribeAll": True}
    topic = {"topicName": scope.removeprefix("topic:"), "subscriptionStatus": "OptOut"}
    return {"unsubscribeAll": False, "topicSubscriptionStatus": [topic]}


WRITER: Final = Writer(types=frozenset(KINDS), posts=posts)
