"""Room 6, the side that touches the world: one request to one account, and what came of it on disk."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from msgspec.structs import replace

from everpost.core import transitions
from everpost.core.masking import masked, without_echo
from everpost.engine import journal
from everpost.engine.fleet import Fleet, Member
from everpost.engine.ports import Ports
from everpost.health.port import Report, Sign
from everpost.model.capability import Loss
from everpost.model.change import Change
from everpost.model.delivery import Delivery, DeliveryState
from everpost.model.outcome import TAKEN, Kind, Outcome
from everpost.providers.contract import Answer, Fault, Phase, Request, outcome_of, secrets_of
from everpost.store.port import Claimed, StoreUnavailable, Written
from everpost.traces.port import Span

RETRY_S_MIN: Final = 0.1
RETRY_S_MAX: Final = 2.0
GOOD_NEWS_S: Final = 0.1  # as old as what is known of the accounts may be
DEFAULT_THROTTLE_S: Final = 60.0  # for a provider that says "too much" and not for how long
_log = logging.getLogger(__name__)

OnChanges = Callable[[Sequence[Change]], None]

_GIVEN_UP: Final = Fault(phase=Phase.DEADLINE, maybe_sent=True, text="its process stopped before an answer came")
_SIGNS: Final = {
    Kind.ACCEPTED: Sign.OK,
    Kind.HELD: Sign.OK,
    Kind.REJECTED: Sign.OK,  # a message fault says nothing against the account
    Kind.REFUSED: Sign.OK,
    Kind.THROTTLED: Sign.BLOCKED,
    Kind.UNAVAILABLE: Sign.FAILED,
    Kind.UNKNOWN: Sign.FAILED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """A request that may be made once its change is on disk."""

    claimed: Claimed
    change: Change
    request: Request
    member: Member
    not_after: float  # monotonic: its first byte may not leave later
    lost: tuple[Loss, ...] = ()  # what the mail loses with this account


@dataclass(frozen=True, slots=True)
class _Done:
    intent: Intent
    outcome: Outcome
    answer: Answer | None
    at: float
    span: Span


class Attempts:
    def __init__(self, ports: Ports, fleet: Fleet, on_written: OnChanges, on_ended: OnChanges) -> None:
        """`on_written` is told what was stored, `on_ended` a moment later, when the accounts are free for others."""
        self._ports = ports
        self._fleet = fleet
        self._on_written = on_written
        self._on_ended = on_ended
        self._pledged = 0  # intents that are being written
        self._tasks: dict[str, asyncio.Task[None]] = {}  # by delivery id
        self._done: list[_Done] = []
        self._some_done = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._storing = 0
        self._good_news: list[Report] = []  # for the health of accounts
        self._some_good_news = asyncio.Event()
        self.stuck = False  # outcomes can't be stored: nothing may be sent

    @property
    def in_flight(self) -> int:
        return self._pledged + len(self._tasks) + len(self._done) + self._storing

    def carries(self, delivery: Delivery) -> bool:
        """Whether the current attempt is still in the hands of this process, whatever a clock says of its lease."""
        return delivery.id in self._tasks

    def pledge(self, intent: Intent) -> None:
        """The intent is about to be written, and has its place at the account: `start` or `drop` follows."""
        self._pledged += 1
        self._fleet.take(intent.member.account.name)
        self._idle.clear()

    def drop(self, intent: Intent) -> None:
        """The intent was not written, as far as can be told: nothing may go out."""
        self._pledged -= 1
        self._fleet.release(intent.member.account.name)
        self._mark_idle()

    def start(self, intent: Intent) -> None:
        """The intent is on disk: make the request."""
        self._pledged -= 1
        self._tasks[intent.change.delivery.id] = asyncio.create_task(self._carry(intent))

    async def ended(self) -> None:
        """Returns when every attempt has ended and its outcome is stored."""
        await self._idle.wait()

    async def give_up(self) -> None:
        """Ends the attempts in flight, and returns when it is stored that nobody knows what became of them."""
        await asyncio.sleep(0)  # one that was only just started must have begun, to be ended in its own words
        for task in self._tasks.values():
            task.cancel()
        await self.ended()

    async def _carry(self, intent: Intent) -> None:
        member = intent.member
        began_at = self._ports.clock.monotonic()
        answer: Answer | None = None
        span = self._ports.tracer.hand_over(intent.claimed.message, intent.change.delivery)
        try:
            try:
                with span.here():
                    answer = await self._ports.wire.send(intent.request, member.account.timeouts, intent.not_after)
            except asyncio.CancelledError:
                answer = _GIVEN_UP
            outcome = _discreet(outcome_of(member.provider, answer, member.account), intent)
        except Exception as error:
            _log.exception("an attempt broke", extra={"delivery": intent.change.delivery.id})
            outcome = Outcome(kind=Kind.UNKNOWN, text=f"a fault of Everpost: {type(error).__name__}")
        took_s = self._ports.clock.monotonic() - began_at
        self._ports.observer.attempted(member.account.name, outcome.kind, took_s)
        self._done.append(_Done(intent, outcome, answer, self._ports.clock.now(), span))
        self._some_done.set()

    # --- what came of it ----------------------------------------------------------------------------------------------

    async def store_outcomes(self) -> None:
        """Stores outcomes as they come, many in one commit. While that fails, nothing new is sent."""
        while True:
            await self._some_done.wait()
            self._some_done.clear()
            done, self._done = self._done, []
            self._storing = len(done)
            changes = await self._store(done)
            await self._tell_health(done)  # first: whoever gets the place of a failed attempt should know of it
            for one in done:
                one.span.end("" if one.outcome.kind in TAKEN else one.outcome.kind.value)
                self._tasks.pop(one.intent.change.delivery.id, None)
                self._fleet.release(one.intent.member.account.name)
            self._storing = 0
            self._mark_idle()
            self._on_ended(changes)

    async def _tell_health(self, done: Sequence[_Done]) -> None:
        reports = [_report(one) for one in done if not _our_own_delay(one.answer)]
        good_news = [report for report in reports if report.sign is Sign.OK]
        if len(good_news) < len(reports):  # whoever is decided upon next should know
            await self._report(reports)
        elif good_news:
            self._good_news += good_news
            self._some_good_news.set()

    async def report_good_news(self) -> None:
        """Nobody waits for it, so it holds up no outcome, and is told for some time at once."""
        while True:
            await self._some_good_news.wait()
            await asyncio.sleep(GOOD_NEWS_S)
            await self.tell_good_news()

    async def tell_good_news(self) -> None:
        self._some_good_news.clear()
        reports, self._good_news = self._good_news, []
        await self._report(_joined(reports))

    def _mark_idle(self) -> None:
        if not self.in_flight:
            self._idle.set()

    async def _store(self, done: Sequence[_Done]) -> Sequence[Change]:
        """Returns what was written, or should have been."""
        pause_s = RETRY_S_MIN
        while True:
            try:
                changes = [_settled(one, one.intent.change.delivery) for one in done]
                written = await self._ports.store.advance(changes)
                stored = [change for change, result in zip(changes, written, strict=True) if result is Written.DONE]
                self._on_written(stored)
                for one, change, result in zip(done, changes, written, strict=True):
                    if result is Written.DONE:
                        self._tell(one, change)
                if len(stored) < len(done):
                    await self._store_late(
                        [one for one, result in zip(done, written, strict=True) if result is not Written.DONE]
                    )
            except StoreUnavailable as error:
                self.stuck = True
                _log.error("outcomes can't be stored; sending stops", extra={"error": str(error)})
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, RETRY_S_MAX)
            except Exception:
                _log.exception("outcomes were not stored; their deliveries will be resolved")
                return []
            else:
                self.stuck = False
                return changes

    async def _store_late(self, late: Sequence[_Done]) -> None:
        """The lease was lost, but the answer has come: it is as good a witness as any question to the provider."""
        for one in late:
            begun = one.intent.change.delivery
            current = await self._ports.store.find_delivery(begun.id)
            if current is None or current.attempts != begun.attempts:
                continue
            if current.state in (DeliveryState.UNCERTAIN, DeliveryState.SENDING):
                change = _settled(one, current)
                if await self._ports.store.advance([change]) == [Written.DONE]:
                    self._on_written([change])
                    self._tell(one, change)

    def _tell(self, one: _Done, change: Change) -> None:
        message = one.intent.claimed.message
        journal.tell(message, change)
        one.span.told(change.events)
        if change.delivery.state is DeliveryState.SENT:
            wanted_at = max(message.created_at, message.send_at or 0.0)
            self._ports.observer.handed_over(one.intent.member.account.name, one.at - wanted_at)

    async def _report(self, reports: Sequence[Report]) -> None:
        try:
            if reports:
                await self._fleet.report(reports)
        except StoreUnavailable as error:
            _log.warning("the accounts are shown as they were", extra={"error": str(error)})
        except Exception:
            _log.exception("the health of accounts was not recorded")


def _settled(done: _Done, delivery: Delivery) -> Change:
    return transitions.settle(delivery, done.outcome, done.at, done.intent.lost)


def _discreet(outcome: Outcome, intent: Intent) -> Outcome:
    """Whatever a provider says, and calls the mail, holds nothing of what it was told."""
    if not outcome.text and not outcome.provider_message_id:
        return outcome
    secrets = tuple(filter(None, secrets_of(intent.request)))
    message_id = outcome.provider_message_id
    return replace(
        outcome,
        text=without_echo(outcome.text, intent.claimed.message, secrets),
        provider_message_id=None if any(secret in (message_id or "") for secret in secrets) else message_id,
    )


def _joined(good_news: Sequence[Report]) -> list[Report]:
    """One report for each account."""
    by_account: dict[str, list[Report]] = defaultdict(list)
    for report in good_news:
        by_account[report.account].append(report)
    return [
        replace(reports[0], at=max(report.at for report in reports), count=len(reports))
        for reports in by_account.values()
    ]


def _our_own_delay(answer: Answer | None) -> bool:
    """The attempt's time was over before its first byte: nothing was learned about the account."""
    return isinstance(answer, Fault) and answer.phase is Phase.DEADLINE


def _report(done: _Done) -> Report:
    outcome = done.outcome
    sign = Sign.FAULT if outcome.kind is Kind.REFUSED and outcome.account_fault else _SIGNS[outcome.kind]
    wait_s = outcome.retry_after_s if outcome.retry_after_s is not None else DEFAULT_THROTTLE_S
    return Report(
        account=done.intent.member.account.name,
        sign=sign,
        at=done.at,
        text="" if sign is Sign.OK else masked(f"{outcome.kind} {outcome.status or ''} {outcome.text}".strip()),
        until=done.at + wait_s if sign is Sign.BLOCKED else None,
    )
