"""One seed: nodes that die, providers that flap, clients that repeat; then the books are checked."""

import asyncio
import hashlib
import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from everpost.engine.accept import Acceptance, Idempotency
from everpost.engine.fleet import Member
from everpost.health.memory import MemoryHealth
from everpost.model.delivery import FINAL
from everpost.model.event import Recorded
from everpost.model.key import Caller, Scope
from everpost.model.message import Address, Draft, OnUnknown
from everpost.model.problem import Problem
from everpost.model.route import Route, RouteAccount
from everpost.store.port import Store, Stored
from sim.invariants import broken
from sim.nodes import Node, Weather, account, task_factory
from sim.virtual_loop import VirtualLoop
from sim.world import PROVIDER, Faults, SimProvider, World

CALLER = Caller(project="p", who="client", scope=Scope.ADMIN)
CLIENT_TIMEOUT_S = 5.0
STORM_S = 900.0  # faults and crashes last this long
CALM_S = 4 * 86_400.0  # then everything heals, and every mail must end within this time
FAULTS = [
    "refuse",
    "cut",
    "hang",
    "reset",
    "401",
    "400",
    "413",
    "429",
    "500",
    "503",
    "accept_late",
    "accept_hang",
    "accept_reset",
    "accept_502",
    "slow",
]

MakeStore = Callable[[Callable[[], float]], Store]


@dataclass
class Report:
    seed: int
    acknowledged: dict[str, str] = field(default_factory=dict)  # idempotency key -> message id
    cancelled: set[str] = field(default_factory=set)
    stored: dict[str, Stored] = field(default_factory=dict)
    events: list[Recorded] = field(default_factory=list)
    seen: dict[str, int] = field(default_factory=dict)
    trace_hash: str = ""
    breaks: list[str] = field(default_factory=list)


def run(seed: int, make_store: MakeStore, mails: int = 40) -> Report:
    """Plays one seed to its end. The same seed gives the same trace."""
    rng = random.Random(seed)
    loop = VirtualLoop(rng)
    loop.set_task_factory(task_factory)  # type: ignore[arg-type]  # a Task, as typeshed's protocol can't say
    try:
        return loop.run_until_complete(_Scenario(seed, rng, loop, make_store, mails).play())
    finally:
        for task in asyncio.all_tasks(loop):
            task.cancel()
        with suppress(Exception):
            loop.run_until_complete(asyncio.sleep(0))
        loop.close()


class _Scenario:
    def __init__(self, seed: int, rng: random.Random, loop: VirtualLoop, make_store: MakeStore, mails: int) -> None:
        self.rng = rng
        self.loop = loop
        self.mails = mails
        self.report = Report(seed)
        self.world = World(rng=rng, loop=loop)
        names = [f"p{number}" for number in range(rng.randint(1, 3))]
        for name in names:
            self.world.providers[name] = SimProvider(name, self._some_faults())
        policy = rng.choice((OnUnknown.HOLD, OnUnknown.RESEND))
        accounts = tuple(RouteAccount(account=name, weight=rng.choice((None, 1.0))) for name in names)
        # Questions may be asked for a day: every outcome becomes certain, whatever the policy for uncertainty.
        route = Route(name="default", accounts=accounts, on_unknown=policy, resolve_within_s=86_400.0 * 3)
        self.store = make_store(lambda: 1_800_000_000.0 + loop.time())
        health = MemoryHealth()
        members = [Member(account(name), PROVIDER) for name in names]
        self.nodes = [
            Node(f"n{number}", self.world, self.store, health, members, [route], rng, self._some_weather())
            for number in range(rng.randint(1, 4))
        ]

    def _some_faults(self) -> Faults:
        """A random subset, some of it extreme: most runs then look at few faults closely."""
        chosen = self.rng.sample(FAULTS, self.rng.randint(0, 5))
        return Faults({name: self.rng.choice((0.02, 0.1, 0.3)) for name in chosen})

    def _some_weather(self) -> Weather:
        rng = self.rng
        return Weather(
            crash=rng.choice((0, 0, 0.001, 0.01)),
            freeze=rng.choice((0, 0, 0.01)),
            freeze_s=rng.choice((30.0, 120.0)),
            store_refuses=rng.choice((0, 0, 0.01)),
            store_forgets=rng.choice((0, 0, 0.01)),
            clock_jump=rng.choice((0, 0, 0.0005)),
            clock_jump_s=rng.choice((5.0, 86_400.0)),
        )

    async def play(self) -> Report:
        for node in self.nodes:
            node.boot()
        keepers = [asyncio.create_task(self._keep_alive(node)) for node in self.nodes]
        clients = [asyncio.create_task(self._client(number)) for number in range(self.mails)]
        await asyncio.sleep(STORM_S)
        self._heal()
        await asyncio.gather(*clients)
        await self._until_all_final()
        for keeper in keepers:
            keeper.cancel()
        await self._collect()
        for node in self.nodes:
            node.kill()
        return self.report

    def _heal(self) -> None:
        for provider in self.world.providers.values():
            provider.faults = Faults()
        for node in self.nodes:
            node.weather = Weather()
            node.skew_s = 0.0

    async def _keep_alive(self, node: Node) -> None:
        """The supervisor: a dead process is started again after a while."""
        while True:
            await asyncio.sleep(1.0)
            if not node.alive:
                await asyncio.sleep(self.rng.uniform(0, 20))
                node.boot()

    async def _client(self, number: int) -> None:
        """Submits one mail and repeats it with the same key until it is acknowledged; cancels a few."""
        await asyncio.sleep(self.rng.uniform(0, STORM_S))
        key = f"key-{number}"
        draft = Draft(
            sender=Address("ann@example.com"), to=(Address(f"bob{number}@example.org"),), subject="s", text="t"
        )
        idempotency = Idempotency("p:send", key, hashlib.sha256(key.encode()).digest())
        while key not in self.report.acknowledged:
            answer = await self._ask_a_node(draft, idempotency)
            if isinstance(answer, Acceptance):
                self.report.acknowledged[key] = answer.stored.message.id
                self.world.note("replayed" if answer.replayed else "acknowledged")
            else:
                await asyncio.sleep(self.rng.uniform(0.1, 10))
        if self.rng.random() < 0.1:
            await self._cancel(self.report.acknowledged[key])

    async def _ask_a_node(self, draft: Draft, idempotency: Idempotency) -> Acceptance | Problem | None:
        node = self.rng.choice(self.nodes)
        if not node.alive or node.engine is None:
            return None
        request = node.start(node.engine.acceptor.accept(draft, CALLER, idempotency=idempotency))
        done, _ = await asyncio.wait([request], timeout=CLIENT_TIMEOUT_S)
        if not done or request.cancelled():
            self.world.note("client gave up waiting")
            return None
        answer: Acceptance | Problem = request.result()
        return answer

    async def _cancel(self, message_id: str) -> None:
        node = self.rng.choice(self.nodes)
        if not node.alive or node.engine is None:
            return
        request = node.start(node.engine.console.cancel(CALLER, message_id))
        done, _ = await asyncio.wait([request], timeout=CLIENT_TIMEOUT_S)
        if not done or request.cancelled() or request.exception() is not None:
            return
        if isinstance(request.result(), Stored):
            self.report.cancelled.add(message_id)
            self.world.note("cancelled")

    async def _until_all_final(self) -> None:
        until = self.loop.time() + CALM_S
        while self.loop.time() < until:
            await self._collect()
            open_ = [
                delivery
                for stored in self.report.stored.values()
                for delivery in stored.deliveries
                if delivery.state not in FINAL
            ]
            if not open_:
                return
            await asyncio.sleep(60.0)

    async def _collect(self) -> None:
        for message_id in self.report.acknowledged.values():
            stored = await self.store.get_message("p", message_id)
            if stored is not None:
                self.report.stored[message_id] = stored
        self.report.events = await self.store.read_events(0, 1_000_000)
        counts = await self.store.counts()
        self.report.seen = dict(self.world.seen)
        self.report.trace_hash = hashlib.sha256("\n".join(self.world.trace).encode()).hexdigest()
        self.report.breaks = broken(self.report.acknowledged, self.report.stored, self.report.events, self.world)
        if counts.accepted != sum(counts.by_state.values()):
            self.report.breaks.append(f"conservation: {counts.accepted} accepted, states {dict(counts.by_state)}")
