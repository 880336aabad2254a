"""Renders what is stored as answers of the native API."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from everpost.dialects.native.account_views import RouteView
from everpost.dialects.native.views import (
    AcceptedView,
    AddressView,
    AttemptView,
    ContentView,
    DeliveryView,
    EmailView,
    EventView,
    RecipientView,
    StoredAttachmentView,
)
from everpost.model.delivery import Delivery, DeliveryState
from everpost.model.event import Recorded
from everpost.model.message import Address, Attachment, Message
from everpost.model.outcome import Attempt
from everpost.model.recipient import RecipientState, RecipientStatus
from everpost.model.route import Route

SOURCE: Final = "/everpost"
TYPE_PREFIX: Final = "dev.everpost."

LEAST_FINAL: Final = (
    DeliveryState.UNCERTAIN,
    DeliveryState.SENDING,
    DeliveryState.QUEUED,
    DeliveryState.HELD,
    DeliveryState.FAILED,
    DeliveryState.CANCELLED,
    DeliveryState.SENT,
)
"""A mail of several deliveries is in the first of these states that one of them is in."""


_PENDING: Final = RecipientStatus(state=RecipientState.PENDING)


def state_of(deliveries: Iterable[Delivery]) -> DeliveryState:
    """The state of a mail: that of the delivery that is furthest from its end."""
    return min((delivery.state for delivery in deliveries), key=LEAST_FINAL.index)


def render_accepted(message: Message) -> AcceptedView:
    """What a mail is answered with when it is accepted. It tells nothing of what came later, so that a replay of the
    request is answered with the same bytes."""
    return AcceptedView(
        id=message.id,
        state=DeliveryState.QUEUED,
        created_at=instant(message.created_at),
        recipients=_recipients(message, [_PENDING] * len(message.recipients)),
        attempts=[],
    )


def render_message(
    message: Message,
    deliveries: Sequence[Delivery],
    attempts: Iterable[Attempt],
    statuses: Sequence[RecipientStatus],
    send_at: float | None,
) -> EmailView:
    """A mail with its story. `statuses`: of its recipients, in the order of to, cc and bcc."""
    state = state_of(deliveries)
    return {
        "id": message.id,
        "state": state.value,
        "created_at": instant(message.created_at),
        "updated_at": instant(max(delivery.updated_at for delivery in deliveries)),
        "from": _address(message.sender),
        "subject": message.subject,
        "recipients": _recipients(message, statuses),
        "deliveries": [_delivery(delivery) for delivery in deliveries],
        "tags": list(message.tags),
        "metadata": message.metadata,
        "route": message.route,
        "send_at": maybe_instant(send_at),
        "expires_at": maybe_instant(message.expires_at),
        "resend_of": None if message.origin.again is None else message.origin.again.of,
        "attempts": [_attempt(attempt) for attempt in attempts],
        "removed": [each.value for each in message.removed],
    }


def render_content(message: Message) -> ContentView:
    return ContentView(
        id=message.id,
        subject=message.subject,
        text=message.text,
        html=message.html,
        headers=message.headers,
        attachments=[_attachment(each) for each in message.attachments],
        removed=[each.value for each in message.removed],
    )


def _attachment(attachment: Attachment) -> StoredAttachmentView:
    is_elsewhere = attachment.stored_as is not None and not attachment.content
    return StoredAttachmentView(
        filename=attachment.filename,
        content_type=attachment.content_type,
        content_id=attachment.content_id,
        size_bytes=None if is_elsewhere else len(attachment.content),
    )


def render_event(recorded: Recorded) -> EventView:
    """A CloudEvents 1.0 envelope (structured JSON) with the extension attribute `sequence`. What is named `…_at` in
    its data is an instant, and told as all instants are."""
    event = recorded.event
    subject = event.message_id or event.account
    about: dict[str, Any] = {
        "project": event.project,
        "message_id": event.message_id,
        "delivery_id": event.delivery_id,
        "account": event.account,
    }
    view = EventView(
        specversion="1.0",
        id=event.id,
        source=SOURCE,
        type=TYPE_PREFIX + event.type.value,
        time=instant(event.at),
        datacontenttype="application/json",
        sequence=render_sequence(recorded.seq),
        data={name: value for name, value in about.items() if value is not None} | _told(event.data),
    )
    if subject:
        view["subject"] = subject
    return view


def render_sequence(seq: int) -> str:
    """A place in the audit trail. Compares as text, and is the cursor of those who read on from there."""
    return f"{seq:020d}"


def _told(data: Mapping[str, Any]) -> dict[str, Any]:
    return {name: maybe_instant(value) if name.endswith("_at") else value for name, value in data.items()}


def render_route(route: Route) -> RouteView:
    return {
        "name": route.name,
        "default": route.default,
        "accounts": [
            {"account": entry.account, "weight": entry.weight, "paused": entry.paused} for entry in route.accounts
        ],
        "on_unknown": route.on_unknown.value,
        "resolve_within_s": route.resolve_within_s,
        "give_up_after_s": route.give_up_after_s,
        "allow_loss": None if route.allow_loss is None else [loss.value for loss in route.allow_loss],
        "version": route.version,
    }


def instant(at: float) -> str:
    """RFC 3339 in UTC, to the millisecond."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def maybe_instant(at: float | None) -> str | None:
    return None if at is None else instant(at)


def _recipients(message: Message, statuses: Sequence[RecipientStatus]) -> list[RecipientView]:
    kinds = ["to"] * len(message.to) + ["cc"] * len(message.cc) + ["bcc"] * len(message.bcc)
    return [
        {
            "email": address.email,
            "name": address.name,
            "kind": kind,
            "state": status.state.value,
            "reason": status.reason,
            "told_at": maybe_instant(status.at),
        }
        for address, kind, status in zip(message.recipients, kinds, statuses, strict=True)
    ]


def _address(address: Address) -> AddressView:
    return {"email": address.email, "name": address.name}


def _delivery(delivery: Delivery) -> DeliveryView:
    return {
        "id": delivery.id,
        "state": delivery.state.value,
        "account": delivery.account,
        "attempts": delivery.attempts,
        "reason": delivery.reason,
        "due_at": maybe_instant(delivery.due_at),
        "expires_at": instant(delivery.expires_at),
        "provider_message_id": delivery.provider_message_id,
    }


def _attempt(attempt: Attempt) -> AttemptView:
    return {
        "number": attempt.number,
        "account": attempt.account,
        "why": attempt.why,
        "outcome": attempt.outcome,
        "started_at": instant(attempt.started_at),
        "latency_ms": attempt.latency_ms,
        "status": attempt.status,
        "text": attempt.text,
        "provider_message_id": attempt.provider_message_id,
        "resolution": attempt.resolution,
        "lost": list(attempt.lost),
    }
