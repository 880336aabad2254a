"""What a provider has told, as an event of the trail, and what follows from it."""

import hashlib
import math
import re
from typing import Any, Final

from msgspec import Struct

from everpost.core.masking import masked
from everpost.model.delivery import Delivery
from everpost.model.event import Event, EventType, Recorded
from everpost.model.message import Message
from everpost.model.sighting import Bounce, Sighting, SightingKind, Unreadable
from everpost.model.suppression import ALL, Source, Suppression

AHEAD_S_MAX: Final = 600.0  # by which a provider's clock may be before ours
BEHIND_S_MAX: Final = 365 * 86_400.0  # older than that is no time of an event
_PLAIN_ID: Final = re.compile(r"[\w:.=+-]{1,100}", re.ASCII)
_TYPES: Final = {kind: EventType(f"recipient.{kind}") for kind in SightingKind}
_SOURCES: Final = {
    SightingKind.BOUNCED: Source.BOUNCE,
    SightingKind.COMPLAINED: Source.COMPLAINT,
    SightingKind.UNSUBSCRIBED: Source.UNSUBSCRIBE,
}
_WORDS: Final = {
    Source.BOUNCE: "a hard bounce",
    Source.COMPLAINT: "a complaint",
    Source.UNSUBSCRIBE: "an unsubscription",
}


class Join(Struct, frozen=True, kw_only=True):
    """The mail that a sighting is about."""

    delivery: Delivery
    message: Message
    by: str  # metadata, message_id or recipient
    trail: tuple[Recorded, ...] = ()  # of the mail

    def place(self, sighting: Sighting) -> int | None:
        """The recipient's place in to, cc and bcc; None where it can't be told whose it is."""
        wanted = (sighting.recipient or "").lower()
        emails = [one.email.lower() for one in self.message.recipients]
        if sighting.vague and len(emails) > 1:
            return None
        return next((place for place, email in enumerate(emails) if email == wanted), None)


def event_of(sighting: Sighting, account: str, join: Join | None, received_at: float) -> Event:
    """Without a join it is an event of no message: nothing here is known to have sent that mail."""
    data = _data(sighting) | {"received_at": received_at}
    if join is None:
        id_, type_ = _id(account, sighting.event_id, sighting.raw), _TYPES[sighting.kind]
        return Event(id=id_, type=type_, at=_at(sighting, received_at), project="", account=account, data=data)
    place = join.place(sighting)
    return Event(
        id=_id(account, sighting.event_id, sighting.raw),
        type=_TYPES[sighting.kind],
        at=_at(sighting, received_at),
        project=join.message.project,
        message_id=join.message.id,
        delivery_id=join.delivery.id,
        account=account,
        data={"joined_by": join.by} | data | ({} if place is None else {"place": place}),
    )


def unreadable_event(what: Unreadable, account: str, received_at: float) -> Event:
    data = {"reason": masked(what.reason), "size_bytes": len(what.raw), "received_at": received_at}
    id_ = _id(account, None, what.raw)
    return Event(id=id_, type=EventType.WEBHOOK_UNREADABLE, at=received_at, project="", account=account, data=data)


def suppression_of(event: Event, sighting: Sighting, join: Join, now: float) -> Suppression | None:
    """What follows for the recipient; None: nothing. A soft bounce tells of one mail alone. Who leaves the mail of a
    stream leaves that stream; of other mail, who leaves a part of it has not left all of it."""
    source = _SOURCES.get(sighting.kind)
    stream = join.message.stream if source is Source.UNSUBSCRIBE else ALL
    if source is None or "place" not in event.data:
        return None
    if sighting.kind is SightingKind.BOUNCED and sighting.bounce is not Bounce.HARD:
        return None
    if sighting.scope is not None and stream == ALL:
        return None
    return Suppression(
        project=join.message.project,
        address=join.message.recipients[event.data["place"]].email.lower(),
        stream=stream,
        source=source,
        reason=f"{_WORDS[source]}, as {event.account} has told",
        created_at=now,
    )


def suppression_event(told: Event, row: Suppression) -> Event:
    """That the address was suppressed for what was told. Its id says for which, so that it is told once."""
    return Event(
        id=f"{told.id}:suppression",
        type=EventType.SUPPRESSION_ADDED,
        at=row.created_at,
        project=told.project,
        message_id=told.message_id,
        account=told.account,
        data={"by": told.account, "place": told.data["place"], **facts_of(row)},
    )


def facts_of(row: Suppression) -> dict[str, Any]:
    """What the trail tells of it: all but the address."""
    told = {
        "source": row.source.value,
        "reason": row.reason,
        "stream": row.stream or None,
        "expires_at": row.expires_at,
    }
    return {name: value for name, value in told.items() if value is not None}


def _data(sighting: Sighting) -> dict[str, Any]:
    words = {"native": masked(sighting.native), "text": masked(sighting.text), "scope": masked(sighting.scope or "")}
    found = {
        "provider_message_id": sighting.provider_message_id,
        "bounce": sighting.bounce and sighting.bounce.value,
        "reason": sighting.reason and sighting.reason.value,
        "smtp_code": sighting.smtp_code,
        "enhanced_status": sighting.enhanced_status,
        "machine": sighting.machine and sighting.machine.value,
        "late": sighting.late or None,
    }
    return {name: value for name, value in (words | found).items() if value not in (None, "")}


def _id(account: str, event_id: str | None, raw: bytes) -> str:
    """The same for what is told again. An id that could be misread, and what has none, is known by its digest."""
    if event_id is not None and _PLAIN_ID.fullmatch(event_id):
        return f"webhook:{account}:{event_id}"
    return f"webhook:{account}:{hashlib.sha256(raw if event_id is None else event_id.encode()).hexdigest()}"


def _at(sighting: Sighting, received_at: float) -> float:
    """When it happened, where that can be."""
    at = sighting.at
    is_sound = at is not None and math.isfinite(at) and -BEHIND_S_MAX <= at - received_at <= AHEAD_S_MAX
    return at if at is not None and is_sound else received_at
