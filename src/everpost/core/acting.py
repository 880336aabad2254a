"""Whether a person may do something to a mail now, and what it makes of its deliveries."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from everpost.core import transitions
from everpost.model.act import Act, Action, Decision
from everpost.model.change import Change
from everpost.model.delivery import FINAL, Delivery, DeliveryState
from everpost.model.message import Message

_GONE: Final = "it is no longer kept whole: {removed} is gone"


def hindrance(act: Act, message: Message, deliveries: Sequence[Delivery], now: float) -> str | None:
    """Why it can't be done, in words; None: it can, for at least one delivery."""
    reasons = [_HINDRANCES[act.action](act, message, delivery, now) for delivery in deliveries]
    return None if None in reasons else next(iter(reasons), "it has no delivery")


def changes(act: Act, message: Message, deliveries: Sequence[Delivery], who: str, now: float) -> list[Change]:
    """What it makes of those deliveries that it can be done to. A mail that is sent again is left as it is."""
    fit = [one for one in deliveries if _HINDRANCES[act.action](act, message, one, now) is None]
    made = [_changed(act, delivery, who, now) for delivery in fit]
    return [change for change in made if change is not None]


def _changed(act: Act, delivery: Delivery, who: str, now: float) -> Change | None:
    match act:
        case Act(action=Action.CANCEL):
            return transitions.cancel(delivery, who, now, act.why)
        case Act(action=Action.RESCHEDULE, send_at=float() as send_at):
            return transitions.reschedule(delivery, send_at, who, act.why, now)
        case Act(action=Action.RESOLVE, decision=Decision() as decision):
            return transitions.decide(delivery, decision, who, act.why, now)
        case _:
            return None


def _cancelling(_act: Act, _message: Message, delivery: Delivery, _now: float) -> str | None:
    if delivery.state is DeliveryState.QUEUED:
        return None
    return f"only a queued message can be cancelled; this one is {delivery.state}"


def _rescheduling(act: Act, _message: Message, delivery: Delivery, _now: float) -> str | None:
    if delivery.state is not DeliveryState.QUEUED:
        return f"only a queued message can be rescheduled; this one is {delivery.state}"
    if delivery.attempts:
        return f"it was begun already: attempts were made ({delivery.attempts})"
    if act.send_at is not None and act.send_at >= delivery.expires_at:
        return "it expires before then; cancel it, and send it again for that time"
    return None


def _resending(_act: Act, message: Message, delivery: Delivery, _now: float) -> str | None:
    if message.removed:
        return _GONE.format(removed=", ".join(message.removed))
    if delivery.state not in FINAL:
        return f"only what is final can be sent again; this one is {delivery.state}, so it may still be handed over"
    return None


def _resolving(act: Act, message: Message, delivery: Delivery, now: float) -> str | None:
    if delivery.state not in transitions.OPEN:
        return f"only an uncertain or held message can be resolved; this one is {delivery.state}"
    if act.attempts not in (None, delivery.attempts):
        return f"you have seen {act.attempts} attempts, and there are {delivery.attempts}: look again, then decide"
    if delivery.deadline_at is not None and now < delivery.deadline_at:
        return "its attempt may still be under way; wait until it is over"
    if act.decision is Decision.RESEND and message.removed:
        return _GONE.format(removed=", ".join(message.removed))
    if act.decision is Decision.RESEND and now >= delivery.expires_at:
        return "its time is over; send it again as a new mail"
    return None


_HINDRANCES: Final[Mapping[Action, Callable[[Act, Message, Delivery, float], str | None]]] = {
    Action.CANCEL: _cancelling,
    Action.RESCHEDULE: _rescheduling,
    Action.RESEND: _resending,
    Action.RESOLVE: _resolving,
}
