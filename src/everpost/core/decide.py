"""Which account carries a delivery now, or why none does. The only place that chooses."""

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from everpost.core import quota
from everpost.core.fit import Carrier, misfit
from everpost.core.losing import losses
from everpost.core.retry import pause_s
from everpost.model.account import Circuit, CircuitState
from everpost.model.capability import Loss
from everpost.model.change import Usage
from everpost.model.delivery import Delivery
from everpost.model.message import Message
from everpost.model.route import Route, RouteAccount

WAIT_S_MIN: Final = 1.0
WAIT_S_MAX: Final = 60.0


class Standing(Struct, frozen=True, kw_only=True):
    """What is known of an account at this moment."""

    carrier: Carrier
    circuit: Circuit
    blocked_until: float | None = None
    blocked_reason: str = ""
    probe_taken: bool = False  # somebody else holds the probe of the half-open circuit


class Board(Struct, frozen=True, kw_only=True):
    """All accounts at one moment."""

    standings: Mapping[str, Standing]
    used: Mapping[tuple[str, str], Usage]
    now: float


class Skip(Struct, frozen=True):
    account: str
    reason: str


class Send(Struct, frozen=True, kw_only=True):
    account: str
    why: str
    skipped: tuple[Skip, ...]
    probe: bool = False  # take the half-open circuit's one probe first
    lost: tuple[Loss, ...] = ()  # what the mail loses there, as it allows


class Wait(Struct, frozen=True, kw_only=True):
    """No account can take it now."""

    until: float
    reason: str
    skipped: tuple[Skip, ...]
    round_over: bool  # every account that could be tried has been


class Fail(Struct, frozen=True, kw_only=True):
    """No account will ever take it."""

    reason: str
    skipped: tuple[Skip, ...]


Decision = Send | Wait | Fail


class _Obstacle(Struct, frozen=True, kw_only=True):
    reason: str
    until: float | None = None  # when it may be gone
    lasting: bool = False  # only another configuration, or another mail, would remove it
    final: bool = False  # the provider itself has refused this delivery for good
    share: float | None = None  # it takes so much of the mail, and more only while no other account is free


def decide(
    delivery: Delivery, message: Message, route: Route, board: Board, unfit: Mapping[str, str], chance: float
) -> Decision:
    """`unfit` names accounts whose provider can't express the mail, with the reason; `chance` is in [0, 1)."""
    skipped: list[Skip] = []
    obstacles: list[_Obstacle] = []
    shy: Send | None = None
    asked, luck = order(route, chance)
    for entry in asked:
        standing = board.standings.get(entry.account)
        reason = unfit.get(entry.account) or _misfit(message, standing, route)
        obstacle = _obstacle(delivery, message, entry, board, reason, luck)
        probe = standing is not None and standing.circuit.state is CircuitState.HALF_OPEN
        why = _why(route, entry, drawn=entry is asked[0] and _can_be_drawn(entry), probe=probe)
        lost = tuple(losses(message, standing.carrier.limits)) if standing is not None else ()
        send = Send(account=entry.account, why=why, skipped=tuple(skipped), probe=probe, lost=lost)
        if obstacle is None:
            return send
        if obstacle.share is not None:
            shy = shy or send
            luck = (luck - obstacle.share) / (1.0 - obstacle.share)  # uniform again, for the next account
        skipped.append(Skip(entry.account, obstacle.reason))
        obstacles.append(obstacle)
    if shy is not None:
        others = tuple(skip for skip in skipped if skip.account != shy.account)
        return replace(shy, why=f"{shy.why}; no other account is free", skipped=others)
    return _no_account(delivery, obstacles, tuple(skipped), board.now, chance)


def order(route: Route, chance: float) -> tuple[tuple[RouteAccount, ...], float]:
    """The accounts of a route in the order in which they are asked: with weights, chance picks the first one. And the
    luck that is left: again uniform between 0 and 1, whoever was picked."""
    first, luck = _drawn(route.accounts, chance)
    return (first, *(entry for entry in route.accounts if entry is not first)), luck


def _drawn(accounts: Sequence[RouteAccount], chance: float) -> tuple[RouteAccount, float]:
    weighted = [(entry, entry.weight or 0.0) for entry in accounts if _can_be_drawn(entry)]
    if not weighted:
        return accounts[0], chance
    mark = chance * sum(weight for _, weight in weighted)
    for entry, weight in weighted[:-1]:
        if mark < weight:
            return entry, mark / weight
        mark -= weight
    last, weight = weighted[-1]
    return last, mark / weight


def _can_be_drawn(entry: RouteAccount) -> bool:
    return bool(entry.weight) and not entry.paused


def _obstacle(
    delivery: Delivery, message: Message, entry: RouteAccount, board: Board, reason: str | None, luck: float
) -> _Obstacle | None:
    """`reason`: why the account can't carry the mail at all."""
    name = entry.account
    standing = board.standings.get(name)
    if standing is None:
        return _Obstacle(reason="it is not configured", lasting=True)
    if name in delivery.refused:
        return _Obstacle(reason="it has refused this mail for good", lasting=True, final=True)
    if reason is not None:
        return _Obstacle(reason=reason, lasting=True)
    if entry.paused:
        return _Obstacle(reason="it is paused")
    if name in delivery.tried:
        return _Obstacle(reason="it was tried in this round")
    return _passing_obstacle(standing, board, len(message.recipients), luck)


def _misfit(message: Message, standing: Standing | None, route: Route) -> str | None:
    return misfit(message, standing.carrier, route.allow_loss) if standing is not None else None


def _passing_obstacle(standing: Standing, board: Board, amount: int, luck: float) -> _Obstacle | None:
    circuit = standing.circuit
    words = f"its circuit is open: {circuit.reason}"  # the same while it is probed: a new reason is a new event
    if circuit.state is CircuitState.OPEN:
        return _Obstacle(reason=words, until=circuit.until)
    if standing.blocked_until is not None and standing.blocked_until > board.now:
        return _Obstacle(reason=f"it is throttled: {standing.blocked_reason}", until=standing.blocked_until)
    if circuit.state is CircuitState.HALF_OPEN and standing.probe_taken:
        return _Obstacle(reason=words, until=board.now + WAIT_S_MIN)
    window = quota.exhausted(standing.carrier.account, board.used, amount, board.now)
    if window is not None:
        return _Obstacle(reason=f"its quota of {window.amount_max} a {window.unit} is used up", until=window.ends_at)
    if circuit.share < 1.0 and luck >= circuit.share:
        percent = round(100 * circuit.share)
        return _Obstacle(reason=f"{_shy_words(circuit)} and takes {percent} % of the mail", share=circuit.share)
    return None


def _shy_words(circuit: Circuit) -> str:
    if circuit.unconfirmed:
        return f"it is in doubt ({circuit.reason})"
    return f"it is slow ({circuit.reason})" if circuit.slow else "it is coming back"


def _why(route: Route, entry: RouteAccount, *, drawn: bool, probe: bool) -> str:
    position = route.accounts.index(entry)
    why = "it is the default account" if position == 0 else f"it is number {position + 1} of the route"
    if drawn:
        why = "it was drawn by weight"
    return f"{why}; it probes whether the account works again" if probe else why


def _no_account(
    delivery: Delivery, obstacles: Sequence[_Obstacle], skipped: tuple[Skip, ...], now: float, chance: float
) -> Wait | Fail:
    words = "; ".join(f"{skip.account}: {skip.reason}" for skip in skipped)
    if all(obstacle.lasting for obstacle in obstacles) and any(obstacle.final for obstacle in obstacles):
        return Fail(reason=f"no account will take it ({words})", skipped=skipped)
    if delivery.tried:
        pause = pause_s(delivery.rounds, chance)
        return Wait(until=now + pause, reason=words, skipped=skipped, round_over=True)
    soonest = min((obstacle.until for obstacle in obstacles if obstacle.until is not None), default=now + WAIT_S_MAX)
    wait_s = min(max(soonest - now, WAIT_S_MIN), WAIT_S_MAX)
    return Wait(until=now + wait_s * (1.0 + chance / 4), reason=words, skipped=skipped, round_over=False)
