"""Postmark's webhooks: https://postmarkapp.com/developer/webhooks/webhooks-overview

One event in each request, unsigned: who posts it logs in. None says that a mail was taken.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from everpost.dialects.dropins.postmark_bounces import KINDS, OF_MAILS, bounce_of
from everpost.dialects.dropins.postmark_query import STREAM, instant
from everpost.dialects.notices.facts import NOT_WRITTEN_TO, USER_AGENTS, words_of
from everpost.model.event import EventType
from everpost.model.told import Told
from everpost.webhooks import signing
from everpost.webhooks.writing import Post, Sealing, Writer

_RECORDS: Final[Mapping[EventType, tuple[str, str]]] = {  # with the name of its time
    EventType.RECIPIENT_DELIVERED: ("Delivery", "DeliveredAt"),
    EventType.RECIPIENT_OPENED: ("Open", "ReceivedAt"),
    EventType.RECIPIENT_CLICKED: ("Click", "ReceivedAt"),
    EventType.RECIPIENT_UNSUBSCRIBED: ("SubscriptionChange", "ChangedAt"),
    EventType.RECIPIENT_RESUBSCRIBED: ("SubscriptionChange", "ChangedAt"),
}
_TYPES: Final = frozenset(KINDS) | frozenset(OF_MAILS) | frozenset(_RECORDS)
_SCOPE: Final = "stream:"


def posts(told: Told, _sealing: Sealing) -> Sequence[Post]:
    return [_post(told, place) for place in told.places]


def _post(told: Told, place: int) -> Post:
    event = told.event
    one = replace(told, event=replace(event, data=event.data | {"place": place}))
    fields = _record(one) if event.type in _RECORDS else _bounce(one)
    tag = {"Tag": told.message.tags[0]} if told.message.tags else {}
    body = fields | {"Metadata": told.message.metadata} | tag
    id_ = signing.webhook_id(event.project, f"{event.id}:{place}")
    return Post(id=id_, body=msgspec.json.encode(body), headers={})


def _bounce(told: Told) -> dict[str, Any]:
    """As the door's list has it."""
    type_ = told.event.type
    fields = {name: value for name, value in (bounce_of(told) or {}).items() if name != "Tag"}
    if type_ in OF_MAILS:
        fields.pop("ID")
    if type_ is EventType.RECIPIENT_COMPLAINED:
        fields["RecordType"] = fields["Type"]
    said = NOT_WRITTEN_TO if type_ is EventType.SUPPRESSED else words_of(told.event.data)
    return fields | {"Details": f"smtp;{said}" if "smtp_code" in told.event.data else said}


def _record(told: Told) -> dict[str, Any]:
    event, message = told.event, told.message
    record, time = _RECORDS[event.type]
    return {
        "RecordType": record,
        "ServerID": 1,
        "MessageStream": STREAM,
        "MessageID": message.id,
        "Recipient": message.recipients[event.data["place"]].email,
        time: instant(event.at),
        **_further(told),
    }


def _further(told: Told) -> dict[str, Any]:
    data = told.event.data
    match told.event.type:
        case EventType.RECIPIENT_DELIVERED:
            return {"Details": f"smtp;{words_of({'smtp_code': 250} | data)}"}
        case EventType.RECIPIENT_UNSUBSCRIBED:
            scope = str(data.get("scope", ""))
            stream = {"MessageStream": scope.removeprefix(_SCOPE)} if scope.startswith(_SCOPE) else {}
            reason = {"Origin": "Recipient", "SuppressSending": True, "SuppressionReason": "ManualSuppression"}
            return reason | stream
        case EventType.RECIPIENT_RESUBSCRIBED:
            return {"Origin": "Recipient", "SuppressSending": False, "SuppressionReason": None}
    return {"UserAgent": USER_AGENTS.get(data.get("machine", ""), "")}


WRITER: Final = Writer(types=_TYPES, posts=posts)
