"""The world outside Everpost: providers that keep the truth, and a wire that fails in every way that wires do."""

import asyncio
import random
from collections import Counter, defaultdict
from dataclasses import dataclass, field

from everpost.model.account import Account, Timeouts
from everpost.model.message import Draft
from everpost.model.outcome import Kind, Outcome
from everpost.providers.contract import (
    Absent,
    Answer,
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
    return HttpRequest(method="POST", url=f"sim://{account.name}/send", headers={}, body=delivery_id.encode())


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


def ask(sought: Sought) -> HttpRequest:
    url = f"sim://{sought.account.name}/lookup"
    return HttpRequest(method="GET", url=url, headers={}, body=sought.delivery_id.encode())


def read_finding(sought: Sought, answer: HttpResponse) -> Finding:
    if answer.status == 200:
        return Found(answer.body.decode())
    return Absent() if answer.status == 404 else Unclear(f"status {answer.status}")


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
    requests: int = 0


@dataclass
class World:
    rng: random.Random
    loop: asyncio.AbstractEventLoop
    providers: dict[str, SimProvider] = field(default_factory=dict)
    seen: Counter[str] = field(default_factory=Counter)  # what has happened at all, over all runs of a scenario
    trace: list[str] = field(default_factory=list)
    refused_for_good: set[str] = field(default_factory=set)

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

    # --- the far end of the wire --------------------------------------------------------------------------------------

    async def carry(self, request: HttpRequest, timeouts: Timeouts) -> Answer:
        """From the first byte on: the deadline has been checked."""
        host, _, path = request.url.removeprefix("sim://").partition("/")
        provider = self.providers[host]
        provider.requests += 1
        fault = provider.faults.draw(self.rng)
        handler = self._send if path == "send" else self._lookup
        return await handler(provider, request.body.decode(), fault, timeouts)

    async def _send(self, provider: SimProvider, delivery_id: str, fault: str, timeouts: Timeouts) -> Answer:
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
        return await self._take(provider, delivery_id, fault, timeouts)

    async def _take(self, provider: SimProvider, delivery_id: str, fault: str, timeouts: Timeouts) -> Answer:
        """The provider takes it, now or a little later; what the caller learns of it is another matter."""
        late_s = self.rng.uniform(0, 0.9 * LAG_S) if fault == "accept_late" else self.rng.uniform(0.001, 0.2)
        if fault == "accept_late":
            self.loop.call_later(late_s, self._book, provider, delivery_id)
            return await self._silence(timeouts)
        await asyncio.sleep(late_s)
        self._book(provider, delivery_id)
        match fault:
            case "accept_hang":
                return await self._silence(timeouts)
            case "accept_reset":
                return Fault(phase=Phase.ANSWER, maybe_sent=True, text="reset before the answer")
            case "accept_502":
                return HttpResponse(status=502, headers={})
            case "slow":
                await asyncio.sleep(self.rng.uniform(0, 0.9) * timeouts.answer_s)
        return HttpResponse(status=202, headers={}, body=f"{provider.name}-{delivery_id}".encode())

    def _book(self, provider: SimProvider, delivery_id: str) -> None:
        now = self.loop.time()
        provider.taken[delivery_id] += 1
        lag_s = self.rng.choice((0.0, 1.0, 0.1 * LAG_S))
        provider.visible_at.setdefault(delivery_id, now + lag_s)

    async def _silence(self, timeouts: Timeouts) -> Fault:
        await asyncio.sleep(timeouts.answer_s)
        return Fault(phase=Phase.ANSWER, maybe_sent=True, text="no answer in time")

    async def _lookup(self, provider: SimProvider, delivery_id: str, fault: str, timeouts: Timeouts) -> Answer:
        await asyncio.sleep(self.rng.uniform(0.001, 0.2))
        if fault in ("fine", "slow"):
            visible_at = provider.visible_at.get(delivery_id)
            if visible_at is not None and visible_at <= self.loop.time():
                return HttpResponse(status=200, headers={}, body=f"{provider.name}-{delivery_id}".encode())
            return HttpResponse(status=404, headers={})
        if fault in ("hang", "accept_hang", "accept_late"):
            return await self._silence(timeouts)
        return HttpResponse(status=503, headers={})
