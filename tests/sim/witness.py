"""Sees every write of the store, whoever will hear of it, and judges it at once."""

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from everpost.model.change import Change, Charge
from everpost.model.delivery import FINAL, Delivery, DeliveryState
from everpost.model.event import Event, EventType
from everpost.model.message import Message, OnUnknown
from sim.plan import Plan

GIVE_UP_S = 72 * 3600.0  # the default of a route
TRACE_MAX = 4096  # words that wait for being hashed


@dataclass
class Trail:
    """What has been written of a delivery."""

    project: str
    message_id: str
    mail: str
    state: DeliveryState
    accepted_at: float
    expires_at: float  # by its node's clock
    send_at: float | None
    addresses: tuple[str, ...]
    version: int = 0
    events: list[Event] = field(default_factory=list)
    attempts: int = 0
    resends: int = 0
    is_safe: bool = True  # an attempt may begin: the one before has certainly not handed over, or was given up
    began_at: float = 0.0  # the last attempt, by no node's clock
    intents: dict[str, list[float]] = field(default_factory=dict)  # by account: when they were written
    was_given_up: bool = False
    was_suppressed: bool = False
    has_expired: bool = False
    ended_at: float | None = None


class Witness:
    def __init__(self, plan: Plan, patience_s: Mapping[str, float], now: Callable[[], float]) -> None:
        self._plan = plan
        self._patience_s = patience_s  # by account
        self._now = now
        self._words: list[str] = []
        self._hash = hashlib.sha256()
        self._used: dict[tuple[str, str], tuple[float, int]] = {}  # by account and unit: window and amount
        self.trails: dict[str, Trail] = {}
        self.events: set[str] = set()  # ids of all events of deliveries
        self.open: set[str] = set()  # deliveries that have not ended
        self.seen: Counter[str] = Counter()
        self.breaks: list[str] = []

    # --- what others ask it -------------------------------------------------------------------------------------------

    def intents(self, delivery_id: str, account: str) -> Sequence[float]:
        trail = self.trails.get(delivery_id)
        return trail.intents.get(account, ()) if trail is not None else ()

    def project(self, delivery_id: str) -> str:
        trail = self.trails.get(delivery_id)
        return trail.project if trail is not None else ""

    def trace(self, what: str) -> None:
        self._words.append(f"{self._now():.6f} {what}")
        if len(self._words) > TRACE_MAX:
            self._digest()

    def trace_hash(self) -> str:
        self._digest()
        return self._hash.hexdigest()

    def _digest(self) -> None:
        self._hash.update("\n".join(self._words).encode())
        self._words.clear()

    # --- what it sees -------------------------------------------------------------------------------------------------

    def accepted(
        self, message: Message, deliveries: Sequence[Delivery], events: Sequence[Event], charges: Sequence[Charge]
    ) -> None:
        for delivery in deliveries:
            trail = Trail(
                project=message.project,
                message_id=message.id,
                mail=message.subject,
                state=DeliveryState.QUEUED,
                accepted_at=self._now(),
                expires_at=_expires_at(message),
                send_at=message.send_at,
                addresses=tuple(address.email for address in message.recipients),
            )
            self.trails[delivery.id] = trail
            self.open.add(delivery.id)
            own = [event for event in events if event.delivery_id == delivery.id]
            if [event.type for event in own][:1] != [EventType.ACCEPTED]:
                self._broken(delivery.id, f"its trail begins with {[event.type for event in own][:1]}")
            self._write(delivery, trail, own)
        self._charge(charges)

    def changed(self, change: Change) -> None:
        delivery = change.delivery
        trail = self.trails.get(delivery.id)
        if trail is None:
            self._broken(delivery.id, "written without having been accepted")
            return
        if change.was < trail.version:
            self._broken(delivery.id, f"written over version {trail.version} by a holder of version {change.was}")
        if trail.state in FINAL and delivery.state is not trail.state and not _is_told_of(trail, change):
            self._broken(delivery.id, f"it was {trail.state} and is {delivery.state}")
        if delivery.state is not trail.state and not change.events:
            self._broken(delivery.id, f"from {trail.state} to {delivery.state} without an event")
        self._write(delivery, trail, change.events)
        self._charge(change.charges)

    def noted(self, event: Event) -> None:
        """What a provider has told of a delivery; it may have ended long ago."""
        trail = self.trails.get(event.delivery_id or "")
        if trail is None:
            return
        if event.id in self.events:
            self._broken(event.delivery_id or "", f"an event is told twice: {event.id}")
        self.events.add(event.id)
        trail.events.append(event)
        self.seen[event.type] += 1
        self._words.append(event.id)

    def _write(self, delivery: Delivery, trail: Trail, events: Sequence[Event]) -> None:
        trail.state, trail.version, trail.attempts = delivery.state, delivery.version, delivery.attempts
        if delivery.state in FINAL and trail.ended_at is None:
            trail.ended_at = self._now()
            self.open.discard(delivery.id)
        for event in events:
            if event.id in self.events:
                self._broken(delivery.id, f"an event is told twice: {event.id}")
            self.events.add(event.id)
            trail.events.append(event)
            self._words.append(event.id)
            self._judge(delivery.id, trail, event)

    def _judge(self, id_: str, trail: Trail, event: Event) -> None:
        """An attempt may only follow one that certainly did not hand over, or one that was given up in due time."""
        self.seen[event.type] += 1
        match event.type:
            case EventType.ATTEMPTED:
                if not trail.is_safe:
                    self._broken(id_, f"attempt {event.data['number']} began while the one before was unresolved")
                trail.is_safe, trail.began_at = False, self._now()
                trail.intents.setdefault(event.account or "", []).append(trail.began_at)
            case EventType.DEFERRED if "outcome" in event.data:
                trail.is_safe = True
            case EventType.RESOLVED:
                self.seen[f"resolved: {event.data['verdict']}"] += 1
                trail.is_safe = event.data["verdict"] == "absent" or self._given_up(id_, trail, event)
            case EventType.SUPPRESSED:
                trail.was_suppressed = True
            case EventType.FAILED if event.data.get("code") == "expired":
                trail.has_expired = True
                self.seen["expired"] += 1

    def _given_up(self, id_: str, trail: Trail, event: Event) -> bool:
        """Whether it may be sent again after a verdict that is not `absent`."""
        if event.data["verdict"] != "unresolved":
            return False
        trail.was_given_up = True
        is_resend, after_s, plan = event.data["action"] == "resend", self._now() - trail.began_at, self._plan
        trail.resends += is_resend
        self.seen[f"given up: {event.data['action']}"] += 1
        if plan.askable:
            self._broken(id_, f"given up although every provider can be asked ({event.data['reason']})")
        if is_resend and plan.on_unknown is OnUnknown.HOLD:
            self._broken(id_, f"the policy is {plan.on_unknown}, it was told {event.data['action']}")
        if not is_resend and plan.on_unknown is OnUnknown.RESEND and event.at < trail.expires_at:
            self._broken(id_, f"the policy is {plan.on_unknown}, it was told {event.data['action']}")
        patience = min(plan.resolve_within_s, self._patience_s.get(event.account or "", 0.0))
        if "no way to ask" not in event.data["reason"] and after_s < patience:
            self._broken(id_, f"given up after {after_s:.0f} s ({event.data['reason']})")
        return is_resend

    def _charge(self, charges: Sequence[Charge]) -> None:
        """A second book of the quotas, kept from what was written alone."""
        for charge in charges:
            key = (charge.account, charge.unit)
            window_at, used = self._used.get(key, (charge.window_at, 0))
            used = used + charge.amount if charge.window_at <= window_at else charge.amount
            self._used[key] = (max(window_at, charge.window_at), used)
            if used > charge.amount_max:
                self.breaks.append(f"quota: {used} charged to {key} where {charge.amount_max} are allowed")

    def _broken(self, id_: str, words: str) -> None:
        self.breaks.append(f"{id_}: {words}")


def _expires_at(message: Message) -> float:
    """As its sender wants it, or as the route gives up."""
    if message.expires_at is not None:
        return message.expires_at
    return max(message.created_at, message.send_at or 0.0) + GIVE_UP_S


def _is_told_of(trail: Trail, change: Change) -> bool:
    """What is held is no end where its provider tells of it later."""
    verdict = change.events[0].data.get("verdict") if change.events else None
    is_sent = change.delivery.state is DeliveryState.SENT
    return trail.state is DeliveryState.HELD and is_sent and verdict == "found"
