"""From a delivery to the intent of an attempt: which account carries it now, and with which request."""

import dataclasses
import logging
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from msgspec.structs import replace

from everpost.core import quota, resolving, transitions
from everpost.core.decide import Board, Fail, Send, Wait, decide
from everpost.engine.attempt import Attempts, Intent
from everpost.engine.fleet import Fleet
from everpost.engine.hand import Hand
from everpost.engine.ports import Ports
from everpost.engine.routes import DEFAULT
from everpost.model.change import Change
from everpost.model.message import Message, size_bytes, without_recipients
from everpost.model.route import Route
from everpost.model.suppression import Suppression, stops, yields
from everpost.providers.contract import Unsendable
from everpost.store.port import Claimed, Store, StoreUnavailable

_log = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class Round:
    """What one batch of deliveries has come to."""

    began_at: float  # monotonic: what is decided on is no older
    board: Board
    routes: Mapping[str, Route]
    barred: Mapping[tuple[str, str], Sequence[Suppression]]  # by project and address
    intents: list[Intent] = field(default_factory=list)
    changes: list[tuple[Message, Change]] = field(default_factory=list)


async def suppressed_among(batch: Sequence[Claimed], store: Store) -> Mapping[tuple[str, str], Sequence[Suppression]]:
    """What is known of those that these are for, by project and address: of some, mail may still be theirs."""
    asked: dict[tuple[str, str], set[str]] = defaultdict(set)
    for message in (claimed.message for claimed in batch):
        asked[message.project, message.stream].update(address.email for address in message.recipients)
    found: dict[tuple[str, str], list[Suppression]] = defaultdict(list)
    for (project, stream), addresses in asked.items():
        for row in await store.suppressed(project, sorted(addresses), stream):
            found[project, row.address].append(row)
    return found


class Intents:
    def __init__(self, ports: Ports, fleet: Fleet, attempts: Attempts, hand: Hand) -> None:
        self._ports = ports
        self._fleet = fleet
        self._attempts = attempts
        self._hand = hand

    async def of_fresh(self, claimed: Claimed, route: Route, ahead: Callable[[], float]) -> Intent | None:
        """The pledged intent for a mail that is about to be stored; None if no account can start with it at once, and
        with the others that have come before: as many as `ahead` says."""
        began_at = self._ports.clock.monotonic()
        try:
            board = await self._fleet.board()
        except StoreUnavailable:
            return None
        unfit: dict[str, str] = {}
        chance = self._ports.clock.chance()
        try:
            while True:
                decision = decide(claimed.delivery, claimed.message, route, board, unfit, chance)
                if not isinstance(decision, Send) or decision.probe:
                    return None
                if self._fleet.free(decision.account) <= ahead():
                    return None
                intent = await self._build(claimed, claimed.message, decision, unfit, began_at)
                if intent is not None:
                    if self._fleet.free(decision.account) <= ahead():  # others came while a large one was packed
                        return None
                    self._attempts.pledge(intent)
                    return intent
        except Exception:
            _log.exception("a fresh mail broke; it goes to the queue", extra={"delivery": claimed.delivery.id})
            return None

    async def decide(self, claimed: Claimed, round_: Round) -> None:
        """For a queued delivery: adds its pledged intent or another change to the round, or lets it wait in hand."""
        delivery, message = claimed.delivery, claimed.message
        now = self._ports.clock.now()
        if now >= delivery.expires_at:
            round_.changes.append((message, transitions.expire(delivery, now)))
            return
        stopped = _places(stops, message, round_.barred, now)
        if not stopped.issubset(delivery.left_out):
            round_.changes.append((message, transitions.leave_out(delivery, message, stopped, now)))
            return
        ignored = _places(yields, message, round_.barred, now)
        message = without_recipients(message, delivery.left_out)
        route = round_.routes.get(message.route) or round_.routes[DEFAULT]
        unfit: dict[str, str] = {}
        chance = self._ports.clock.chance()
        while True:
            decision = decide(delivery, message, route, round_.board, unfit, chance)
            match decision:
                case Wait():
                    round_.changes.append((message, transitions.postpone(delivery, decision, now)))
                    return
                case Fail():
                    round_.changes.append((message, transitions.fail(delivery, decision, now)))
                    return
                case Send() if self._fleet.free(decision.account) <= 0:
                    self._hand.wait_for(decision.account, claimed)
                    return
                case Send():
                    intent = await self._build(claimed, message, decision, unfit, round_.began_at)
                    if intent is not None and await self._may_begin(decision, round_):
                        change = transitions.overriding(intent.change, ignored)
                        intent = dataclasses.replace(intent, change=change)
                        self._attempts.pledge(intent)
                        round_.intents.append(intent)
                        return

    async def _build(
        self, claimed: Claimed, message: Message, send: Send, unfit: dict[str, str], began_at: float
    ) -> Intent | None:
        """For `message`, the claimed one less those who must not be written to. None if the account is out of the
        question after all."""
        member = self._fleet.member(send.account)
        if member is None:
            unfit[send.account] = "it is not configured"
            return None
        build = partial(member.provider.build, message, claimed.delivery.id, member.account)
        request = await self._ports.aside.run(size_bytes(message), build)
        if isinstance(request, Unsendable):
            unfit[send.account] = request.reason
            return None
        now = self._ports.clock.now()
        charges = quota.charges(member.account, len(message.recipients), now)
        change = transitions.begin(claimed.delivery, send, charges, resolving.budget_s(member.account), now)
        not_after = began_at + resolving.START_S + member.account.timeouts.connect_s
        return Intent(
            claimed=claimed, change=change, request=request, member=member, not_after=not_after, lost=send.lost
        )

    async def _may_begin(self, send: Send, round_: Round) -> bool:
        """Of a half-open circuit, one mail is the probe."""
        if not send.probe:
            return True
        standing = replace(round_.board.standings[send.account], probe_taken=True)
        round_.board = replace(round_.board, standings={**round_.board.standings, send.account: standing})
        return await self._fleet.take_probe(send.account)


def _places(
    rule: Callable[[Suppression, Message, float], bool],
    message: Message,
    barred: Mapping[tuple[str, str], Sequence[Suppression]],
    now: float,
) -> set[int]:
    """Of recipients of whom something is known that fits the rule."""
    return {
        place
        for place, address in enumerate(message.recipients)
        if any(rule(row, message, now) for row in barred.get((message.project, address.email.lower()), ()))
    }
