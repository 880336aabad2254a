"""What people may try and turn while mail goes on: probe an account, pause it, and ask where a mail would go."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import asdict, replace

from everpost.core.explain import Explanation, awaited_account, explain
from everpost.core.fit import oversize, unfit
from everpost.core.losing import Needs, allowed, needs_of
from everpost.core.masking import masked
from everpost.engine.accept import first_delivery
from everpost.engine.fleet import Fleet
from everpost.engine.ports import Ports
from everpost.engine.probing import Probed, probe
from everpost.engine.routes import DEFAULT, Routes
from everpost.model.capability import Loss
from everpost.model.delivery import DeliveryState
from everpost.model.event import Event, EventType
from everpost.model.key import Caller
from everpost.model.limits import WAITING_LOOKS_MAX
from everpost.model.message import Draft, Message
from everpost.model.problem import Problem
from everpost.model.route import Route
from everpost.model.suppression import stops
from everpost.store.port import Filter

WAITING_S: Final = 5.0  # how old the numbers of waiting mails may be


class Explained(Struct, frozen=True):
    explanation: Explanation
    suppressed: tuple[str, ...]  # recipients that nothing would be sent to
    needs: Needs  # of whoever carries it
    allowed: tuple[Loss, ...]  # what it may lose there


class _Waiting(Struct, frozen=True):
    looked_at: float  # by the monotonic clock
    by_account: Mapping[str, int]


class Steering:
    def __init__(self, ports: Ports, fleet: Fleet, routes: Routes) -> None:
        self._ports = ports
        self._fleet = fleet
        self._routes = routes
        self._waiting: dict[str, _Waiting] = {}  # by project

    async def probe(self, caller: Caller, name: str, reason: str) -> Probed | Problem:
        """Asks the account's provider something that sends nothing; that it was asked, and by whom, is recorded."""
        member = self._fleet.member(name)
        if member is None:
            return self._routes.unknown_account(name)
        clock = self._ports.clock
        probed = await probe(self._ports.wire, member.account, member.provider, clock.monotonic)
        data: dict[str, Any] = asdict(probed) | {"by": caller.who, "reason": masked(reason) or None}
        event = Event(
            id=f"{EventType.ACCOUNT_PROBED}:{clock.entropy():020x}",
            type=EventType.ACCOUNT_PROBED,
            at=clock.now(),
            project=caller.project,
            account=name,
            data={key: value for key, value in data.items() if value is not None},
        )
        await self._ports.store.record([event])
        self._ports.news.nudge()
        return probed

    async def pause(self, caller: Caller, name: str, reason: str, *, paused: bool) -> list[Route] | Problem:
        return await self._routes.pause(caller, name, reason, paused=paused)

    async def explain(self, project: str, draft: Draft, size: int) -> Explained | Problem:
        """Where such a mail would go now, if its content had `size` bytes. Nothing is stored, charged or asked."""
        route = await self._routes.get(draft.route)
        if isinstance(route, Problem):
            return route
        now = self._ports.clock.now()
        message = Message(id="explained", project=project, created_at=now, **asdict(draft))
        fresh = first_delivery(message, route, now)
        explanation = explain(fresh, message, route, await self._fleet.board(), self._unable(message, route, size))
        addresses = sorted({address.email for address in message.recipients})
        known = await self._ports.store.suppressed(project, addresses, message.stream)
        stopped = dict.fromkeys(row.address for row in known if stops(row, message, now))
        needs = replace(needs_of(message), size_bytes=size)
        allowed_here = allowed(message, route.allow_loss)
        return Explained(explanation, tuple(stopped), needs, tuple(loss for loss in Loss if loss in allowed_here))

    def _unable(self, message: Message, route: Route, size: int) -> Mapping[str, str]:
        """Which accounts of the route can't carry it, whatever their health, and why."""
        reasons: dict[str, str | None] = {}
        for entry in route.accounts:
            carrier = self._fleet.carriers.get(entry.account)
            reasons[entry.account] = (
                "it is not configured"
                if carrier is None
                else oversize(size, carrier) or unfit(message, carrier, route.allow_loss)
            )
        return {name: reason for name, reason in reasons.items() if reason is not None}

    async def waiting(self, project: str) -> Mapping[str, int]:
        """By account: of the newest WAITING_LOOKS_MAX mails of the project that are queued and due, how many would go
        to it next, or wait for it. At most WAITING_S old, and one read by key while nothing is queued at all."""
        now = self._ports.clock.monotonic()
        known = self._waiting.get(project)
        if known is None or now - known.looked_at >= WAITING_S:
            known = _Waiting(now, await self._looked(project))
            self._waiting = {name: one for name, one in self._waiting.items() if now - one.looked_at < WAITING_S}
            self._waiting[project] = known
        return known.by_account

    async def _looked(self, project: str) -> Mapping[str, int]:
        counts = await self._ports.store.counts()
        if not counts.by_state.get(DeliveryState.QUEUED):
            return {}
        by = Filter(project=project, state=DeliveryState.QUEUED)
        newest = await self._ports.store.list_messages(by, None, WAITING_LOOKS_MAX)
        routes, board = await self._routes.all(), await self._fleet.board()
        queued = [
            (delivery, stored.message)
            for stored in newest
            for delivery in stored.deliveries
            if delivery.state is DeliveryState.QUEUED and (stored.message.send_at or 0.0) <= board.now
        ]
        found = Counter(
            awaited_account(delivery, message, routes.get(message.route) or routes[DEFAULT], board, at / len(queued))
            for at, (delivery, message) in enumerate(queued)
        )
        return {name: count for name, count in found.items() if name is not None}
