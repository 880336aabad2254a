"""Mails as Postmark's clients look for them: https://postmarkapp.com/developer/api/messages-api"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from everpost.dialects.answers import Rendered, render_json
from everpost.dialects.contract import Submission
from everpost.dialects.dropins.contract import List, Page, Row, Show, Shown, Tell
from everpost.dialects.dropins.postmark_query import STREAM, instant, read_query, read_reach, read_times, spelled
from everpost.dialects.dropins.reading import refused
from everpost.dialects.faults import Faults
from everpost.model.delivery import DeliveryState
from everpost.model.event import Event, EventType
from everpost.model.key import Scope
from everpost.model.message import Address, Message
from everpost.model.problem import Problem

_STATUSES: Final[Mapping[DeliveryState, str]] = {
    DeliveryState.SENT: "Sent",
    DeliveryState.FAILED: "Failed",
    DeliveryState.CANCELLED: "Failed",
    DeliveryState.HELD: "Blocked",
}
_WANTED: Final[Mapping[str, DeliveryState]] = {
    "sent": DeliveryState.SENT,
    "processed": DeliveryState.SENT,
    "queued": DeliveryState.QUEUED,
    "failed": DeliveryState.FAILED,
    "blocked": DeliveryState.HELD,
}
_EVENTS: Final[Mapping[EventType, str]] = {
    EventType.RECIPIENT_DELIVERED: "Delivered",
    EventType.RECIPIENT_DEFERRED: "Transient",
    EventType.RECIPIENT_BOUNCED: "Bounced",
    EventType.RECIPIENT_REJECTED: "Bounced",
    EventType.RECIPIENT_OPENED: "Opened",
    EventType.RECIPIENT_CLICKED: "LinkClicked",
    EventType.RECIPIENT_UNSUBSCRIBED: "SubscriptionChanged",
    EventType.RECIPIENT_COMPLAINED: "SubscriptionChanged",
}


def parse_page(submission: Submission) -> Page | Problem:
    faults = Faults()
    query = read_query(submission, faults)
    count, offset = read_reach(query, faults)
    since, until = read_times(query, faults)
    status = query.get("status")
    if status is not None and status.lower() not in _WANTED:
        faults.add("status", f"must be one of: {', '.join(_WANTED)}")
    if faults:
        return refused(faults, 422)
    return Page(
        limit=count,
        skip=offset,
        recipient=query.get("recipient"),
        tag=query.get("tag"),
        state=None if status is None else _WANTED[status.lower()],
        since=since,
        until=until,
    )


def render_page(page: Page, shown: Sequence[Shown], has_more: bool) -> Rendered:  # noqa: FBT001  as the contract has it
    """Counted as far as they were looked at, and one more if there are any."""
    total = page.skip + len(shown) + has_more
    return render_json(200, {"TotalCount": total, "Messages": [_summary(each) for each in shown]})


def render_details(shown: Shown) -> Rendered:
    message = shown.message
    body = message.raw.decode("utf-8", "replace") if message.is_raw else ""
    return render_json(
        200,
        {
            **_summary(shown),
            "TextBody": message.text,
            "HtmlBody": message.html,
            "Body": body,
            "MessageEvents": [*_events(shown)],
        },
    )


def _summary(shown: Shown) -> dict[str, Any]:
    message = shown.message
    return {
        "Tag": next(iter(message.tags), None),
        "MessageID": message.id,
        "MessageStream": STREAM,
        "To": _addresses(message.to),
        "Cc": _addresses(message.cc),
        "Bcc": _addresses(message.bcc),
        "Recipients": [each.email for each in message.recipients],
        "ReceivedAt": instant(message.created_at),
        "From": _mailbox(message.sender),
        "Subject": message.subject,
        "Attachments": [] if message.is_raw else [each.filename for each in message.attachments],
        "Status": _status(shown),
        "TrackOpens": False,
        "TrackLinks": "None",
        "Metadata": message.metadata,
        "Sandboxed": False,
    }


def _status(shown: Shown) -> str:
    is_scheduled = shown.state is DeliveryState.QUEUED and shown.send_at is not None
    return _STATUSES.get(shown.state) or ("Scheduled" if is_scheduled else "Queued")


def _addresses(addresses: Sequence[Address]) -> list[dict[str, str | None]]:
    return [{"Email": each.email, "Name": each.name or None} for each in addresses]


def _mailbox(address: Address) -> str:
    name = address.name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{name}" <{address.email}>' if name else address.email


def _events(shown: Shown) -> Iterator[dict[str, Any]]:
    for event in shown.events:
        name, recipient = _EVENTS.get(event.type), recipient_of(event, shown.message)
        if name is not None and recipient is not None:
            yield {"Recipient": recipient, "Type": name, "ReceivedAt": instant(event.at), "Details": _details(event)}


def _details(event: Event) -> dict[str, str]:
    words = event.data.get("text") or event.data.get("reason")
    if event.type in (EventType.RECIPIENT_UNSUBSCRIBED, EventType.RECIPIENT_COMPLAINED):
        return {"Origin": "Recipient", "SuppressSending": "True"}
    if event.type is EventType.RECIPIENT_DELIVERED:
        return {"DeliveryMessage": f"smtp;{event.data.get('smtp_code', 250)}"}
    return {"Summary": words} if words else {}


def recipient_of(event: Event, message: Message) -> str | None:
    """Whom it is about; None: that was not told."""
    place, recipients = event.data.get("place"), message.recipients
    if place is None:
        return recipients[0].email if len(recipients) == 1 else None
    return recipients[place].email if place < len(recipients) else None


def _server(_scope: Scope) -> Rendered:
    """A project, as far as a server of Postmark's has something that it has, too."""
    return render_json(
        200,
        {
            "ID": 1,
            "Name": "Everpost",
            "ApiTokens": [],
            "Color": "Grey",
            "SmtpApiActivated": True,
            "RawEmailEnabled": False,
            "DeliveryType": "Live",
            "ServerLink": "",
            "InboundAddress": "",
            "InboundHash": "",
            "InboundSpamThreshold": 0,
            "PostFirstOpenOnly": False,
            "TrackOpens": False,
            "TrackLinks": "None",
            "IncludeBounceContentInHook": False,
            "EnableSmtpApiErrorHooks": False,
        },
    )


ROWS: Final = (
    Row(
        method="GET",
        path="/messages/outbound",
        scope=Scope.READ,
        does=List(parse_page, render_page),
        query=("count", "offset", "recipient", "tag", "status", *spelled("fromdate", "todate", "messagestream")),
    ),
    Row(method="GET", path="/messages/outbound/{id}/details", scope=Scope.SEND, does=Show(render_details)),
    Row(method="GET", path="/server", scope=Scope.READ, does=Tell(_server)),
)
