"""Which account a mail would go to, and why not to the others: by `decide` itself, over all that chance may say."""

from collections import Counter
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from msgspec import Struct

from everpost.core.decide import Board, Send, Wait, decide, order
from everpost.core.fit import misfit
from everpost.model.capability import Loss
from everpost.model.delivery import Delivery
from everpost.model.message import Message
from everpost.model.route import Route

DRAWS: Final = 100  # chances that lie evenly between 0 and 1, where chance plays a part: shares are in whole percent
_EVEN: Final = 0.5


class Prospect(StrEnum):
    SENT = "sent"  # an account takes it at once
    WAITS = "waits"  # none can now: it is accepted, and waits
    REFUSED = "refused"  # none ever can: it is not accepted


class Candidate(Struct, frozen=True, kw_only=True):
    account: str
    share: float  # of such mail that it is given, between 0 and 1
    reason: str  # why it is chosen, and why not for all of such mail; with no share: why it is not
    lost: tuple[Loss, ...] = ()  # what it would leave out


class Explanation(Struct, frozen=True, kw_only=True):
    prospect: Prospect
    account: str | None  # that most of such mail goes to; None: it goes to none now
    reason: str  # why this one, or why none
    until: float | None  # waits: when the accounts are looked at again, at the latest
    candidates: tuple[Candidate, ...]  # in the order of the route


def explain(delivery: Delivery, message: Message, route: Route, board: Board, unfit: Mapping[str, str]) -> Explanation:
    """`unfit` names the accounts that can't carry such a mail at all, with the reason."""
    decisions = [decide(delivery, message, route, board, unfit, chance) for chance in _chances(route, board)]
    taken = Counter(decision.account for decision in decisions if isinstance(decision, Send))
    whys = {decision.account: decision.why for decision in reversed(decisions) if isinstance(decision, Send)}
    lost = {decision.account: decision.lost for decision in decisions if isinstance(decision, Send)}
    skips = {skip.account: skip.reason for decision in decisions for skip in decision.skipped}
    chosen = taken.most_common(1)[0][0] if taken else None
    candidates = tuple(
        Candidate(
            account=entry.account,
            share=taken[entry.account] / len(decisions),
            lost=lost.get(entry.account, ()),
            reason=_reason(whys.get(entry.account), skips.get(entry.account)) or f"{chosen} is asked before it",
        )
        for entry in route.accounts
    )
    if chosen is not None:
        return Explanation(
            prospect=Prospect.SENT, account=chosen, reason=whys[chosen], until=None, candidates=candidates
        )
    is_refused = all(entry.account in unfit for entry in route.accounts)
    return Explanation(
        prospect=Prospect.REFUSED if is_refused else Prospect.WAITS,
        account=None,
        reason="; ".join(f"{one.account}: {one.reason}" for one in candidates),
        until=None if is_refused else min(decision.until for decision in decisions if isinstance(decision, Wait)),
        candidates=candidates,
    )


def _reason(why: str | None, but: str | None) -> str | None:
    return f"{why}, but {but}" if why and but else why or but


def awaited_account(delivery: Delivery, message: Message, route: Route, board: Board, chance: float) -> str | None:
    """Which account a queued delivery would go to now, or waits for: then it is the first that could ever take it."""
    decision = decide(delivery, message, route, board, {}, chance)
    if isinstance(decision, Send):
        return decision.account
    for entry in order(route, chance)[0]:
        standing = board.standings.get(entry.account)
        is_out = standing is None or entry.paused or entry.account in delivery.refused
        if not is_out and standing is not None and misfit(message, standing.carrier, route.allow_loss) is None:
            return entry.account
    return None


def _chances(route: Route, board: Board) -> list[float]:
    """One is enough where chance plays no part."""
    in_doubt = any(standing.circuit.share < 1.0 for standing in board.standings.values())
    if not in_doubt and not any(entry.weight for entry in route.accounts):
        return [_EVEN]
    return [(number + _EVEN) / DRAWS for number in range(DRAWS)]
