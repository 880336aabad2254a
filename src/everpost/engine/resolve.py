"""What may have been sent is resolved before it is sent elsewhere."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from msgspec.structs import replace

from everpost.core import resolving, transitions
from everpost.core.recipients import acknowledged
from everpost.engine import journal
from everpost.engine.asking import look, replay, sought_for
from everpost.engine.fleet import Fleet
from everpost.engine.ports import Ports
from everpost.engine.routes import DEFAULT, Routes
from everpost.model import ids
from everpost.model.change import Change
from everpost.model.delivery import Delivery, DeliveryState
from everpost.model.event import EventType
from everpost.model.limits import PROVIDER_ID_CHARS_MAX, RESOLVING_MAX
from everpost.model.message import Message, OnUnknown
from everpost.providers.contract import Absent, Found, Lookup, Unclear
from everpost.store.port import Claimed, StoreUnavailable, Written

WATCHED_MAX: Final = 100_000  # attempts that one process watches; one that is forgotten is asked about longer
_TOO_OLD: Final = Unclear("its records do not go back to this attempt")
_NOT_SHOWN: Final = Unclear("its records do not show it, and may lag")
_log = logging.getLogger(__name__)

OnWritten = Callable[[Sequence[Change]], None]


@dataclass(slots=True)
class _Watch:
    """What this process has seen of an attempt, by its monotonic clock."""

    since: float  # the first question
    absent_since: float | None = None  # the first answer that did not know the mail

    def is_proof(self, asked_at: float, answered_at: float, needed_s: float) -> bool:
        """Whether an absence, with an earlier one, proves that the provider has it not. The first look counts from
        its end and the second one from its beginning: what a provider said in between was true at some time of it."""
        if resolving.is_proof(self.absent_since, asked_at, needed_s):
            return True
        if self.absent_since is None:
            self.absent_since = answered_at
        return False


class Resolver:
    """Asks what became of attempts whose outcome is unknown."""

    def __init__(self, ports: Ports, fleet: Fleet, routes: Routes) -> None:
        self._ports = ports
        self._fleet = fleet
        self._routes = routes
        self._tasks: dict[str, asyncio.Task[None]] = {}  # by delivery id
        self._watches: OrderedDict[str, _Watch] = OrderedDict()  # by attempt id

    def start(self, claimed: Claimed, on_written: OnWritten) -> None:
        """Takes up the question; with too many open ones it is left to the end of its claim."""
        key = claimed.delivery.id
        if key in self._tasks or len(self._tasks) >= RESOLVING_MAX:
            return
        self._tasks[key] = asyncio.create_task(self._run(claimed, on_written))

    @property
    def is_asking(self) -> bool:
        return bool(self._tasks)

    def stop(self) -> None:
        """Ends the open questions; they are asked again."""
        for task in self._tasks.values():
            task.cancel()

    async def stopped(self) -> None:
        """Returns when none is open."""
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _run(self, claimed: Claimed, on_written: OnWritten) -> None:
        asked = claimed.delivery
        span = self._ports.tracer.resolve(claimed.message, asked)
        try:
            with span.here():
                change = await self._resolve(asked, claimed.message)
            if change is not None and await self._ports.store.advance([change]) == [Written.DONE]:
                if change.delivery.state is not DeliveryState.UNCERTAIN:
                    self._watches.pop(_attempt(asked), None)
                on_written([change])
                journal.tell(claimed.message, change)
                self._count(change)
                span.told(change.events)
        except StoreUnavailable as error:
            _log.warning("a question waits for the store", extra={"error": str(error)})
        except Exception:
            _log.exception("a question broke; it is asked again", extra={"delivery": asked.id})
        finally:
            span.end()
            del self._tasks[asked.id]
            self._ports.due.nudge()

    def _count(self, change: Change) -> None:
        for event in change.events:
            if event.type is EventType.RESOLVED:
                self._ports.observer.resolved(event.account or "", event.data["verdict"])

    async def _resolve(self, asked: Delivery, message: Message) -> Change | None:
        """What the answer makes of the delivery; None: somebody else has found out meanwhile."""
        stored = await self._ports.store.get_message(asked.project, asked.message_id)
        told = acknowledged(asked, stored.events) if stored is not None else None
        if told is not None:  # before it was asked for
            return transitions.found(asked, told.data.get("provider_message_id"), self._ports.clock.now())
        policy, within_s = await self._policy(message)
        member = self._fleet.member(asked.account)
        how = member.provider.resolve if member is not None else None
        asked_at = self._ports.clock.monotonic()
        watch = self._watch(asked, asked_at)
        if member is None or how is None:
            left_s = resolving.open_s(asked, within_s) - (asked_at - watch.since)
            reason = f"{asked.account} has no way to ask" if member else "its account is no longer configured"
            return self._unaskable(asked, policy, reason, left_s)
        sought = sought_for(asked, message, member)
        if isinstance(how, Lookup):
            lag_s, finding = how.lag_s, await look(self._ports, sought, how)
        else:
            lag_s, finding = 0.0, await replay(self._ports, sought, member, how.kept_s)
        answered_at = self._ports.clock.monotonic()
        age_s = self._ports.clock.now() - sought.started_at
        needed_s = resolving.patience_s(asked, member.account, lag_s)
        is_absent, is_too_old = isinstance(finding, Absent), age_s > how.kept_s
        is_proof = is_absent and watch.is_proof(asked_at, answered_at, needed_s)
        patience_s = within_s if is_absent and not is_too_old else needed_s  # what will be proof is waited for
        is_over = resolving.is_over(age_s, answered_at - watch.since, within_s, patience_s)
        if isinstance(how, Lookup) and is_absent and (is_proof or is_over):  # whatever a wrong clock has dated it by
            finding = await look(self._ports, replace(sought, clock_off_s=resolving.CLOCK_OFF_S_MAX), how)
        if isinstance(finding, Absent) and (is_too_old or not is_proof):
            finding = _TOO_OLD if is_too_old else _NOT_SHOWN
        # The answer may have taken longer than the claim: it holds for the attempt, whoever has claimed it since.
        current = await self._ports.store.find_delivery(asked.id)
        if current is None or (current.state, current.attempts) != (DeliveryState.UNCERTAIN, asked.attempts):
            return None
        now = self._ports.clock.now()
        match finding:
            case Found():
                return transitions.found(current, _sound(finding.provider_message_id), now)
            case Absent():
                return transitions.absent(current, now)
            case Unclear() if is_over:
                return transitions.unresolved(current, policy, finding.reason, now)
        pause_s = resolving.pause_s(current.asks, watch.absent_since, answered_at, needed_s)
        return transitions.ask_again(current, now + pause_s, now)

    def _unaskable(self, asked: Delivery, policy: OnUnknown, reason: str, left_s: float) -> Change:
        """Nobody can tell; but for `left_s` its worker may still be at work."""
        now = self._ports.clock.now()
        if left_s > 0:
            return transitions.ask_again(asked, now + max(left_s, resolving.PAUSE_S_MIN), now)
        return transitions.unresolved(asked, policy, reason, now)

    def _watch(self, delivery: Delivery, at: float) -> _Watch:
        watch = self._watches.setdefault(_attempt(delivery), _Watch(since=at))
        if len(self._watches) > WATCHED_MAX:
            self._watches.popitem(last=False)
        return watch

    async def _policy(self, message: Message) -> tuple[OnUnknown, float]:
        routes = await self._routes.all()
        route = routes.get(message.route) or routes[DEFAULT]
        within_s = message.resolve_within_s if message.resolve_within_s is not None else route.resolve_within_s
        return message.on_unknown or route.on_unknown, within_s


def _sound(message_id: str | None) -> str | None:
    return message_id if message_id is not None and len(message_id) <= PROVIDER_ID_CHARS_MAX else None


def _attempt(delivery: Delivery) -> str:
    return ids.attempt_id(delivery.id, delivery.attempts)
