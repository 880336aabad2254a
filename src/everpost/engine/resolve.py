"""What may have been sent is resolved before it is sent elsewhere."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Sequence
from math import inf
from typing import Final

from msgspec import Struct

from everpost.core import resolving, transitions
from everpost.engine.fleet import Fleet
from everpost.engine.ports import Ports
from everpost.engine.routes import DEFAULT, Routes
from everpost.model import ids
from everpost.model.account import Timeouts
from everpost.model.change import Change
from everpost.model.delivery import Delivery, DeliveryState
from everpost.model.limits import LOOKUP_REQUESTS_MAX, RESOLVING_MAX
from everpost.model.message import Message, OnUnknown
from everpost.providers.contract import (
    Absent,
    Ask,
    Finding,
    Found,
    HttpRequest,
    HttpResponse,
    Lookup,
    Sought,
    Unclear,
)
from everpost.store.port import Claimed, StoreUnavailable, Written

LOOKUP_TIMEOUTS: Final = Timeouts(connect_s=5.0, write_s=5.0, answer_s=10.0)
WATCHED_MAX: Final = 100_000  # attempts whose first absence is remembered; one that is forgotten is asked about longer
_log = logging.getLogger(__name__)

OnWritten = Callable[[Sequence[Change]], None]


class _NoWay(Struct, frozen=True):
    """Nobody can ever be asked."""

    reason: str


class Resolver:
    """Asks what became of attempts whose outcome is unknown."""

    def __init__(self, ports: Ports, fleet: Fleet, routes: Routes) -> None:
        self._ports = ports
        self._fleet = fleet
        self._routes = routes
        self._tasks: dict[str, asyncio.Task[None]] = {}  # by delivery id
        self._first_absent: OrderedDict[str, float] = OrderedDict()  # attempt id -> monotonic time of the first look

    def start(self, claimed: Claimed, on_written: OnWritten) -> None:
        """Takes up the question; with too many open ones it is left to the end of its claim."""
        key = claimed.delivery.id
        if key in self._tasks or len(self._tasks) >= RESOLVING_MAX:
            return
        self._tasks[key] = asyncio.create_task(self._run(claimed, on_written))

    def stop(self) -> None:
        for task in self._tasks.values():
            task.cancel()

    async def _run(self, claimed: Claimed, on_written: OnWritten) -> None:
        asked = claimed.delivery
        try:
            looked_at = self._ports.clock.monotonic()
            finding = await self._look(asked, claimed.message)
            # The answer may have taken longer than the claim: it holds for the attempt, whoever has claimed it since.
            current = await self._ports.store.find_delivery(asked.id)
            if current is None or (current.state, current.attempts) != (DeliveryState.UNCERTAIN, asked.attempts):
                return
            change = await self._conclude(current, claimed.message, finding, looked_at)
            if await self._ports.store.advance([change]) == [Written.DONE]:
                on_written([change])
        except StoreUnavailable as error:
            _log.warning("a question waits for the store", extra={"error": str(error)})
        except Exception:
            _log.exception("a question broke; it is asked again", extra={"delivery": asked.id})
        finally:
            del self._tasks[asked.id]
            self._ports.due.nudge()

    async def _conclude(
        self, delivery: Delivery, message: Message, finding: Finding | _NoWay, looked_at: float
    ) -> Change:
        policy, within_s = await self._policy(message)
        now = self._ports.clock.now()
        if isinstance(finding, Found):
            return transitions.found(delivery, finding.provider_message_id, now)
        if isinstance(finding, _NoWay):
            return transitions.unresolved(delivery, policy, finding.reason, now)
        if isinstance(finding, Absent) and self._is_proof(delivery, looked_at):
            return transitions.absent(delivery, now)
        if now >= (delivery.started_at or delivery.created_at) + within_s:
            reason = finding.reason if isinstance(finding, Unclear) else "its records do not show it, and may lag"
            return transitions.unresolved(delivery, policy, reason, now)
        return transitions.ask_again(delivery, now + self._pause_s(delivery), now)

    async def _policy(self, message: Message) -> tuple[OnUnknown, float]:
        routes = await self._routes.all()
        route = routes.get(message.route) or routes[DEFAULT]
        within_s = message.resolve_within_s if message.resolve_within_s is not None else route.resolve_within_s
        return message.on_unknown or route.on_unknown, within_s

    async def _look(self, delivery: Delivery, message: Message) -> Finding | _NoWay:
        """One question, which may take several requests: found if one finds it, absent only if all say so."""
        member = self._fleet.member(delivery.account)
        if member is None:
            return _NoWay("its account is no longer configured")
        lookup = member.provider.resolve
        if lookup is None:
            return _NoWay(f"{delivery.account} has no way to ask")
        started_at = delivery.started_at or delivery.created_at
        sought = Sought(delivery_id=delivery.id, message=message, account=member.account, started_at=started_at)
        open_: list[HttpRequest] = [lookup.start(sought)]
        asked = 0
        while open_:
            if asked >= LOOKUP_REQUESTS_MAX:
                return Unclear(f"the answer took more than {LOOKUP_REQUESTS_MAX} requests")
            asked += 1
            finding = await self._request(open_.pop(0), sought, lookup)
            match finding:
                case Found() | Unclear():
                    return finding
                case Ask():
                    open_ += finding.requests
                case Absent():
                    continue
        return Absent()

    async def _request(self, request: HttpRequest, sought: Sought, lookup: Lookup) -> Finding:
        not_after = self._ports.clock.monotonic() + LOOKUP_TIMEOUTS.total_s
        answer = await self._ports.wire.send(request, LOOKUP_TIMEOUTS, not_after)
        if not isinstance(answer, HttpResponse):
            return Unclear(f"the question got no answer: {answer.text}")
        return lookup.read(sought, answer)

    def _is_proof(self, delivery: Delivery, looked_at: float) -> bool:
        """Whether this absence, with an earlier one, proves that the provider has it not. The first look counts from
        its end and the second one from its beginning: what a provider said in between was true at some time of it."""
        key = ids.attempt_id(delivery.id, delivery.attempts)
        if resolving.is_proof(self._first_absent.get(key), looked_at, self._needed_s(delivery)):
            self._first_absent.pop(key, None)
            return True
        self._first_absent.setdefault(key, self._ports.clock.monotonic())
        if len(self._first_absent) > WATCHED_MAX:
            self._first_absent.popitem(last=False)
        return False

    def _pause_s(self, delivery: Delivery) -> float:
        first_absent_at = self._first_absent.get(ids.attempt_id(delivery.id, delivery.attempts))
        now = self._ports.clock.monotonic()
        return resolving.pause_s(delivery.asks, first_absent_at, now, self._needed_s(delivery))

    def _needed_s(self, delivery: Delivery) -> float:
        """How far apart the two looks must be; never near enough if the account can't be asked."""
        member = self._fleet.member(delivery.account)
        if member is None or member.provider.resolve is None:
            return inf
        return resolving.patience_s(member.account, member.provider.resolve.lag_s)
