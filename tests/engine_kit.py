"""Real engines over the memory store, providers that answer by script, and a clock of the event loop's time."""

import asyncio
import dataclasses
import random
from collections import Counter, defaultdict
from contextlib import asynccontextmanager
from dataclasses import dataclass

from msgspec.structs import replace

from everpost.attachments.memory import MemoryAttachments
from everpost.core.story import attempts_of
from everpost.engine.accept import Acceptance
from everpost.engine.aside import Aside
from everpost.engine.engine import Engine
from everpost.engine.fleet import Member
from everpost.engine.housekeep import Retention
from everpost.engine.news import News
from everpost.engine.observer import UNOBSERVED
from everpost.engine.ports import Ports
from everpost.health.memory import MemoryHealth
from everpost.model.account import Account, Timeouts
from everpost.model.delivery import FINAL, DeliveryState
from everpost.model.event import EventType
from everpost.model.key import Caller, Scope
from everpost.model.limits import IN_LOOP_BYTES_MAX
from everpost.model.message import Address, Draft
from everpost.model.route import Route, RouteAccount
from everpost.model.suppression import SuppressionDraft
from everpost.providers.contract import Fault, HttpResponse, Phase, Unsendable
from everpost.store.memory import MemoryStore
from everpost.store.port import StoreUnavailable
from everpost.wakeup.memory import MemoryWakeup
from sim.providers import PROVIDER
from store_values import NOW

CALLER = Caller(project="shop", who="key-1", scope=Scope.ADMIN)
LOOKS = 60_000  # within the time that a test waits for a mail's end
LATENCY_S = 0.05  # of every answer that is told nothing else


# --- what providers answer -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Reply:
    """What becomes of a request: whether the provider takes the mail, and what the caller learns of it."""

    answer: object
    takes: bool = False
    after_s: float = LATENCY_S


def status(code, **fields):
    headers = fields.pop("headers", {})
    return Reply(HttpResponse(status=code, headers=headers, body=fields.pop("body", b"")), **fields)


def later(reply, seconds):
    """The same, after so long."""
    return dataclasses.replace(reply, after_s=seconds)


def throttled(seconds):
    return status(429, headers={"retry-after": str(seconds)})


TAKEN = status(202, takes=True)
REJECTED = status(400)
BAD_KEY = status(401)
TOO_LARGE = status(413)
BUSY = status(503)
DOWN = Reply(Fault(phase=Phase.CONNECT, maybe_sent=False, text="refused"), after_s=0.001)
ABSENT = status(404)
SILENCE = Reply(Fault(phase=Phase.ANSWER, maybe_sent=True, text="no answer in time"), after_s=10.0)
TOO_LATE = Reply(Fault(phase=Phase.DEADLINE, maybe_sent=False, text="too late to start"), after_s=0.001)
LOST = Reply(Fault(phase=Phase.ANSWER, maybe_sent=True, text="reset"))
LOST_BUT_TAKEN = Reply(LOST.answer, takes=True)


@dataclass(frozen=True)
class Request:
    account: str
    delivery: str
    at: float  # seconds after NOW


class Wire:
    """Providers that take every mail and tell the truth about it, unless their script says otherwise."""

    def __init__(self):
        self.sent = []
        self.asked = []
        self.taken = Counter()  # (account, delivery)
        self.most = Counter()  # requests that were open at the same time, by account; and `lookups of` it
        self._open = Counter()
        self._sends = {}
        self._lookups = {}

    def script(self, account, *replies):
        """What is answered to the next mails; the last of these to all that follow."""
        self._sends[account] = list(replies)

    def script_lookups(self, account, *replies):
        """The same for questions; None is the truth. Answers carry the headers of their requests."""
        self._lookups[account] = list(replies)

    def accounts(self):
        return [request.account for request in self.sent]

    async def send(self, request, timeouts, not_after):
        account, _, path = request.url.removeprefix("sim://").partition("/")
        told = Request(account, request.body.decode(), asyncio.get_running_loop().time())
        if path == "lookup":
            self.asked.append(told)
            reply = _next(self._lookups, account) or self._truth(told)
            if isinstance(reply.answer, HttpResponse):
                reply = dataclasses.replace(reply, answer=replace(reply.answer, headers=request.headers))
            return await self._counted(f"lookups of {account}", reply, told, not_after)
        self.sent.append(told)
        return await self._counted(account, _next(self._sends, account) or TAKEN, told, not_after)

    async def _counted(self, name, reply, told, not_after):
        self._open[name] += 1
        self.most[name] = max(self.most[name], self._open[name])
        try:
            return await self._answered(reply, told, not_after)
        finally:
            self._open[name] -= 1

    async def _answered(self, reply, told, not_after):
        if told.at > not_after:
            return TOO_LATE.answer
        await asyncio.sleep(reply.after_s)
        if reply.takes:
            self.taken[told.account, told.delivery] += 1
        if isinstance(reply.answer, HttpResponse) and reply.answer.status in (200, 202):
            return replace(reply.answer, body=f"{told.account}:{told.delivery}".encode())
        return reply.answer

    def _truth(self, told):
        return status(200 if (told.account, told.delivery) in self.taken else 404)

    async def close(self): ...


def _next(scripts, account):
    script = scripts.get(account)
    if not script:
        return None
    return script.pop(0) if len(script) > 1 else script[0]


# --- the machine -----------------------------------------------------------------------------------------------------


class Clock:
    """The event loop's time, as it stands after NOW; chance is drawn from a seed, unless it is `fixed`."""

    def __init__(self, seed=1):
        self.skew_s = 0.0
        self.fixed = None
        self._rng = random.Random(seed)

    def now(self):
        return NOW + self.monotonic() + self.skew_s

    def monotonic(self):
        return asyncio.get_running_loop().time()

    def chance(self):
        return self._rng.random() if self.fixed is None else self.fixed

    def entropy(self):
        return self._rng.getrandbits(80)


class Troubled:
    """Passes every call on to a port, unless it was told to fail or to be slow."""

    def __init__(self, target):
        self._target = target
        self.fails = {}  # by method: what it raises
        self.forgets = False  # what fails has been done all the same
        self.slow_s = defaultdict(float)  # by method
        self.called = Counter()

    def __getattr__(self, name):
        method = getattr(self._target, name)

        async def call(*args, **kwargs):
            self.called[name] += 1
            await asyncio.sleep(self.slow_s[name])
            if name in self.fails:
                if self.forgets:
                    await method(*args, **kwargs)
                raise type(self.fails[name])(*self.fails[name].args)
            return await method(*args, **kwargs)

        return call


class TroubledAttachments(Troubled):
    def before(self, day):
        return self._target.before(day)


GONE = StoreUnavailable("the disk is gone")


def account(name, **fields):
    timeouts = Timeouts(connect_s=1.0, write_s=1.0, answer_s=5.0)
    return Account(**({"name": name, "provider": PROVIDER.name, "timeouts": timeouts} | fields))


class SlowAside(Aside):
    """Takes so many seconds for whatever is large."""

    def __init__(self, takes_s):
        super().__init__()
        self._takes_s = takes_s

    async def run(self, size, work):
        if size > IN_LOOP_BYTES_MAX:
            await asyncio.sleep(self._takes_s)
        return work()


class World:
    """What several processes share: accounts, routes, the store, the health and the providers."""

    def __init__(self, *accounts, provider=PROVIDER, **route_fields):
        self.accounts = tuple(account(one) if isinstance(one, str) else one for one in accounts)
        entries = tuple(RouteAccount(account=one.name) for one in self.accounts)
        self.routes = (Route(**({"name": "default", "accounts": entries} | route_fields)),)
        self.provider = provider
        self.wire = Wire()
        self.clock = Clock()
        self.store = Troubled(MemoryStore(self.clock.now))
        self.health = Troubled(MemoryHealth())
        self.observer = UNOBSERVED
        self.attachments = TroubledAttachments(MemoryAttachments())
        self.aside = Aside()

    def engine(self, queue=None, **retention):
        """A process that does not run yet."""
        ports = Ports(
            store=self.store,
            health=self.health,
            wire=self.wire,
            due=MemoryWakeup(),
            news=News(),
            clock=self.clock,
            observer=self.observer,
            attachments=self.attachments,
            aside=self.aside,
        )
        members = [Member(one, self.provider) for one in self.accounts]
        return Engine(ports, members, self.routes, Retention(**retention), queue)

    @asynccontextmanager
    async def running(self, engine=None):
        """A process at work; stopped gracefully at the end."""
        engine = engine or self.engine()
        stop = asyncio.Event()
        task = asyncio.create_task(engine.run(stop))
        await elapse(0.01)
        try:
            yield engine
        finally:
            stop.set()
            await task

    async def delivery(self, stored):
        return await self.store.find_delivery(stored.message.id + ".0")

    async def events(self, type_=None):
        recorded = await self.store.read_events(0, 10_000)
        return [one.event for one in recorded if type_ in (None, one.event.type)]

    async def attempts(self, stored):
        """(account, outcome) of every attempt; skipped accounts are left out."""
        story = attempts_of(await self.store.read_events(0, 10_000, None, stored.message.id))
        return [(one.account, one.outcome) for one in story if one.number is not None]

    async def verdicts(self):
        """(verdict, action) of every question that was settled."""
        return [(event.data["verdict"], event.data.get("action")) for event in await self.events(EventType.RESOLVED)]

    async def in_doubt(self, engine, **fields):
        """A mail whose outcome at the first account is unknown."""
        stored = await accepted(engine, **fields)
        async with asyncio.timeout(10):
            while (await self.delivery(stored)).state is not DeliveryState.UNCERTAIN:
                await elapse(0.01)
        return stored

    async def ended(self, stored, within_s=600.0):
        """The delivery in its final state."""
        async with asyncio.timeout(within_s):
            while True:
                one = await self.delivery(stored)
                if one.state in FINAL:
                    return one
                await elapse(within_s / LOOKS)


async def elapse(seconds):
    await asyncio.sleep(seconds)


def barred(address, reason="they asked", **fields):
    """As somebody asks for it."""
    return SuppressionDraft(address=address, reason=reason, **fields)


def draft(**fields):
    usual = {"sender": Address("ann@example.com"), "to": (Address("bob@example.org"),), "subject": "s", "text": "t"}
    return Draft(**(usual | fields))


async def accepted(engine, caller=CALLER, **fields):
    """A mail that was taken in."""
    options = {name: fields.pop(name) for name in ("idempotency", "wait_s", "origin") if name in fields}
    acceptance = await engine.acceptor.accept(draft(**fields), caller, **options)
    assert isinstance(acceptance, Acceptance), acceptance
    return acceptance.stored


async def many(engine, count, **fields):
    return [await accepted(engine, **fields) for _ in range(count)]


async def all_ended(world, mails):
    return [await world.ended(stored, 10_000.0) for stored in mails]


MUTE = replace(PROVIDER, resolve=None)
"""A provider that can't be asked."""


def picky(subject, accounts=None, error=None):
    """A provider that can't express mails with this subject, at these accounts only; or breaks over them."""

    def build(message, delivery_id, account):
        if message.subject == subject and (accounts is None or account.name in accounts):
            if error is not None:
                raise error
            return Unsendable(f"it can't say {subject}")
        return PROVIDER.build(message, delivery_id, account)

    return replace(PROVIDER, build=build)
