"""A machine that runs Everpost: it can die at any await, freeze at any await, and have a wrong clock."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from everpost.engine.engine import Engine
from everpost.engine.fleet import Member
from everpost.engine.housekeep import Retention
from everpost.engine.lease import LEASE_S
from everpost.engine.news import News
from everpost.engine.ports import Ports
from everpost.engine.relay import Relay
from everpost.health.memory import MemoryHealth
from everpost.health.port import Health, HealthUnavailable
from everpost.model.account import Timeouts
from everpost.model.event import Recorded
from everpost.model.route import Route
from everpost.providers.contract import Answer, Fault, HttpRequest, Phase, Request
from everpost.sinks.port import Sink
from everpost.store.port import Store, StoreUnavailable
from everpost.wakeup.memory import MemoryWakeup
from sim.behaviour import REFUSE
from sim.plan import NodePlan, Weather
from sim.sights import WITNESSES, Witnessing
from sim.world import World

EPOCH = 1_800_000_000.0
PATIENCE_S = 30.0  # of a supervisor that waits for a graceful stop
TASKS_MAX = 256  # of one node that are remembered although they may have ended
_current: ContextVar["Node | None"] = ContextVar("node", default=None)


def task_factory(loop: Any, coro: Any, **kwargs: Any) -> asyncio.Task[Any]:
    """Tasks belong to the node that started them, so that they die with it."""
    task: asyncio.Task[Any] = asyncio.Task(coro, loop=loop, **kwargs)
    node = _current.get()
    if node is not None:
        node.adopt(task)
    return task


@dataclass
class Fleet:
    """What all nodes share."""

    world: World
    store: Store
    health: Health
    sink: Sink
    members: Sequence[Member]
    routes: Sequence[Route]
    putting: set["Node"] = field(default_factory=set)  # who hands events to the sink at this moment


class Node:
    def __init__(self, name: str, plan: NodePlan, fleet: Fleet) -> None:
        self.name = name
        self.plan = plan
        self.fleet = fleet
        self.world = fleet.world
        self.rng: random.Random = fleet.world.rng
        self.weather: Weather = plan.weather
        self.skew_s = plan.skew_s
        self.thawed: asyncio.Event | None = None  # set: it is frozen until then
        self.thawed_at = -LEASE_S
        self.armed: list[tuple[int, Callable[[], None]]] = []  # trouble, and the steps that are left until it strikes
        self.life: _Life | None = None
        self.engine: Engine | None = None
        self._tasks: list[asyncio.Task[Any]] = []
        self._tasks_max = TASKS_MAX

    @property
    def is_open(self) -> bool:
        """Whether a client that comes now finds anybody."""
        return self.engine is not None and self.plan.accepts

    @property
    def is_steady(self) -> bool:
        """Whether it is at work, and has been for so long that it must know whether it holds a lease."""
        is_awake = self.thawed is None and self.world.loop.time() - self.thawed_at >= LEASE_S
        return is_awake and self.life is not None and self.world.clocks_right

    def adopt(self, task: asyncio.Task[Any]) -> None:
        self._tasks.append(task)
        if len(self._tasks) > self._tasks_max:
            self._tasks = [task for task in self._tasks if not task.done()]
            self._tasks_max = 2 * len(self._tasks) + TASKS_MAX

    def boot(self) -> None:
        self.life = life = _Life(self)
        health = MemoryHealth() if self.weather.alone else self.fleet.health
        ports = Ports(
            store=_Proxy(self.fleet.store, life, StoreUnavailable, WITNESSES),
            health=_Proxy(health, life, HealthUnavailable, {}),
            wire=_Wire(life),
            due=MemoryWakeup(),
            news=News(),
            clock=_Clock(self),
        )
        self.engine = Engine(ports, self.fleet.members, self.fleet.routes, Retention())
        self.engine.add_relay(Relay(_Sink(self), ports, MemoryWakeup(), _told))
        self._stop = asyncio.Event()
        self._running = self.start(self.engine.run(self._stop)) if self.plan.works else None

    def start(self, coro: Any) -> asyncio.Task[Any]:
        token = _current.set(self)
        try:
            return asyncio.get_running_loop().create_task(coro)
        finally:
            _current.reset(token)

    async def retire(self) -> None:
        """SIGTERM; and after a while the supervisor loses its patience."""
        self._stop.set()
        if self._running is not None:
            await asyncio.wait([self._running], timeout=PATIENCE_S)
        self.kill("deploy")

    def kill(self, why: str = "crash") -> None:
        """kill -9: nothing of it runs any more; what it was waiting for goes on without it."""
        if self.life is None:
            return
        self.life = self.engine = None
        self.armed.clear()
        self.world.note(why)
        for task in self._tasks:
            task.cancel()
        self._tasks.clear()

    def freeze(self, seconds: float) -> None:
        if self.thawed is None:
            self.world.note("freeze")
            self.thawed = asyncio.Event()
            self.world.loop.call_later(seconds, self._thaw)

    def jump(self, skew_s: float) -> None:
        self.world.note("clock jump")
        self.world.clocks_right = False
        self.skew_s = skew_s

    def _thaw(self) -> None:
        thawed, self.thawed = self.thawed, None
        if thawed is not None:
            self.thawed_at = self.world.loop.time()
            thawed.set()


@dataclass(eq=False)
class _Life:
    """One run of the process: whatever an earlier life still holds is dead.

    A step is passed before and after everything that leaves the process: there trouble strikes.
    """

    node: Node

    def is_struck(self) -> bool:
        """Whether the next step is one for `strike`. Asked before and after each call of a port."""
        node = self.node
        node.world.steps += 1
        is_last = node.world.steps == node.world.plan.crash.step
        return is_last or bool(node.armed) or node.thawed is not None or node.life is not self

    async def strike(self) -> None:
        node = self.node
        self.check()
        if node.world.steps == node.world.plan.crash.step:
            node.kill()
        armed, node.armed = node.armed, []
        for steps, trouble in armed:
            if steps > 0:
                node.armed.append((steps - 1, trouble))
            else:
                trouble()
        self.check()
        if node.thawed is not None:
            await node.thawed.wait()
        self.check()

    def check(self) -> None:
        if self.node.life is not self:
            raise asyncio.CancelledError


class _Proxy:
    """A port of a node: what goes through it takes time, and may fail before it is done or after."""

    def __init__(
        self, target: Any, life: _Life, unavailable: type[Exception], witnesses: Mapping[str, Witnessing]
    ) -> None:
        self._target = target
        self._life = life
        self._unavailable = unavailable
        self._witnesses = witnesses

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        method, life, node, unavailable = getattr(self._target, name), self._life, self._life.node, self._unavailable
        world = node.world
        random_, longest_s = node.rng.random, world.plan.store_s
        witness = None if world.sees_writes else self._witnesses.get(name)

        async def call(*args: Any, **kwargs: Any) -> Any:
            if life.is_struck():
                await life.strike()
            weather = node.weather
            if weather.store_refuses and random_() < weather.store_refuses:
                world.note("store refuses")
                raise unavailable("simulated: not executed")
            await asyncio.sleep(random_() * longest_s)
            life.check()
            answer = await method(*args, **kwargs)
            if witness is not None:
                witness(world, args, answer)
            if life.is_struck():
                await life.strike()
            if weather.store_forgets and random_() < weather.store_forgets:
                world.note("store forgets")
                raise unavailable("simulated: executed, but the answer was lost")
            return answer

        setattr(self, name, call)
        return call


class _Wire:
    def __init__(self, life: _Life) -> None:
        self._life = life

    async def send(self, request: Request, timeouts: Timeouts, not_after: float) -> Answer:
        life, world = self._life, self._life.node.world
        assert isinstance(request, HttpRequest)
        host = request.url.removeprefix("sim://").partition("/")[0]
        if world.providers[host].meets(REFUSE, world.rng):
            world.note(f"{host} {REFUSE}")
            return Fault(phase=Phase.CONNECT, maybe_sent=False, text="refused")
        await asyncio.sleep(world.rng.random() * 0.02)
        if life.is_struck():
            await life.strike()
        if world.loop.time() > not_after:
            world.note("deadline before the first byte")
            return Fault(phase=Phase.DEADLINE, maybe_sent=False, text="too late to start")
        if request.method == "POST":
            world.first_byte(request, timeouts)
        answer = await world.carry(request, timeouts)
        if life.is_struck():
            await life.strike()
        return answer

    async def close(self) -> None:
        return None


class _Sink:
    """The one sink of all nodes, by the hands of this one."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._sink = node.fleet.sink
        self.name = self._sink.name
        self.buried = 0

    async def put(self, events: Sequence[Mapping[str, Any]]) -> None:
        node, putting = self._node, self._node.fleet.putting
        steady = sorted(each.name for each in {node, *putting} if each.is_steady)
        if len(steady) > 1:
            node.world.breaks.append(f"{events[0]['id']}: relayed by {' and '.join(steady)} at once")
        if node not in putting and putting:
            node.world.note("relayed by two")
        putting.add(node)
        try:
            await self._sink.put(events)
        finally:
            putting.discard(node)

    async def close(self) -> None:
        return None


def _told(recorded: Recorded) -> Mapping[str, Any]:
    return {"seq": recorded.seq, "id": recorded.event.id, "message": recorded.event.message_id}


class _Clock:
    def __init__(self, node: Node) -> None:
        self._node = node
        self._loop = node.world.loop
        self._rng = node.rng

    def now(self) -> float:
        return EPOCH + self._loop.time() + self._node.skew_s

    def monotonic(self) -> float:
        return self._loop.time()

    def chance(self) -> float:
        return self._rng.random()

    def entropy(self) -> int:
        return self._rng.getrandbits(80)
