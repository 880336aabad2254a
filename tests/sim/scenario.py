"""One plan: nodes that die, providers that flap, clients that repeat; then the books are checked."""

import asyncio
import random
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

from everpost.core.resolving import budget_s
from everpost.health.memory import MemoryHealth
from everpost.model.key import Caller, Scope
from everpost.model.route import Route, RouteAccount
from everpost.store.port import Filter, Store, StoreUnavailable
from sim import extremes
from sim.behaviour import LAG_S
from sim.bugs import told_of_bugs
from sim.catalogue import SCRIPTS
from sim.clients import Clients
from sim.draw import draw
from sim.far import still
from sim.hooks import Hooks
from sim.invariants import broken, fallen, unbalanced
from sim.nodes import EPOCH, Fleet, Node, task_factory
from sim.plan import DAY_S, Plan, Weather
from sim.providers import SimProvider, member
from sim.report import Report
from sim.virtual_loop import VirtualLoop
from sim.witness import Witness
from sim.world import SimSink, World

CALM_S = 2 * 3600.0  # after the storm everything heals, and every mail must end within this time …
CLOCKS_S = 1200.0  # … but what waits for a clock that was wrong gets one that is late, after this
LOOKS = 3  # at all of the books, during the storm
WAIT_S = 10.0
STEPS_MAX = 12  # trouble that is due strikes within so many steps: at every one of them, sooner or later
OPERATOR = Caller(project="project-0", who="operator", scope=Scope.ADMIN)

MakeStore = Callable[[Callable[[], float], World], Store]
"""(clock, world): a store that is empty."""


def run(seed: int, make_store: MakeStore, mails: int | None = None) -> Report:
    """Plays one seed to its end. The same seed gives the same trace."""
    return play(draw(seed, mails), make_store)


def play(plan: Plan, make_store: MakeStore, show: Callable[[World], None] = lambda _: None) -> Report:
    """Plays a plan to its end; `show` is given the world that it was played in."""
    rng = random.Random(plan.seed)
    loop = VirtualLoop(rng)
    loop.set_task_factory(task_factory)
    try:
        with extremes.applied(plan.extremes):
            scenario = _Scenario(plan, rng, loop, make_store)
            show(scenario.world)
            with told_of_bugs(scenario.world):
                return loop.run_until_complete(scenario.play())
    finally:
        for task in asyncio.all_tasks(loop):
            task.cancel()
        with suppress(Exception):
            loop.run_until_complete(asyncio.sleep(0))
        loop.close()


class _Scenario:
    def __init__(self, plan: Plan, rng: random.Random, loop: VirtualLoop, make_store: MakeStore) -> None:
        self.plan = plan
        self.rng = rng
        self.loop = loop
        self.report = Report(plan)
        names = [f"p{number}" for number in range(len(plan.providers))]
        members = [member(name, provider) for name, provider in zip(names, plan.providers, strict=True)]
        patience = {one.account.name: LAG_S + budget_s(one.account) for one in members}
        self.world = World(plan, rng, loop, Witness(plan, patience, loop.time))
        self.world.providers = {
            name: SimProvider(name, provider) for name, provider in zip(names, plan.providers, strict=True)
        }
        self.store = make_store(lambda: EPOCH + loop.time(), self.world)
        self.sink = SimSink(self.world, fails=plan.sink_fails)
        self.report.relayed = self.sink.received
        route = Route(
            name="default",
            accounts=tuple(
                RouteAccount(account=name, weight=provider.weight)
                for name, provider in zip(names, plan.providers, strict=True)
            ),
            on_unknown=plan.on_unknown,
            resolve_within_s=plan.resolve_within_s,
        )
        fleet = Fleet(self.world, self.store, MemoryHealth(), self.sink, members, [route])
        self.nodes = [Node(f"n{number}", node, fleet) for number, node in enumerate(plan.nodes)]
        self.report.hooks = self.hooks = Hooks(self.world, self.nodes)
        self.world.on_booked = self.hooks.booked
        self.world.clocks_right = not any(node.skew_s for node in plan.nodes)
        self.names = names

    async def play(self) -> Report:
        if self.plan.crash.call:
            self.loop.after_calls(self.plan.crash.call, self.nodes[0].kill)
        for node in self.nodes:
            node.boot()
        keepers = [asyncio.create_task(work) for node in self.nodes for work in self._trouble(node)]
        keepers.append(asyncio.create_task(self._operate()))
        clients = Clients(self.world, self.nodes, self.report, self.rng)
        within_s = 1.0 if self.plan.hurry else self.plan.storm_s
        lives = [asyncio.create_task(clients.live(number, within_s)) for number in range(self.plan.mails)]
        self._follow_scripts()
        for _ in range(LOOKS):
            await asyncio.sleep(self.plan.storm_s / LOOKS)
            await self._look()
        self._heal()
        ended, _ = await asyncio.wait(lives, timeout=CALM_S)
        for life in ended:
            life.result()
        await self._until_all_final()
        for task in keepers:
            task.cancel()
        await self._look()
        self.report.events = await still(self.store).read_events(0, 1_000_000)
        self.report.breaks = broken(self.report, self.world)
        for node in self.nodes:
            node.kill("end")
        return self._told()

    # --- trouble ------------------------------------------------------------------------------------------------------

    def _follow_scripts(self) -> None:
        for provider in self.world.providers.values():
            if provider.plan.script is not None:
                self.world.note(provider.plan.script)
                for phase in SCRIPTS[provider.plan.script].phases:
                    self.loop.call_later(phase.at * self.plan.storm_s, self._turn, provider, dict(phase.faults))

    def _turn(self, provider: SimProvider, faults: dict[str, float]) -> None:
        if self.loop.time() < self.plan.storm_s:
            provider.become(faults)

    def _trouble(self, node: Node) -> list[Coroutine[Any, Any, None]]:
        weather, rng = node.weather, self.rng

        def freeze() -> None:
            node.freeze(rng.random() * weather.freeze_s)

        def jump() -> None:
            node.jump(rng.uniform(-weather.jump_s, weather.jump_s))

        kinds = (
            (weather.crash_every_s, node.kill),
            (weather.freeze_every_s, freeze),
            (weather.jump_every_s, jump),
        )
        striking = [self._strike(node, every_s, trouble) for every_s, trouble in kinds if every_s]
        deploying = [self._deploy(node)] if weather.deploy_every_s else []
        return [self._keep_alive(node), *striking, *deploying]

    async def _operate(self) -> None:
        """Somebody puts another account on top of the route now and then."""
        while self.plan.operators and self.loop.time() < self.plan.storm_s:
            await asyncio.sleep(self.rng.expovariate(1 / 60.0))
            node = self.rng.choice(self.nodes)
            if node.engine is not None:
                with suppress(StoreUnavailable, asyncio.CancelledError):
                    await node.start(node.engine.console.set_default(OPERATOR, self.rng.choice(self.names)))
                    self.world.note("the default account was changed")

    async def _strike(self, node: Node, every_s: float, trouble: Callable[[], None]) -> None:
        """The next steps of the node are counted, so that it is hit in the middle of its work."""
        while True:
            await asyncio.sleep(self.rng.expovariate(1 / every_s))
            if self.loop.time() >= self.plan.storm_s:
                return
            if node.life is not None:
                node.armed.append((self.rng.randrange(STEPS_MAX), trouble))

    async def _deploy(self, node: Node) -> None:
        while True:
            await asyncio.sleep(self.rng.expovariate(1 / node.plan.weather.deploy_every_s))
            if self.loop.time() >= self.plan.storm_s:
                return
            if node.life is not None:
                await node.retire()

    async def _keep_alive(self, node: Node) -> None:
        """The supervisor: a dead process is started again after a while."""
        while True:
            await asyncio.sleep(WAIT_S * self.rng.random() + 1.0)
            if node.life is None:
                node.boot()

    def _heal(self) -> None:
        self.sink.fails = 0.0
        for provider in self.world.providers.values():
            provider.become({})
        for node in self.nodes:
            node.weather = Weather()
            node.skew_s = 0.0
            node.armed.clear()

    # --- the books ----------------------------------------------------------------------------------------------------

    async def _look(self) -> None:
        """Brings the report up to date, and tells what can't be seen in the end: what has vanished, what was untrue."""
        before = self.report.stored
        projects = [f"project-{number}" for number in range(self.plan.projects)]
        store = still(self.store)
        listed = [await store.list_messages(Filter(project=name), None, 1_000_000) for name in projects]
        self.report.stored = {stored.message.id: stored for some in listed for stored in some}
        self.report.counts = await store.counts()
        for name, some in zip(projects, listed, strict=True):
            if strangers := [stored.message.id for stored in some if stored.message.project != name]:
                self.world.breaks.append(f"{strangers[0]}: shown to {name}")
        self.world.breaks += unbalanced(before, self.report)
        self.world.breaks += fallen(before, self.report)

    async def _until_all_final(self) -> None:
        began = self.loop.time()
        while self.loop.time() < began + CALM_S:
            is_told = not self.hooks.open and self.sink.known >= self.world.witness.events
            if not self.world.witness.open and is_told:
                break
            if self.loop.time() > began + CLOCKS_S and not self.report.is_late:
                self._move_clocks()
            await asyncio.sleep(WAIT_S)
        self.report.calm_s = self.loop.time() - began
        await asyncio.sleep(6 * WAIT_S)  # nothing more may happen

    def _move_clocks(self) -> None:
        """Leases of a node whose clock was a day ahead end in a day, and so do quotas that it has begun. All clocks go
        there now, which is one more jump, and saves a day of the simulator's time."""
        self.report.is_late = True
        for node in self.nodes:
            node.jump(2 * DAY_S)
        self.world.note("clocks moved")

    def _told(self) -> Report:
        report = self.report
        report.lasted_s = self.loop.time()
        report.steps, report.calls = self.world.steps, self.loop.calls
        report.seen = {**self.world.seen, **self.world.witness.seen}
        report.attempts = sum(trail.attempts for trail in self.world.witness.trails.values())
        report.trace_hash = self.world.witness.trace_hash()
        return report
