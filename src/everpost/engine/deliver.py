"""Room 5: takes what is due, lets `core` decide, writes the intent, hands it to the wire, stores what came of it."""

import asyncio
import logging
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Final

from everpost.core import transitions
from everpost.core.decide import Board, Fail
from everpost.engine import journal
from everpost.engine.attempt import Attempts, Intent
from everpost.engine.confirm import Confirmer
from everpost.engine.fetch import Fetcher
from everpost.engine.fleet import Fleet
from everpost.engine.hand import Hand
from everpost.engine.intents import Intents, Round, suppressed_among
from everpost.engine.listen import Listener
from everpost.engine.ports import Ports
from everpost.engine.queue import Queue
from everpost.engine.resolve import Resolver
from everpost.engine.routes import Routes
from everpost.engine.watch import Watch, Watches
from everpost.model.change import Change
from everpost.model.delivery import Delivery, DeliveryState
from everpost.model.limits import ACTIVE_MAX, CLAIM_MAX
from everpost.model.message import Message
from everpost.model.route import Route
from everpost.store.port import Claimed, Stored, StoreUnavailable, Written
from everpost.wakeup.port import LOOK_S

CLAIM_LEASE_S: Final = 15.0  # a claim without an intent; writing the intent extends it
BLOCKED_S: Final = 1.0  # between two looks while no account can take anything
BLOCKED_ROOM: Final = 8  # deliveries looked at meanwhile: to expire, to resolve, to tell why they wait
WAITING_MAX: Final = 64  # decided deliveries that wait in memory for a free request of their account
_log = logging.getLogger(__name__)


class Deliverer:
    def __init__(self, ports: Ports, fleet: Fleet, routes: Routes, queue: Queue) -> None:
        self._ports = ports
        self._fleet = fleet
        self._routes = routes
        self._queue = queue
        self._resolver = Resolver(ports, fleet, routes)
        self._confirmer = Confirmer(ports, fleet)
        self._listener = Listener(ports, fleet)
        self._attempts = Attempts(ports, fleet, self.written, self._on_ended)
        self._hand = Hand(fleet, ports.clock)
        self._fetcher = Fetcher(ports)
        self._intents = Intents(ports, fleet, self._attempts, self._hand)
        self.watches = Watches()
        self._loops: list[asyncio.Task[None]] = []
        self._running = False
        self._turning = asyncio.Lock()
        self._blocked = False  # no account can take anything
        self._behind = queue.is_shared  # the queue holds more than there was room for, or was not looked at yet
        self._queued = 0  # fresh mail that went there since it was last looked at
        self._looked_at = 0.0  # while blocked: when the queue was last looked at (monotonic)
        self._quiet_until: float | None = None  # nothing is due before (wall clock), by the last look; None: unknown
        self._looked = asyncio.Event()  # a look at the queue has ended
        self._is_hurried = False  # somebody waits for calm: no sleep beyond the end of the last attempt

    # --- what accept uses -----------------------------------------------------------------------------------------

    def takes(self, *, awaited: bool) -> bool:
        """Whether fresh mail may be handed over here, by whether its caller waits for that."""
        return self._queue.takes(awaited=awaited)

    async def intend(self, delivery: Delivery, message: Message, route: Route) -> Intent | None:
        """The intent of a fresh mail's first attempt, to be stored with it; `start` or `drop` has to follow. None: it
        has to go through the queue, since no account can take it at once, or since others are waiting there."""
        if not self._running or self._behind or self._attempts.stuck or self._active() >= ACTIVE_MAX:
            return None
        return await self._intents.of_fresh(Claimed(delivery, message), route, self._ahead)

    def _ahead(self) -> float:
        """How many mails a fresh one has to let pass; once nothing more is begun, all there may be."""
        return len(self._hand) + self._queued if self._running else math.inf

    def start(self, intent: Intent) -> None:
        """It is on disk."""
        self._queue.begun(Claimed(intent.change.delivery, intent.claimed.message))
        self._attempts.start(intent)

    def drop(self, intent: Intent) -> None:
        """It was not written, as far as can be told."""
        self._attempts.drop(intent)

    def queued(self, claimed: Claimed, *, awaited: bool) -> None:
        """A delivery was stored for the loop to find, here or elsewhere."""
        delivery = claimed.delivery
        self._queue.put(claimed, awaited=awaited)
        in_s = (delivery.due_at or 0.0) - self._ports.clock.now()
        if in_s <= 0:
            self._queued += 1
        if in_s < LOOK_S:
            self._ports.due.nudge()

    @contextmanager
    def watching(self, stored: Stored) -> Iterator[Watch]:
        """While somebody waits here for the end of this message."""
        try:
            with self.watches.watch(stored.message.id) as watch:
                yield watch
        finally:
            if not self.watches.are_on(stored.message.id):
                self._queue.release(delivery.id for delivery in stored.deliveries)

    # --- the loop ---------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Until cancelled. Trouble with the store pauses it; nothing is decided from memory alone."""
        self._running = True
        self.watches.over = False
        self._loops = [
            asyncio.create_task(self._attempts.store_outcomes()),
            asyncio.create_task(self._attempts.report_good_news()),
            *(asyncio.create_task(each.run()) for each in (self._confirmer, self._listener)),
        ]
        try:
            while True:
                try:
                    async with self._turning:
                        idle_s = await self._turn()
                    self._looked.set()
                except StoreUnavailable as error:
                    _log.warning("the store is unavailable, deliveries pause", extra={"error": str(error)})
                    idle_s = BLOCKED_S
                except Exception:
                    _log.exception("a round of deliveries failed; its deliveries stay claimed until their lease ends")
                    idle_s = BLOCKED_S
                if idle_s > 0:
                    self._ports.observer.woken(nudged=await self._ports.due.wait(idle_s))
        finally:
            self._running = False
            for loop in self._loops:
                loop.cancel()
            self._resolver.stop()

    async def stopped(self) -> None:
        """After `run` was cancelled: returns when nothing of it runs any more."""
        await asyncio.gather(*self._loops, self._resolver.stopped(), return_exceptions=True)

    async def drain(self, timeout_s: float) -> None:
        """Stops taking new work, wakes those who wait for theirs, and waits for the attempts in flight, at most
        `timeout_s`. An intent that is being written is one of them: left alone, it would have to be resolved although
        nothing of it ever went out."""
        self._running = False
        self.watches.end()
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s), self._turning:
                await self._attempts.ended()

    async def give_up(self, timeout_s: float) -> None:
        """After `drain`: ends the attempts that are still in flight. Nobody knows what became of them, and that is
        stored, if it can be within `timeout_s`; else their leases end by themselves."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s), self._turning:
                await self._attempts.give_up()
                await self._attempts.tell_good_news()

    async def calm(self, ahead_s: float) -> None:
        """Returns when this process has nothing in hand, and nothing is due within `ahead_s`."""
        self._is_hurried, self._quiet_until = True, None
        self._ports.due.nudge()
        try:
            while self._active() or self._resolver.is_asking or not self._is_quiet(ahead_s):
                self._looked.clear()
                await self._looked.wait()
        finally:
            self._is_hurried = False

    def _is_quiet(self, ahead_s: float) -> bool:
        return self._quiet_until is not None and self._quiet_until - self._ports.clock.now() > ahead_s

    async def _turn(self) -> float:
        """One round. Returns how long nothing will be due, in seconds."""
        self._quiet_until = None
        if self._attempts.stuck or not self._running:
            return BLOCKED_S
        clock = self._ports.clock
        board = await self._fleet.board()
        self._blocked = not self._fleet.any_startable(board)
        batch = self._hand.take()
        room = self._room(board) - len(batch)
        next_due_at: float | None = None
        self._hand.deciding = len(batch)
        try:
            if room > 0:
                queued = self._queued
                claim = await self._queue.claim(clock.now(), CLAIM_LEASE_S, room)
                batch += claim.claimed
                next_due_at = claim.next_due_at
                self._queued -= queued
            self._hand.deciding = len(batch)
            self._behind = room <= 0 or (next_due_at is not None and next_due_at <= clock.now())
            if batch:
                await self._work(batch)
        finally:
            self._hand.deciding = 0
        if self._blocked or room <= 0:
            return BLOCKED_S
        if self._hand.ready:
            return 0.0
        if not batch:  # else what was done may be due again
            self._quiet_until = math.inf if next_due_at is None else next_due_at
        return LOOK_S if next_due_at is None else min(max(next_due_at - clock.now(), 0.0), LOOK_S)

    def _active(self) -> int:
        return len(self._hand) + self._attempts.in_flight

    def _room(self, board: Board) -> int:
        """How many deliveries to take from the queue: what the accounts can start, and a few to follow at once."""
        if not self._blocked:
            free = self._fleet.free_in_all(board)
            return min(CLAIM_MAX, free + WAITING_MAX - self._hand.waiting, ACTIVE_MAX - self._active())
        now = self._ports.clock.monotonic()
        if now - self._looked_at < BLOCKED_S:
            return 0
        self._looked_at = now
        return BLOCKED_ROOM

    async def _work(self, taken: Sequence[Claimed]) -> None:
        batch, unreadable = await self._fetcher.of(taken)
        round_ = Round(
            began_at=self._ports.clock.monotonic(),
            routes=await self._routes.all(),
            barred=await suppressed_among(batch, self._ports.store),
            board=await self._fleet.board(),  # last, since an account may have died while the queue was read
        )
        for claimed in batch:
            try:
                await self._look_at(claimed, round_)
            except Exception:
                _log.exception("a delivery broke; it is looked at again", extra={"delivery": claimed.delivery.id})
        await self._begin(round_.intents)
        await self._advance([*unreadable, *round_.changes])

    async def _advance(self, changes: Sequence[tuple[Message, Change]]) -> None:
        if not changes:
            return
        results = await self._ports.store.advance([change for _, change in changes])
        written = [one for one, result in zip(changes, results, strict=True) if result is Written.DONE]
        self.written([change for _, change in written])
        self._ports.due.nudge()  # they may be due again before anything else is
        for message, change in written:
            journal.tell(message, change)

    async def _look_at(self, claimed: Claimed, round_: Round) -> None:
        match claimed.delivery.state:
            case DeliveryState.QUEUED if claimed.message.removed:
                gone = Fail(reason="it is no longer kept whole", skipped=())
                round_.changes.append(
                    (claimed.message, transitions.fail(claimed.delivery, gone, self._ports.clock.now()))
                )
            case DeliveryState.QUEUED:
                await self._intents.decide(claimed, round_)
            case DeliveryState.SENDING if not self._attempts.carries(claimed.delivery):
                round_.changes.append((claimed.message, transitions.lost(claimed.delivery, self._ports.clock.now())))
            case DeliveryState.UNCERTAIN:
                self._resolver.start(claimed, self.written)

    async def _begin(self, intents: Sequence[Intent]) -> None:
        """No byte goes out for an intent that is not on disk."""
        if not intents:
            return
        started = 0
        try:
            results = await self._ports.store.begin([intent.change for intent in intents])
            for intent, written in zip(intents, results, strict=True):
                started += 1
                if written is Written.DONE:
                    self._attempts.start(intent)
                    continue
                self._attempts.drop(intent)
                if written is Written.OVER_QUOTA:
                    self._fleet.forget_board()
                    self._hand.decide_anew(intent.claimed)
        finally:
            for intent in intents[started:]:
                self._attempts.drop(intent)
        self._ports.news.nudge()

    def written(self, changes: Sequence[Change]) -> None:
        """What was stored by this process, whoever has done it: wakes those who wait for these messages."""
        self._ports.news.nudge()
        self._queue.follow(changes)
        self.watches.wake(changes)
        self._confirmer.written(changes)
        self._listener.written(changes)

    def _on_ended(self, changes: Sequence[Change]) -> None:
        """Attempts have ended, and left their accounts to others."""
        is_wanted = self._is_hurried or self._behind or self._hand.waiting
        if is_wanted or any(change.delivery.due_at is not None for change in changes):
            self._ports.due.nudge()
