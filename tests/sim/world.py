"""The world outside Everpost: providers that keep the truth, and a wire that fails in every way that wires do."""

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from everpost.core.resolving import START_S
from everpost.model.account import Account, Timeouts
from everpost.model.event import Event
from everpost.model.message import Draft
from everpost.model.outcome import Kind, Outcome
from everpost.providers.contract import (
    Absent,
    Answer,
    Ask,
    Fault,
    Finding,
    Found,
    HttpRequest,
    HttpResponse,
    Limits,
    Lookup,
    Phase,
    Provider,
    Sought,
    Unclear,
)

LAG_S = 60.0
"""The providers promise to show a mail in their records within this time, and take nearly all of it at times."""

_STATUSES = {
    202: Kind.ACCEPTED,
    400: Kind.REJECTED,
    401: Kind.REFUSED,
    413: Kind.REFUSED,
    429: Kind.THROTTLED,
    503: Kind.UNAVAILABLE,
}


def build(message: Draft, delivery_id: str, account: Account) -> HttpRequest:
    """The subject names the mail: of a repeated request that became two deliveries, both are the same mail."""
    headers = {"mail": message.subject, "to": message.to[0].email}
    return HttpRequest(method="POST", url=f"sim://{account.name}/send", headers=headers, body=delivery_id.encode())


def read(answer: HttpResponse, account: Account) -> Outcome:
    kind = _STATUSES.get(answer.status, Kind.UNKNOWN)
    wait_s = float(answer.headers["retry-after"]) if "retry-after" in answer.headers else None
    return Outcome(
        kind=kind,
        status=answer.status,
        provider_message_id=answer.body.decode() or None,
        account_fault=answer.status == 401,
        retry_after_s=wait_s,
    )


def ask(sought: Sought, page: str = "1") -> HttpRequest:
    url = f"sim://{sought.account.name}/lookup"
    return HttpRequest(method="GET", url=url, headers={"page": page}, body=sought.delivery_id.encode())


def read_finding(sought: Sought, answer: HttpResponse) -> Finding:
    match answer.status:
        case 200:
            return Found(answer.body.decode())
        case 206:  # the records fill two pages
            return Ask((ask(sought, "2"), ask(sought, "3")))
        case 404:
            return Absent()
    return Unclear(f"status {answer.status}")


PROVIDER = Provider(
    name="sim",
    title="Simulated provider",
    docs="",
    settings=(),
    limits=Limits(recipients_max=1000, content_bytes_max=1_000_000),
    build=build,
    read=read,
    resolve=Lookup(lag_s=LAG_S, kept_s=30 * 86_400.0, start=ask, read=read_finding),
)

MUTE = replace(PROVIDER, name="mute", resolve=None)
"""The same, and nobody can ask it anything."""


@dataclass
class Faults:
    """How often each thing goes wrong, as shares of requests."""

    shares: dict[str, float] = field(default_factory=dict)

    def draw(self, rng: random.Random) -> str:
        mark = rng.random()
        for name, share in self.shares.items():
            mark -= share
            if mark < 0:
                return name
        return "fine"


@dataclass
class SimProvider:
    """One provider: what it has taken, and since when its records show it."""

    name: str
    faults: Faults = field(default_factory=Faults)
    taken: Counter[str] = field(default_factory=Counter)  # delivery id -> how often: the ground truth
    visible_at: dict[str, float] = field(default_factory=dict)
    deaf: bool = False  # its records can't be had, not even when everything else is well again
    paged: bool = False  # its records fill two pages, and whatever is looked for stands on the second one


@dataclass
class SimSink:
    """Takes events, or says that it has not, which may be true or not."""

    world: "World"
    fails: float = 0.0
    name: str = "sim"
    received: list[Mapping[str, Any]] = field(default_factory=list)

    async def put(self, events: Sequence[Mapping[str, Any]]) -> None:
        self._may_fail("sink refuses")
        self.received += events
        await asyncio.sleep(self.world.rng.uniform(0, 0.1))
        self._may_fail("sink forgets")

    async def close(self) -> None:
        return None

    def _may_fail(self, what: str) -> None:
        if self.world.rng.random() < self.fails:
            self.world.note(what)
            raise OSError(what)


@dataclass
class World:
    rng: random.Random
    loop: asyncio.AbstractEventLoop
    providers: dict[str, SimProvider] = field(default_factory=dict)
    seen: Counter[str] = field(default_factory=Counter)  # what has happened at all, over all runs of a scenario
    trace: list[str] = field(default_factory=list)
    refused_for_good: set[str] = field(default_factory=set)
    mails: Counter[str] = field(default_factory=Counter)  # mail -> how often any provider has taken it
    first_bytes: dict[tuple[str, str], list[float]] = field(default_factory=lambda: defaultdict(list))
    open: Counter[str] = field(default_factory=Counter)  # delivery id -> requests that an answer may still come to
    suppressed_at: dict[str, float] = field(default_factory=dict)  # address -> by no node's clock
    told_at: dict[str, float] = field(default_factory=dict)  # event id -> when it was written, by no node's clock
    breaks: list[str] = field(default_factory=list)  # promises that were broken before everybody's eyes

    def note(self, what: str) -> None:
        self.seen[what] += 1
        self.trace.append(f"{self.loop.time():.6f} {what}")

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

    def written(self, events: Sequence[Event]) -> None:
        for event in events:
            self.told_at.setdefault(event.id, self.loop.time())

    def first_byte(self, request: HttpRequest, timeouts: Timeouts, intents: Sequence[str]) -> None:
        """The first byte of a mail leaves a node. `intents`: events of its attempts at this account, as on disk."""
        account = request.url.removeprefix("sim://").partition("/")[0]
        delivery_id, now = request.body.decode(), self.loop.time()
        sent = self.first_bytes[delivery_id, account]
        sent.append(now)
        if self.open[delivery_id]:
            self.breaks.append(f"{delivery_id}: sent to {account} while an earlier request was still open")
        if len(sent) > len(intents):
            self.breaks.append(f"{delivery_id}: its request {len(sent)} to {account} left before its intent was stored")
        # Between the decision and the first byte lies this much at most: the wire has checked the deadline.
        window_s = START_S + timeouts.connect_s
        if intents and now - self.told_at[intents[-1]] > window_s:
            self.breaks.append(f"{delivery_id}: left {now - self.told_at[intents[-1]]:.0f} s after its intent")
        if now - self.suppressed_at.get(request.headers["to"], now) > window_s:
            self.breaks.append(f"{delivery_id}: sent although its recipient was suppressed before")

    # --- the far end of the wire --------------------------------------------------------------------------------------

    async def carry(self, request: HttpRequest, timeouts: Timeouts) -> Answer:
        """From the first byte on: the deadline has been checked."""
        host, _, path = request.url.removeprefix("sim://").partition("/")
        provider = self.providers[host]
        fault = provider.faults.draw(self.rng)
        if path == "lookup":
            return await self._lookup(provider, request, fault, timeouts)
        self.open[request.body.decode()] += 1
        try:
            return await self._send(provider, request, fault, timeouts)
        finally:
            self.open[request.body.decode()] -= 1

    async def _send(self, provider: SimProvider, request: HttpRequest, fault: str, timeouts: Timeouts) -> Answer:
        delivery_id = request.body.decode()
        self.note(f"{provider.name} {fault}")
        match fault:
            case "cut":
                return Fault(phase=Phase.WRITE, maybe_sent=False, text="reset in the middle of the body")
            case "hang":
                return await self._silence(timeouts)
            case "reset":
                return Fault(phase=Phase.ANSWER, maybe_sent=True, text="reset after the body")
            case "400" | "413":
                self.refused_for_good.add(delivery_id)
                return HttpResponse(status=int(fault), headers={})
            case "401" | "503" | "500":
                return HttpResponse(status=int(fault), headers={})
            case "429":
                return HttpResponse(status=429, headers={"retry-after": str(self.rng.choice((1, 20, 120)))})
        return await self._take(provider, request, fault, timeouts)

    async def _take(self, provider: SimProvider, request: HttpRequest, fault: str, timeouts: Timeouts) -> Answer:
        """The provider takes it, now or a little later; what the caller learns of it is another matter."""
        late_s = self.rng.uniform(0, 0.9 * LAG_S) if fault == "accept_late" else self.rng.uniform(0.001, 0.2)
        if fault == "accept_late":
            self.loop.call_later(late_s, self._book, provider, request)
            return await self._silence(timeouts)
        await asyncio.sleep(late_s)
        self._book(provider, request)
        match fault:
            case "accept_hang":
                return await self._silence(timeouts)
            case "accept_reset":
                return Fault(phase=Phase.ANSWER, maybe_sent=True, text="reset before the answer")
            case "accept_502":
                return HttpResponse(status=502, headers={})
            case "slow":
                await asyncio.sleep(self.rng.uniform(0, 0.9) * timeouts.answer_s)
        return HttpResponse(status=202, headers={}, body=f"{provider.name}-{request.body.decode()}".encode())

    def _book(self, provider: SimProvider, request: HttpRequest) -> None:
        delivery_id, now = request.body.decode(), self.loop.time()
        self.mails[request.headers["mail"]] += 1
        provider.taken[delivery_id] += 1
        lag_s = self.rng.choice((0.0, 1.0, 0.1 * LAG_S))
        provider.visible_at.setdefault(delivery_id, now + lag_s)

    async def _silence(self, timeouts: Timeouts) -> Fault:
        await asyncio.sleep(timeouts.answer_s)
        return Fault(phase=Phase.ANSWER, maybe_sent=True, text="no answer in time")

    async def _lookup(self, provider: SimProvider, request: HttpRequest, fault: str, timeouts: Timeouts) -> Answer:
        delivery_id = request.body.decode()
        await asyncio.sleep(self.rng.uniform(0.001, 0.2))
        if fault in ("hang", "accept_hang", "accept_late"):
            return await self._silence(timeouts)
        if fault not in ("fine", "slow") or provider.deaf:
            return HttpResponse(status=503, headers={})
        if provider.paged and request.headers["page"] != "3":
            self.note("a page of records")
            return HttpResponse(status=206 if request.headers["page"] == "1" else 404, headers={})
        visible_at = provider.visible_at.get(delivery_id)
        if visible_at is not None and visible_at <= self.loop.time():
            return HttpResponse(status=200, headers={}, body=f"{provider.name}-{delivery_id}".encode())
        return HttpResponse(status=404, headers={})
