"""The world outside Everpost: providers that keep the truth, and a wire that fails in every way that wires do."""

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from everpost.core.resolving import START_S
from everpost.model.account import Timeouts
from everpost.providers.contract import Answer, Fault, HttpRequest, HttpResponse, Phase
from sim.behaviour import BEHAVIOURS, LAG_S, REFUSED_FOR_GOOD, Behaviour
from sim.plan import Plan
from sim.providers import SimProvider
from sim.virtual_loop import VirtualLoop
from sim.witness import Witness


@dataclass
class SimSink:
    """Takes events, or says that it has not, which may be true or not."""

    world: "World"
    fails: float = 0.0
    name: str = "sim"
    buried: int = 0
    received: list[Mapping[str, Any]] = field(default_factory=list)
    known: set[str] = field(default_factory=set)  # ids of events

    async def put(self, events: Sequence[Mapping[str, Any]]) -> None:
        self._may_fail("sink refuses")
        self.received += events
        self.known.update(event["id"] for event in events)
        await asyncio.sleep(self.world.rng.random() * 0.1)
        self._may_fail("sink forgets")

    async def close(self) -> None:
        return None

    def _may_fail(self, what: str) -> None:
        if self.fails and self.world.rng.random() < self.fails:
            self.world.note(what)
            raise OSError(what)


@dataclass
class World:
    plan: Plan
    rng: random.Random
    loop: VirtualLoop
    witness: Witness
    providers: dict[str, SimProvider] = field(default_factory=dict)
    seen: Counter[str] = field(default_factory=Counter)  # what has happened at all
    refused_for_good: set[str] = field(default_factory=set)
    mails: Counter[str] = field(default_factory=Counter)  # mail -> how often any provider has taken it
    sent: Counter[tuple[str, str]] = field(default_factory=Counter)  # requests by delivery and account
    taken_at: dict[str, float] = field(default_factory=dict)  # delivery id -> when it was taken first
    open_until: dict[str, float] = field(default_factory=dict)  # delivery id -> an answer may still come until then
    suppressed_at: dict[tuple[str, str], float] = field(default_factory=dict)  # by no node's clock
    answers: dict[tuple[str, str], bytes] = field(default_factory=dict)  # scope and key -> what was kept first
    cursor: int = 0  # of the sink, as it was written last
    breaks: list[str] = field(default_factory=list)  # promises that were broken before everybody's eyes
    sees_writes: bool = False  # the store's writes are seen as they are made, and not when they are answered
    steps: int = 0  # of all nodes: see nodes.Life
    on_booked: Callable[[SimProvider, HttpRequest, Behaviour], None] = lambda *_: None
    clocks_right: bool = True  # no clock of a node has ever been wrong in this run

    def note(self, what: str) -> None:
        self.seen[what] += 1
        self.witness.trace(what)

    def cursor_written(self, cursor: int) -> None:
        if cursor < self.cursor:
            self.breaks.append(f"the cursor went back from {self.cursor} to {cursor}")
        self.cursor = cursor

    def handed_over(self) -> Counter[str]:
        total: Counter[str] = Counter()
        for provider in self.providers.values():
            total.update(provider.taken)
        return total

    def owners(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for provider in self.providers.values():
            for delivery_id in provider.taken:
                found[delivery_id].append(provider.name)
        return found

    def first_byte(self, request: HttpRequest, timeouts: Timeouts) -> None:
        """The first byte of a mail leaves a node."""
        account = request.url.removeprefix("sim://").partition("/")[0]
        delivery_id, now = request.body.decode(), self.loop.time()
        addresses = request.headers["to"].split(",")
        self.sent[delivery_id, account] += 1
        self.providers[account].first_bytes.append((now, len(addresses)))
        if self.open_until.get(delivery_id, 0.0) > now:
            self.breaks.append(f"{delivery_id}: sent to {account} while an earlier request was still open")
        intents = self.witness.intents(delivery_id, account)
        number = self.sent[delivery_id, account]
        if number > len(intents):
            self.breaks.append(f"{delivery_id}: its request {number} to {account} left before its intent was stored")
        # Between the decision and the first byte lies this much at most: the wire has checked the deadline.
        window_s = START_S + timeouts.connect_s
        if intents and now - intents[-1] > window_s:
            self.breaks.append(f"{delivery_id}: left {now - intents[-1]:.0f} s after its intent")
        project = self.witness.project(delivery_id)
        if any(now - self.suppressed_at.get((project, address), now) > window_s for address in addresses):
            self.breaks.append(f"{delivery_id}: sent although its recipient was suppressed before")
        self._eligible(request, account, len(addresses))

    def _eligible(self, request: HttpRequest, account: str, recipients: int) -> None:
        plan, domain = self.providers[account].plan, request.headers["from"].partition("@")[2]
        if plan.senders and domain not in plan.senders:
            self.breaks.append(f"{request.body.decode()}: {account} was asked to send for {domain}, which it may not")
        if recipients > plan.recipients_max:
            self.breaks.append(f"{request.body.decode()}: {account} was given {recipients} recipients at once")

    # --- the far end of the wire --------------------------------------------------------------------------------------

    async def carry(self, request: HttpRequest, timeouts: Timeouts) -> Answer:
        """From the first byte on. What the provider does, it does whether the sender lives to see it or not."""
        host, _, path = request.url.removeprefix("sim://").partition("/")
        provider = self.providers[host]
        kind = provider.draw(self.rng)
        if path == "lookup":
            return await self._lookup(provider, request, kind, timeouts)
        self.note(f"{host} {kind}")
        behaviour, delivery_id = BEHAVIOURS[kind], request.body.decode()
        latency_s = min(provider.latency.draw_s(self.rng), 0.9 * timeouts.answer_s)
        if behaviour.takes:
            after_s = self.rng.random() * (0.9 * LAG_S if behaviour.late else latency_s)
            self.loop.call_later(after_s, self._book, provider, request, behaviour)
        elif kind in REFUSED_FOR_GOOD:
            self.refused_for_good.add(delivery_id)
        answer, after_s = self._answer(behaviour, f"{host}-{delivery_id}", latency_s, timeouts)
        self.open_until[delivery_id] = self.loop.time() + after_s
        await asyncio.sleep(after_s)
        return answer

    def _answer(self, done: Behaviour, id_: str, latency_s: float, timeouts: Timeouts) -> tuple[Answer, float]:
        """What the sender learns, and when."""
        if done.cut:
            return Fault(phase=Phase.WRITE, maybe_sent=False, text="reset in the middle of the body"), 0.0
        if done.reset:
            return Fault(phase=Phase.ANSWER, maybe_sent=True, text="reset before the answer"), latency_s
        if not done.status:
            return Fault(phase=Phase.ANSWER, maybe_sent=True, text="no answer in time"), timeouts.answer_s
        headers = {"retry-after": str(self.rng.choice(done.retry_after_s))} if done.retry_after_s else {}
        body = id_.encode() if done.takes else b""
        after_s = latency_s + self.rng.random() * 0.9 * (timeouts.answer_s - latency_s) if done.slow else latency_s
        return HttpResponse(status=done.status, headers=headers, body=body), after_s

    def _book(self, provider: SimProvider, request: HttpRequest, behaviour: Behaviour) -> None:
        delivery_id, now = request.body.decode(), self.loop.time()
        self.mails[request.headers["mail"]] += 1
        provider.taken[delivery_id] += 1
        self.taken_at.setdefault(delivery_id, now)
        if behaviour.drops:
            provider.dropped.add(delivery_id)
        if behaviour.delays_s:
            provider.delayed.add(delivery_id)
        # What is late already has used up its part of the lag that is promised from the request on.
        longest = 0.9 if provider.meets("lookup_lag", self.rng) and not behaviour.late else 0.1
        self.on_booked(provider, request, behaviour)
        provider.visible_at.setdefault(delivery_id, now + self.rng.choice((0.0, 1.0, longest * LAG_S)))

    async def _lookup(self, provider: SimProvider, request: HttpRequest, kind: str, timeouts: Timeouts) -> Answer:
        delivery_id, behaviour = request.body.decode(), BEHAVIOURS[kind]
        await asyncio.sleep(min(provider.latency.draw_s(self.rng), timeouts.answer_s))
        if not behaviour.status and not behaviour.reset and not behaviour.cut:
            await asyncio.sleep(timeouts.answer_s)
            return Fault(phase=Phase.ANSWER, maybe_sent=True, text="no answer in time")
        if behaviour.status != 202 or provider.deaf or provider.meets("lookup_down", self.rng):
            self.note("records out of reach")
            return HttpResponse(status=503, headers={})
        if provider.plan.paged and request.headers["page"] != "3":
            self.note("a page of records")
            return HttpResponse(status=206 if request.headers["page"] == "1" else 404, headers={})
        visible_at = provider.visible_at.get(delivery_id)
        if visible_at is not None and visible_at <= self.loop.time():
            return HttpResponse(status=200, headers={}, body=f"{provider.name}-{delivery_id}".encode())
        if visible_at is not None:
            self.note("its records lag behind")
        return HttpResponse(status=404, headers={})
