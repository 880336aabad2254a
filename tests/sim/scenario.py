"""One seed: nodes that die, providers that flap, clients that repeat; then the books are checked."""

import asyncio
import hashlib
import random
from collections import Counter
from collections.abc import Callable
from contextlib import suppress

from everpost.engine.fleet import Member
from everpost.health.memory import MemoryHealth
from everpost.model.delivery import FINAL, DeliveryState
from everpost.model.event import EventType
from everpost.model.message import OnUnknown
from everpost.model.route import Route, RouteAccount
from everpost.store.port import Filter, Store
from sim.clients import CALLER, Clients
from sim.invariants import broken, unbalanced
from sim.nodes import EPOCH, Node, Weather, account, task_factory
from sim.report import Report
from sim.virtual_loop import VirtualLoop
from sim.world import MUTE, PROVIDER, Faults, SimProvider, SimSink, World

STORM_S = 900.0  # faults and crashes last this long
CALM_S = 2 * 3600.0  # then everything heals, and every mail must end within this time …
CLOCKS_S = 1200.0  # … but what waits for a clock that was wrong gets one that is late, after this
LOOK_S = 30.0  # between two looks at the books
DAY_S = 86_400.0
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
        self.report = Report(seed, on_unknown=rng.choice((OnUnknown.HOLD, OnUnknown.RESEND)))
        self.world = World(rng=rng, loop=loop)
        self.store = make_store(lambda: EPOCH + loop.time())
        self.sink = SimSink(self.world, fails=rng.choice((0.0, 0.0, 0.3)))
        self.report.relayed = self.sink.received
        self._set_patience()
        members = [self._some_member(f"p{number}") for number in range(rng.randint(1, 3))]
        entries = tuple(RouteAccount(account=member.account.name, weight=rng.choice((None, 1.0))) for member in members)
        route = Route(
            name="default",
            accounts=entries,
            on_unknown=self.report.on_unknown,
            resolve_within_s=self.report.resolve_within_s,
        )
        health = MemoryHealth()
        self.nodes = [
            Node(f"n{number}", self.world, self.store, health, self.sink, members, [route], rng, self._some_weather())
            for number in range(rng.randint(1, 4))
        ]
        for node in self.nodes:
            node.skew_s = rng.choice((0.0, 0.0, 0.0, -3.0, 3.0, DAY_S, -DAY_S)) if rng.random() < 0.3 else 0.0

    def _set_patience(self) -> None:
        """Mostly questions may be asked for days, so that every outcome becomes certain, whatever the policy."""
        self.report.is_askable = self.rng.random() < 0.7
        self.report.resolve_within_s = 3 * DAY_S if self.report.is_askable else self.rng.choice((60.0, 600.0, 3600.0))

    def _some_member(self, name: str) -> Member:
        rng = self.rng
        provider = SimProvider(name, self._some_faults(), paged=rng.random() < 0.3)
        self.world.providers[name] = provider
        if self.report.is_askable or rng.random() < 0.4:
            return Member(account(name), PROVIDER)
        provider.deaf = rng.random() < 0.5
        return Member(account(name, PROVIDER if provider.deaf else MUTE), PROVIDER if provider.deaf else MUTE)

    def _some_faults(self) -> Faults:
        """A random subset, some of it extreme: most runs then look at few faults closely, and some at one alone."""
        if self.rng.random() < 0.15:
            return Faults({self.rng.choice(FAULTS): 1.0})
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
            clock_jump=rng.choice((0, 0, 0.0005, 0.005)),
            clock_jump_s=rng.choice((5.0, DAY_S)),
            deploy=rng.choice((0, 0, 0.01)),
            alone=rng.random() < 0.2,
        )

    async def play(self) -> Report:
        for node in self.nodes:
            node.boot()
        keepers = [asyncio.create_task(self._keep_alive(node)) for node in self.nodes]
        watcher = asyncio.create_task(self._watch())
        clients = Clients(self.world, self.nodes, self.report, self.rng)
        lives = [asyncio.create_task(clients.live(number, STORM_S)) for number in range(self.mails)]
        await asyncio.sleep(STORM_S)
        self._heal()
        await asyncio.gather(*lives)
        await self._until_all_final()
        for task in (*keepers, watcher):
            task.cancel()
        await self._look()
        self.report.breaks = broken(self.report, self.world)
        for node in self.nodes:
            node.kill("end")
        return self._told()

    def _heal(self) -> None:
        self.sink.fails = 0.0
        for provider in self.world.providers.values():
            provider.faults = Faults()
        for node in self.nodes:
            node.weather = Weather()
            node.skew_s = 0.0

    async def _keep_alive(self, node: Node) -> None:
        """The supervisor: a dead process is started again after a while, and now and then a new version is deployed."""
        while True:
            await asyncio.sleep(1.0)
            if node.alive and self.rng.random() < node.weather.deploy:
                await node.retire()
            if not node.alive:
                await asyncio.sleep(self.rng.uniform(0, 20))
                node.boot()

    async def _watch(self) -> None:
        """What must hold at all times is looked at all the time."""
        while True:
            await asyncio.sleep(LOOK_S)
            await self._look()

    async def _look(self) -> None:
        """Brings the report up to date, and tells what can't be seen in the end: an end that was not the end."""
        before = self.report.stored
        listed = await self.store.list_messages(Filter(project=CALLER.project), None, 1_000_000)
        self.report.stored = {stored.message.id: stored for stored in listed}
        self.report.events = await self.store.read_events(0, 1_000_000)
        self.report.counts = await self.store.counts()
        self.world.breaks += unbalanced(before, self.report)

    async def _until_all_final(self) -> None:
        began = self.loop.time()
        while self.loop.time() < began + CALM_S:
            await self._look()
            if not any(self._open()) and {event["id"] for event in self.sink.received} >= self._told_ids():
                break
            if self.loop.time() > began + CLOCKS_S and not self.report.is_late:
                self._move_clocks()
            await asyncio.sleep(LOOK_S)
        self.report.calm_s = self.loop.time() - began
        await asyncio.sleep(2 * LOOK_S)  # nothing more may happen

    def _move_clocks(self) -> None:
        """Leases of a node whose clock was a day ahead end in a day. All clocks go there now, which is one more jump,
        and saves a day of the simulator's time."""
        self.report.is_late = True
        self.world.note("clocks moved")
        for node in self.nodes:
            node.skew_s = 2 * DAY_S

    def _told_ids(self) -> set[str]:
        return {recorded.event.id for recorded in self.report.events}

    def _open(self) -> list[DeliveryState]:
        return [
            delivery.state
            for stored in self.report.stored.values()
            for delivery in stored.deliveries
            if delivery.state not in FINAL
        ]

    def _told(self) -> Report:
        types = Counter(recorded.event.type for recorded in self.report.events)
        actions = Counter(recorded.event.data.get("action") for recorded in self.report.events)
        self.report.lasted_s = self.loop.time()
        self.report.seen = {**self.world.seen, "held": types[EventType.HELD], "sent again": actions["resend"]}
        self.report.trace_hash = hashlib.sha256("\n".join(self.world.trace).encode()).hexdigest()
        return self.report
