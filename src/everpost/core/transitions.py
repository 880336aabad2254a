"""Every change of a delivery's state, with the events that tell it. Nothing else changes state."""

import re
from collections.abc import Sequence
from typing import Any, Final

from msgspec.structs import replace

from everpost.core.decide import Fail, Send, Skip, Wait
from everpost.model.change import Change, Charge
from everpost.model.delivery import Delivery, DeliveryState
from everpost.model.event import Event, EventType
from everpost.model.limits import REASON_CHARS_MAX
from everpost.model.message import OnUnknown
from everpost.model.outcome import Kind, Outcome

LEASE_MARGIN_S: Final = 10.0  # from the last moment at which an attempt can end to the end of its lease

_ADDRESS: Final = re.compile(r"[^\s<>\"'(),;:]+@[^\s<>\"'(),;:]+")


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
    if send.skipped:
        data["skipped"] = _told(send.skipped)
    return _change(delivery, begun, now, [(EventType.ATTEMPTED, data)], charges)


def settle(delivery: Delivery, outcome: Outcome, now: float) -> Change:
    """What the answer to the current attempt makes of the delivery."""
    data = _outcome_data(delivery, outcome, now)
    account = delivery.account or ""
    told = _masked(outcome.text)
    match outcome.kind:
        case Kind.ACCEPTED:
            sent = _final(delivery, DeliveryState.SENT, "")
            return _change(delivery, _with_id(sent, outcome), now, [(EventType.SENT, data)])
        case Kind.HELD:
            held = _final(delivery, DeliveryState.HELD, f"{account} has accepted it but holds it: {told}")
            return _change(delivery, _with_id(held, outcome), now, [(EventType.HELD, data)])
        case Kind.REJECTED:
            failed = _final(delivery, DeliveryState.FAILED, f"{account} rejected it: {told}")
            return _change(delivery, failed, now, [(EventType.FAILED, data)])
        case Kind.UNKNOWN:
            reason = f"{account} gave no trustworthy answer: {told}"
            unsure = replace(delivery, state=DeliveryState.UNCERTAIN, due_at=now, reason=reason)
            return _change(delivery, unsure, now, [(EventType.UNCERTAIN, data)])
        case Kind.REFUSED | Kind.THROTTLED | Kind.UNAVAILABLE:
            return _change(delivery, _not_taken(delivery, outcome, now), now, [(EventType.DEFERRED, data)])


def lost(delivery: Delivery, now: float) -> Change:
    """The lease of an attempt has ended without an outcome: its worker is gone, and nobody knows how far it got."""
    outcome = Outcome(kind=Kind.UNKNOWN, text="the worker was lost before it could store the outcome")
    return settle(delivery, outcome, now)


def found(delivery: Delivery, provider_message_id: str | None, now: float) -> Change:
    """The provider has it after all."""
    sent = replace(
        _final(delivery, DeliveryState.SENT, ""),
        provider_message_id=provider_message_id or delivery.provider_message_id,
    )
    data = {"number": delivery.attempts, "verdict": "found", "asks": delivery.asks}
    events: list[tuple[EventType, dict[str, Any]]] = [(EventType.RESOLVED, data)]
    events.append((EventType.SENT, {"provider_message_id": sent.provider_message_id}))
    return _change(delivery, sent, now, events)


def absent(delivery: Delivery, now: float) -> Change:
    """The provider has it not: the delivery may go elsewhere."""
    data = {"number": delivery.attempts, "verdict": "absent", "asks": delivery.asks}
    return _change(delivery, _again(delivery, now), now, [(EventType.RESOLVED, data)])


def unresolved(delivery: Delivery, policy: OnUnknown, reason: str, now: float) -> Change:
    """Nobody can tell in time: the sender's policy decides. An expired mail is not sent again."""
    data = {"number": delivery.attempts, "verdict": "unresolved", "reason": _masked(reason), "asks": delivery.asks}
    if policy is OnUnknown.RESEND and now < delivery.expires_at:
        return _change(delivery, _again(delivery, now), now, [(EventType.RESOLVED, data | {"action": "resend"})])
    words = f"it is unknown whether {delivery.account} has it: {_masked(reason)}"
    held = _final(delivery, DeliveryState.HELD, words)
    return _change(
        delivery, held, now, [(EventType.RESOLVED, data | {"action": "hold"}), (EventType.HELD, {"reason": words})]
    )


def ask_again(delivery: Delivery, at: float, now: float) -> Change:
    """The question is open; it is asked again at `at`."""
    return _change(delivery, replace(delivery, due_at=at, asks=delivery.asks + 1), now, [])


def postpone(delivery: Delivery, wait: Wait, now: float) -> Change:
    """No account can take it now. Told once for each reason, not once for each look."""
    rounds = delivery.rounds + 1 if wait.round_over else delivery.rounds
    tried = () if wait.round_over else delivery.tried
    due_at = min(wait.until, delivery.expires_at)
    reason = wait.reason[:REASON_CHARS_MAX]
    later = replace(delivery, due_at=due_at, reason=reason, rounds=rounds, tried=tried)
    told = [] if reason == delivery.reason and not wait.round_over else [(EventType.DEFERRED, _wait_data(wait, due_at))]
    return _change(delivery, later, now, told)


def fail(delivery: Delivery, verdict: Fail, now: float) -> Change:
    failed = _final(delivery, DeliveryState.FAILED, verdict.reason)
    data = {"reason": verdict.reason, "skipped": _told(verdict.skipped)}
    return _change(delivery, failed, now, [(EventType.FAILED, data)])


def expire(delivery: Delivery, now: float) -> Change:
    words = "it expired before any account took it" + (f" ({delivery.reason})" if delivery.reason else "")
    failed = _final(delivery, DeliveryState.FAILED, words)
    return _change(delivery, failed, now, [(EventType.FAILED, {"reason": words, "code": "expired"})])


def suppress(delivery: Delivery, count: int, now: float) -> Change:
    words = f"{count} of its recipients must not be written to (suppressed)"
    failed = _final(delivery, DeliveryState.FAILED, words)
    return _change(
        delivery, failed, now, [(EventType.SUPPRESSED, {"recipients": count}), (EventType.FAILED, {"reason": words})]
    )


def cancel(delivery: Delivery, who: str, now: float) -> Change | None:
    """None: it is too late; only a queued delivery can be cancelled."""
    if delivery.state is not DeliveryState.QUEUED:
        return None
    cancelled = _final(delivery, DeliveryState.CANCELLED, f"cancelled by {who}")
    return _change(delivery, cancelled, now, [(EventType.CANCELLED, {"by": who})])


def _change(
    was: Delivery,
    next_: Delivery,
    now: float,
    told: Sequence[tuple[EventType, dict[str, Any]]],
    charges: tuple[Charge, ...] = (),
) -> Change:
    version = was.version + 1
    events = tuple(
        Event(
            id=f"{was.id}:{version}{'' if position == 0 else f'.{position}'}",
            type=type_,
            at=now,
            project=was.project,
            message_id=was.message_id,
            delivery_id=was.id,
            account=next_.account,
            data=data,
        )
        for position, (type_, data) in enumerate(told)
    )
    return Change(
        delivery=replace(next_, version=version, updated_at=now), was=was.version, events=events, charges=charges
    )


def _final(delivery: Delivery, state: DeliveryState, reason: str) -> Delivery:
    return replace(delivery, state=state, due_at=None, reason=reason[:REASON_CHARS_MAX])


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
        reason=f"{account}: {outcome.kind}: {_masked(outcome.text)}"[:REASON_CHARS_MAX],
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
        "text": _masked(outcome.text),
        "provider_message_id": outcome.provider_message_id,
        "retry_after_s": outcome.retry_after_s,
    }
    return data | {key: value for key, value in extra.items() if value not in (None, "")}


def _wait_data(wait: Wait, due_at: float) -> dict[str, Any]:
    return {"reason": wait.reason[:REASON_CHARS_MAX], "until": due_at, "skipped": _told(wait.skipped)}


def _told(skipped: Sequence[Skip]) -> list[dict[str, str]]:
    return [{"account": skip.account, "reason": _masked(skip.reason)} for skip in skipped]


def _masked(text: str) -> str:
    """Words of a provider without the addresses in them: events go to many places."""
    return _ADDRESS.sub("<address>", text)[:REASON_CHARS_MAX]
