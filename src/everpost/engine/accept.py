"""Room 3: a draft becomes a durable message, or is refused while its sender is still listening."""

import asyncio
import logging
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import asdict, replace

from everpost.attachments.port import AttachmentsUnavailable
from everpost.core.admit import admit
from everpost.core.masking import masked
from everpost.engine.attach import Attached
from everpost.engine.attempt import Intent
from everpost.engine.deliver import Deliverer
from everpost.engine.fleet import Fleet
from everpost.engine.idempotency import Idempotency
from everpost.engine.ports import Ports
from everpost.engine.refusals import GONE, MISMATCH, running, unavailable
from everpost.engine.routes import Routes
from everpost.engine.templates import Templates
from everpost.engine.unsubscribing import Unsubscribing
from everpost.engine.watch import UNPLACED
from everpost.model import ids
from everpost.model.delivery import FINAL, Delivery
from everpost.model.event import Event, EventType, Recorded
from everpost.model.key import Caller
from everpost.model.limits import WAIT_S_MAX
from everpost.model.message import Draft, Message, Origin, without_content
from everpost.model.problem import Problem
from everpost.model.route import Route
from everpost.model.template import Templated
from everpost.store.port import (
    Accepted,
    Claimed,
    Conflict,
    IdempotencyClaim,
    New,
    Same,
    Stored,
    StoreUnavailable,
    Unbegun,
)

ACCEPT_S: Final = 4.0  # an accept that takes longer is undone; below the 5 s after which clients give up and repeat
RUNNING_S_MAX: Final = WAIT_S_MAX + ACCEPT_S  # the longest that a first request can take
WATCH_S: Final = 0.5  # how often a waiting caller looks whether another process has finished its message
_log = logging.getLogger(__name__)

UNKNOWN_ORIGIN: Final = Origin()
NOT_KEPT: Final = b""
"""Kept in place of an answer that was not final: whoever repeats the request is told how the mail stands by then, and
need not wait for a first request that has ended."""


class Drawn(Struct, frozen=True):
    """What a mail is called, and when it is accepted, if it is: an id holds its time."""

    id: str
    at: float


class Acceptance(Struct, frozen=True, kw_only=True):
    stored: Stored
    replayed: bool = False  # an earlier request with this key has made it
    answer: bytes | None = None  # with replayed: what that request was answered, if it was kept


class Acceptor:
    def __init__(self, ports: Ports, fleet: Fleet, routes: Routes, deliverer: Deliverer) -> None:
        self._ports = ports
        self._fleet = fleet
        self._routes = routes
        self._deliverer = deliverer
        self._attached = Attached(ports)
        self.aside = ports.aside
        self.templates = Templates(ports)
        self.unsubscribing = Unsubscribing(ports.store, ports.clock, ports.news.nudge)

    async def accept(
        self,
        mail: Draft | Templated,
        caller: Caller,
        *,
        idempotency: Idempotency | None = None,
        wait_s: float | None = None,
        origin: Origin = UNKNOWN_ORIGIN,
        drawn: Drawn | None = None,
    ) -> Acceptance | Problem:
        """Durable when it returns. With `wait_s` it returns when all deliveries are final, or as they stand when that
        time is over or the process stops. `drawn`: what a new mail is called, if its caller had to know before.

        Problems: faulty fields and mails that no account can carry (422), a key used for another body (422) or by a
        request that is still running (409), a store that can't take it now (503). Nothing is kept of a refused mail.
        """
        drawn = drawn or self.draw()
        now = drawn.at
        try:
            routes = await self._routes.all()
            draft = await self.checked(mail, caller, routes, now)
            if isinstance(draft, Problem):
                return await self.seen(idempotency, caller, wait_s) or draft
            running_until = None if wait_s is None else now + wait_s + ACCEPT_S
            claim = None if idempotency is None else idempotency.claim(now, running_until)
            message = await self.unsubscribing.linked(_message(drawn, draft, caller, origin))
            accepted = await self._store_traced(message, routes[draft.route], claim, awaited=wait_s is not None)
            if isinstance(accepted, Stored):
                stored = await self._waited(accepted, wait_s, fresh=True)
                if idempotency is not None and wait_s is not None and not is_final(stored):
                    await self.remember(idempotency, NOT_KEPT)
                return Acceptance(stored=stored)
            return await self._repeated(accepted, idempotency, caller, wait_s)
        except (StoreUnavailable, AttachmentsUnavailable) as error:
            return unavailable(str(error))

    def draw(self) -> Drawn:
        now = self._ports.clock.now()
        return Drawn(ids.message_id(now, self._ports.clock.entropy()), now)

    async def checked(
        self, mail: Draft | Templated, caller: Caller, routes: Mapping[str, Route], now: float
    ) -> Draft | Problem:
        """The finished mail, or why it can't be accepted. Raises StoreUnavailable."""
        draft = mail if isinstance(mail, Draft) else await self.templates.filled(caller.project, mail)
        if isinstance(draft, Problem):
            return draft
        return admit(draft, routes, self._fleet.carriers, now) or draft

    async def seen(
        self, idempotency: Idempotency | None, caller: Caller, wait_s: float | None = None
    ) -> Acceptance | Problem | None:
        """A mail that would be refused by now (its times have passed, its accounts have changed) may have been
        accepted before: then its key decides. None: it was not."""
        if idempotency is None:
            return None
        since = idempotency.since(self._ports.clock.now())
        before = await self._ports.store.find_key(idempotency.scope, idempotency.key, idempotency.fingerprint, since)
        return await self._repeated(before, idempotency, caller, wait_s) if before is not None else None

    async def remember(self, idempotency: Idempotency, answer: bytes) -> None:
        """Keeps the answer of a synchronous request for its replays. If that can't be done, they are told how the mail
        stands by then."""
        try:
            await self._ports.store.answer(idempotency.scope, idempotency.key, answer)
        except StoreUnavailable as error:
            _log.warning("an answer is not kept for its replays", extra={"error": str(error)})

    async def _store_traced(
        self, message: Message, route: Route, claim: IdempotencyClaim | None, *, awaited: bool
    ) -> Stored | Same | Conflict:
        """What is done for the mail from now on, here or elsewhere, stands below its acceptance in its trace."""
        span, fault = self._ports.tracer.accept(message), ""
        if span.traceparent is not None:
            message = replace(message, origin=replace(message.origin, trace=span.traceparent))
        try:
            kept = await self._attached.lay_out(message)
            return await self._store(message, kept, route, claim, awaited=awaited)
        except BaseException as error:
            fault = type(error).__name__
            raise
        finally:
            span.end(fault)

    async def _store(
        self, message: Message, kept: Message, route: Route, claim: IdempotencyClaim | None, *, awaited: bool
    ) -> Stored | Same | Conflict:
        """Stores the message as one delivery; `kept` is how it is to be stored. If an account can take it at once, it
        is stored with the intent of that attempt, and goes on without a look at the queue."""
        now = message.created_at
        delivery = first_delivery(message, route, now)
        event = _accepted_event(message, delivery)
        is_at_once = message.send_at is None and self._deliverer.takes(awaited=awaited)
        intent = await self._deliverer.intend(delivery, message, route) if is_at_once else None
        if intent is not None:
            begun = await self._store_begun(kept, event, claim, intent)
            if not isinstance(begun, Unbegun):
                change = intent.change
                return begun if not isinstance(begun, New) else _stored(message, change.delivery, event, *change.events)
            self._fleet.forget_board()  # a quota may be used up
        accepted = await self._ports.store.accept(kept, (delivery,), (event,), claim, now + ACCEPT_S)
        if isinstance(accepted, Same | Conflict):
            return accepted
        self._deliverer.queued(Claimed(delivery, message), awaited=awaited)
        self._ports.news.nudge()
        return _stored(message, delivery, event)

    async def _store_begun(
        self, message: Message, event: Event, claim: IdempotencyClaim | None, intent: Intent
    ) -> Accepted:
        change, not_after = intent.change, message.created_at + ACCEPT_S
        started = False
        try:
            accepted = await self._ports.store.accept(
                message, (change.delivery,), (event, *change.events), claim, not_after, change.charges
            )
            started = isinstance(accepted, New)
        finally:
            if started:
                self._deliverer.start(intent)
            else:
                self._deliverer.drop(intent)
        self._ports.news.nudge()
        return accepted

    async def _repeated(
        self, same: Same | Conflict, idempotency: Idempotency | None, caller: Caller, wait_s: float | None
    ) -> Acceptance | Problem:
        if isinstance(same, Conflict) or idempotency is None:  # without a key, nothing is the same
            return MISMATCH
        left_s = (same.running_until or 0.0) - self._ports.clock.now()
        if same.answer is None and 0 < left_s <= RUNNING_S_MAX:  # else one of the two clocks was wrong: nobody waits
            return running(left_s)
        stored = await self._ports.store.get_message(caller.project, same.message_id)
        if stored is None:
            return GONE
        scope, key = idempotency.scope, idempotency.key
        if same.answer is None and not await self._ports.store.vouch(scope, key, same.message_id):
            return unavailable("the first request with this key was too slow, and came to nothing")
        return Acceptance(stored=await self._waited(stored, wait_s), replayed=True, answer=same.answer or None)

    async def _waited(self, stored: Stored, wait_s: float | None, *, fresh: bool = False) -> Stored:
        """As it stands when it has ended or the time is over. What is fresh has not moved since it was stored, and what
        this process writes of it need not be read."""
        if wait_s is None:
            return stored
        message, latest = stored.message, stored
        until = self._ports.clock.monotonic() + wait_s
        with self._deliverer.watching(stored) as watch:
            if not fresh:
                watch.stirred.set()
            while True:
                left = until - self._ports.clock.monotonic()
                is_over = left <= 0 or self._deliverer.watches.over
                if is_over or is_final(latest):
                    return latest
                with suppress(TimeoutError):
                    async with asyncio.timeout(min(left, WATCH_S)):
                        await watch.stirred.wait()
                watch.stirred.clear()  # before the look: what is written during it is looked at next
                followed = watch.follow(latest)
                with suppress(StoreUnavailable):  # the mail is accepted, whether it can be read now or not
                    stands = followed or await self._ports.store.get_message(message.project, message.id)
                    latest = stands or latest


def _message(drawn: Drawn, draft: Draft, caller: Caller, origin: Origin) -> Message:
    return Message(id=drawn.id, project=caller.project, created_at=drawn.at, origin=origin, **asdict(draft))


def is_final(stored: Stored) -> bool:
    return all(delivery.state in FINAL for delivery in stored.deliveries)


def _stored(message: Message, delivery: Delivery, *events: Event) -> Stored:
    told = tuple(Recorded(UNPLACED, event) for event in events)
    return Stored(message=without_content(message), deliveries=(delivery,), events=told)


def first_delivery(message: Message, route: Route, now: float) -> Delivery:
    gives_up_at = max(now, message.send_at or now) + route.give_up_after_s
    return Delivery(
        id=ids.delivery_id(message.id, 0),
        message_id=message.id,
        project=message.project,
        due_at=max(now, message.send_at or now),
        expires_at=message.expires_at if message.expires_at is not None else gives_up_at,
        created_at=now,
        updated_at=now,
    )


def _accepted_event(message: Message, delivery: Delivery) -> Event:
    data: dict[str, Any] = {"recipients": len(message.recipients), "route": message.route}
    extra = {"trace": message.origin.trace, "send_at": message.send_at, "tags": list(message.tags)}
    if (again := message.origin.again) is not None:
        extra |= {"resend_of": again.of, "by": again.by, "reason": masked(again.why)}
    return Event(
        id=f"{delivery.id}:0",
        type=EventType.ACCEPTED,
        at=message.created_at,
        project=message.project,
        message_id=message.id,
        delivery_id=delivery.id,
        data=data | {key: value for key, value in extra.items() if value},
    )
