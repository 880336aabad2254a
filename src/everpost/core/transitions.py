"""Every change of a delivery's state, with the events that tell it. Nothing else changes state."""

from collections.abc import Collection, Sequence
from typing import Any, Final

from msgspec.structs import replace

from everpost.core.decide import Fail, Send, Skip, Wait
from everpost.core.masking import masked
from everpost.model.act import Decision
from everpost.model.capability import Loss
from everpost.model.change import Change, Charge
from everpost.model.delivery import Delivery, DeliveryState
from everpost.model.event import Event, EventType
from everpost.model.message import Message, OnUnknown, without_recipients
from everpost.model.outcome import TAKEN, Kind, Outcome

OPEN: Final = frozenset({DeliveryState.UNCERTAIN, DeliveryState.HELD})
"""States that a person may decide about, or what a provider tells later."""
LEASE_MARGIN_S: Final = 10.0  # from the last moment at which an attempt can end to the end of its lease

_Events = Sequence[tuple[EventType, dict[str, Any]]]


def begin(delivery: Delivery, send: Send, charges: tuple[Charge, ...], budget_s: float, now: float) -> Change:
    """The intent to hand the delivery to an account: on disk before the first byte goes out. `budget_s` is the
    longest that the attempt can take; the lease outlives it."""
    number = delivery.attempts + 1
    deadline_at = now + budget_s
    begun = replace(
        delivery,
        state=DeliveryState.SENDING,
        due_at=deadline_at + LEASE_MARGIN_S,
        attempts=number,
        account=send.account,
        started_at=now,
        deadline_at=deadline_at,
        asks=0,
        reason="",
    )
    data: dict[str, Any] = {"number": number, "why": send.why}
    if delivery.account not in (None, send.account):
        data["after"] = delivery.account
    if send.skipped:
        data["skipped"] = _told(send.skipped)
    if send.lost:
        data["lost"] = list(send.lost)
    return _change(delivery, begun, now, [(EventType.ATTEMPTED, data)], account=send.account, charges=charges)


def overriding(change: Change, places: Collection[int]) -> Change:
    """An attempt that is made although these recipients have unsubscribed: its event tells so."""
    if not places:
        return change
    first, *rest = change.events
    told = replace(first, data=first.data | {"unsubscribed": sorted(places)})
    return replace(change, events=(told, *rest))


def settle(delivery: Delivery, outcome: Outcome, now: float, lost: Sequence[Loss] = ()) -> Change:
    """What the answer to the current attempt makes of the delivery, which has `lost` something if it was taken."""
    after, type_ = _settled(delivery, outcome, now)
    data = _outcome_data(delivery, outcome, now)
    if lost and outcome.kind in TAKEN:
        data["lost"] = list(lost)
    told: _Events = [(type_, data)]
    return _change(delivery, after, now, told, account=delivery.account)


def _settled(delivery: Delivery, outcome: Outcome, now: float) -> tuple[Delivery, EventType]:
    account = delivery.account or ""
    match outcome.kind:
        case Kind.ACCEPTED:
            return _with_id(_final(delivery, DeliveryState.SENT, ""), outcome), EventType.SENT
        case Kind.HELD:
            held = _final(delivery, DeliveryState.HELD, f"{account} has accepted it but holds it: {outcome.text}")
            return _with_id(held, outcome), EventType.HELD
        case Kind.REJECTED:
            return _final(delivery, DeliveryState.FAILED, f"{account} rejected it: {outcome.text}"), EventType.FAILED
        case Kind.UNKNOWN:
            reason = masked(f"{account} gave no trustworthy answer: {outcome.text}")
            unsure = replace(delivery, state=DeliveryState.UNCERTAIN, due_at=now, deadline_at=None, reason=reason)
            return unsure, EventType.UNCERTAIN
        case Kind.REFUSED | Kind.THROTTLED | Kind.UNAVAILABLE:
            return _not_taken(delivery, outcome, now), EventType.DEFERRED


def lost(delivery: Delivery, now: float) -> Change:
    """The lease of an attempt has ended without an outcome: its worker is gone, and nobody knows how far it got. Or a
    clock has jumped, and it is at work; so its deadline stays."""
    outcome = Outcome(kind=Kind.UNKNOWN, text="the worker was lost before it could store the outcome")
    change = settle(delivery, outcome, now)
    return replace(change, delivery=replace(change.delivery, deadline_at=delivery.deadline_at))


def found(delivery: Delivery, provider_message_id: str | None, now: float) -> Change:
    """The provider has it after all, or parks it no more."""
    sent = replace(
        _final(delivery, DeliveryState.SENT, ""),
        provider_message_id=provider_message_id or delivery.provider_message_id,
    )
    data = {"number": delivery.attempts, "verdict": "found", "asks": delivery.asks}
    told: _Events = [(EventType.RESOLVED, data), (EventType.SENT, {"provider_message_id": sent.provider_message_id})]
    return _change(delivery, sent, now, told, account=delivery.account)


def absent(delivery: Delivery, now: float) -> Change:
    """The provider has it not: the delivery may go elsewhere."""
    data = {"number": delivery.attempts, "verdict": "absent", "asks": delivery.asks}
    return _change(delivery, _again(delivery, now), now, [(EventType.RESOLVED, data)], account=delivery.account)


def unresolved(delivery: Delivery, policy: OnUnknown, reason: str, now: float) -> Change:
    """Nobody can tell in time: the sender's policy decides. An expired mail is not sent again."""
    data = {"number": delivery.attempts, "verdict": "unresolved", "reason": masked(reason), "asks": delivery.asks}
    if policy is OnUnknown.RESEND and now < delivery.expires_at:
        told: _Events = [(EventType.RESOLVED, data | {"action": "resend"})]
        return _change(delivery, _again(delivery, now), now, told, account=delivery.account)
    held = _final(delivery, DeliveryState.HELD, f"it is unknown whether {delivery.account} has it: {reason}")
    told = [(EventType.RESOLVED, data | {"action": "hold"}), (EventType.HELD, {"reason": held.reason})]
    return _change(delivery, held, now, told, account=delivery.account)


def ask_again(delivery: Delivery, at: float, now: float) -> Change:
    """The question is open; it is asked again at `at`."""
    return _change(delivery, replace(delivery, due_at=at, asks=delivery.asks + 1), now, [])


def postpone(delivery: Delivery, wait: Wait, now: float) -> Change:
    """No account can take it now. Told once for each reason, not once for each look."""
    rounds = delivery.rounds + 1 if wait.round_over else delivery.rounds
    tried = () if wait.round_over else delivery.tried
    due_at = min(wait.until, delivery.expires_at)
    reason = masked(wait.reason)
    later = replace(delivery, due_at=due_at, reason=reason, rounds=rounds, tried=tried)
    if reason == delivery.reason and not wait.round_over:
        return _change(delivery, later, now, [])
    data = {"reason": reason, "until_at": due_at, "skipped": _told(wait.skipped)}
    return _change(delivery, later, now, [(EventType.DEFERRED, data)])


def fail(delivery: Delivery, verdict: Fail, now: float) -> Change:
    failed = _final(delivery, DeliveryState.FAILED, verdict.reason)
    data = {"reason": failed.reason, "skipped": _told(verdict.skipped)}
    return _change(delivery, failed, now, [(EventType.FAILED, data)])


def expire(delivery: Delivery, now: float) -> Change:
    words = "it expired before any account took it" + (f" ({delivery.reason})" if delivery.reason else "")
    failed = _final(delivery, DeliveryState.FAILED, words)
    return _change(delivery, failed, now, [(EventType.FAILED, {"reason": failed.reason, "code": "expired"})])


def leave_out(delivery: Delivery, message: Message, stopped: Collection[int], now: float) -> Change:
    """Recipients that must not be written to, by their place in the message; the others get the mail, if it
    can be sent to them alone."""
    left_out = tuple(sorted({*delivery.left_out, *stopped}))
    told = (EventType.SUPPRESSED, {"recipients": len(left_out), "places": list(left_out)})
    reduced = replace(delivery, left_out=left_out, due_at=now)
    if without_recipients(message, left_out).is_addressed:
        return _change(delivery, reduced, now, [told])
    words = "none of the recipients in `to` may be written to (suppressed)"
    return _change(
        delivery, _final(reduced, DeliveryState.FAILED, words), now, [told, (EventType.FAILED, {"reason": words})]
    )


def cancel(delivery: Delivery, who: str, now: float, why: str = "") -> Change | None:
    """None: it is too late; only a queued delivery can be cancelled."""
    if delivery.state is not DeliveryState.QUEUED:
        return None
    cancelled = _final(delivery, DeliveryState.CANCELLED, f"cancelled by {who}" + (f": {why}" if why else ""))
    return _change(delivery, cancelled, now, [(EventType.CANCELLED, _by(who, why))])


def reschedule(delivery: Delivery, send_at: float, who: str, why: str, now: float) -> Change | None:
    """None: it is too late; only a delivery that was never begun gets another time."""
    if delivery.state is not DeliveryState.QUEUED or delivery.attempts:
        return None
    moved = replace(delivery, due_at=max(send_at, now), reason="")
    return _change(delivery, moved, now, [(EventType.RESCHEDULED, {"send_at": send_at} | _by(who, why))])


def decide(delivery: Delivery, decision: Decision, who: str, why: str, now: float) -> Change | None:
    """A person answers the question that Everpost could not. None: there is none; only what is uncertain or held can
    be decided."""
    if delivery.state not in OPEN:
        return None
    after, further = _decided(delivery, decision, f"{who} says that it was not sent: {why}", now)
    data = {"number": delivery.attempts, "verdict": "decided", "action": decision.value} | _by(who, why)
    return _change(delivery, after, now, [(EventType.RESOLVED, data), *further], account=delivery.account)


def _decided(delivery: Delivery, decision: Decision, words: str, now: float) -> tuple[Delivery, _Events]:
    match decision:
        case Decision.SENT:
            sent = replace(_final(delivery, DeliveryState.SENT, ""), deadline_at=None)
            return sent, [(EventType.SENT, {"provider_message_id": sent.provider_message_id})]
        case Decision.FAILED:
            failed = replace(_final(delivery, DeliveryState.FAILED, words), deadline_at=None)
            return failed, [(EventType.FAILED, {"reason": failed.reason})]
        case Decision.RESEND:
            return _again(delivery, now), []


def _change(
    was: Delivery,
    next_: Delivery,
    now: float,
    told: _Events,
    *,
    account: str | None = None,
    charges: tuple[Charge, ...] = (),
) -> Change:
    """`account`: the one that the events are about, if they are about one."""
    version = was.version + 1
    events = tuple(
        Event(
            id=f"{was.id}:{version}{'' if position == 0 else f'.{position}'}",
            type=type_,
            at=now,
            project=was.project,
            message_id=was.message_id,
            delivery_id=was.id,
            account=account,
            data=data,
        )
        for position, (type_, data) in enumerate(told)
    )
    return Change(
        delivery=replace(next_, version=version, updated_at=now), was=was.version, events=events, charges=charges
    )


def _final(delivery: Delivery, state: DeliveryState, reason: str) -> Delivery:
    return replace(delivery, state=state, due_at=None, reason=masked(reason))


def _with_id(delivery: Delivery, outcome: Outcome) -> Delivery:
    return replace(delivery, provider_message_id=outcome.provider_message_id)


def _not_taken(delivery: Delivery, outcome: Outcome, now: float) -> Delivery:
    """Back in the queue, due at once for another account."""
    account = delivery.account or ""
    for_good = outcome.kind is Kind.REFUSED and not outcome.account_fault
    return replace(
        delivery,
        state=DeliveryState.QUEUED,
        due_at=now,
        tried=delivery.tried if for_good else (*delivery.tried, account),
        refused=(*delivery.refused, account) if for_good else delivery.refused,
        reason=masked(f"{account}: {outcome.kind}: {outcome.text}"),
    )


def _again(delivery: Delivery, now: float) -> Delivery:
    tried = (*delivery.tried, delivery.account or "")
    return replace(delivery, state=DeliveryState.QUEUED, due_at=now, tried=tried, reason="")


def _outcome_data(delivery: Delivery, outcome: Outcome, now: float) -> dict[str, Any]:
    started_at = delivery.started_at if delivery.started_at is not None else now
    data: dict[str, Any] = {
        "number": delivery.attempts,
        "outcome": str(outcome.kind),
        "latency_ms": round(max(0.0, now - started_at) * 1000, 1),
    }
    extra = {
        "status": outcome.status,
        "text": masked(outcome.text),
        "provider_message_id": outcome.provider_message_id,
        "retry_after_s": outcome.retry_after_s,
    }
    return data | {key: value for key, value in extra.items() if value not in (None, "")}


def _by(who: str, why: str) -> dict[str, Any]:
    return {"by": who} | ({"reason": masked(why)} if why else {})


def _told(skipped: Sequence[Skip]) -> list[dict[str, str]]:
    return [{"account": skip.account, "reason": masked(skip.reason)} for skip in skipped]
