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
from everpost.engine.news import News
from everpost.engine.ports import Ports
from everpost.engine.relay import Relay
from everpost.health.memory import MemoryHealth
from everpost.health.port import Health, HealthUnavailable
from everpost.model.account import Account, Timeouts
from everpost.model.event import EventType, Recorded
from everpost.model.ids import message_of
from everpost.model.route import Route
from everpost.providers.contract import Answer, Fault, HttpRequest, Phase, Provider, Request
from everpost.sinks.port import Sink
from everpost.store.port import New, Store, StoreUnavailable, Written
from everpost.wakeup.memory import MemoryWakeup
from sim.world import PROVIDER, World

EPOCH = 1_800_000_000.0
PATIENCE_S = 30.0  # of a supervisor that waits for a graceful stop
_current: ContextVar["Node | None"] = ContextVar("node", default=None)


def task_factory(loop: asyncio.AbstractEventLoop, coro: Any, **kwargs: Any) -> asyncio.Task[Any]:
    """Tasks belong to the node that started them, so that they die with it."""
    task: asyncio.Task[Any] = asyncio.Task(coro, loop=loop, **kwargs)
    node = _current.get()
    if node is not None:
        node.tasks[task] = None
        task.add_done_callback(lambda done: node.tasks.pop(done, None))
    return task


@dataclass
class Weather:
    """How often a node meets each kind of trouble, as shares of the steps it takes."""

    crash: float = 0.0
    freeze: float = 0.0
    freeze_s: float = 30.0
    store_refuses: float = 0.0  # the operation is not executed
    store_forgets: float = 0.0  # it is executed, and the caller is told that it was not
    clock_jump: float = 0.0
    clock_jump_s: float = 0.0
    deploy: float = 0.0  # a second: a graceful stop, and a start
    alone: bool = False  # what it learns of providers' health is lost with each of its lives, and told to nobody


@dataclass
class Node:
    name: str
    world: World
    store: Store
    health: Health
    sink: Sink
    members: Sequence[Member]
    routes: Sequence[Route]
    rng: random.Random
    weather: Weather = field(default_factory=Weather)
    tasks: dict[asyncio.Task[Any], None] = field(default_factory=dict)  # in order: a set's depends on addresses
    alive: bool = False
    skew_s: float = 0.0
    lives: int = 0
    engine: Engine | None = None

    def __post_init__(self) -> None:
        self.thawed = asyncio.Event()
        self.thawed.set()

    def boot(self) -> None:
        self.alive = True
        self.lives += 1
        life = _Life(self, self.lives)
        health = MemoryHealth() if self.weather.alone else self.health
        ports = Ports(
            store=_Proxy(self.store, life, StoreUnavailable),  # type: ignore[arg-type]  # passes every call on
            health=_Proxy(health, life, HealthUnavailable),  # type: ignore[arg-type]  # as above
            wire=_Wire(life),
            due=MemoryWakeup(),
            news=News(),
            clock=_Clock(self),
        )
        self.engine = Engine(ports, self.members, self.routes, Retention())
        self.engine.add_relay(Relay(self.sink, ports, MemoryWakeup(), _told))
        self._stop = asyncio.Event()
        self._running = self.start(self.engine.run(self._stop))

    def start(self, coro: Any) -> asyncio.Task[Any]:
        token = _current.set(self)
        try:
            return asyncio.get_running_loop().create_task(coro)
        finally:
            _current.reset(token)

    async def retire(self) -> None:
        """SIGTERM; and after a while the supervisor loses its patience."""
        self._stop.set()
        await asyncio.wait([self._running], timeout=PATIENCE_S)
        self.kill("deploy")

    def kill(self, why: str = "crash") -> None:
        """kill -9: nothing of it runs any more; what it was waiting for goes on without it."""
        self.alive = False
        self.engine = None
        self.world.note(why)
        for task in list(self.tasks):
            task.cancel()

    def freeze(self, seconds: float) -> None:
        self.world.note("freeze")
        self.thawed.clear()
        asyncio.get_running_loop().call_later(seconds, self.thawed.set)


@dataclass
class _Life:
    """One run of the process: whatever an earlier life still holds is dead."""

    node: Node
    number: int

    async def step(self) -> None:
        """Where trouble strikes: passed before and after everything that leaves the process."""
        node, rng = self.node, self.node.rng
        self.check()
        if rng.random() < node.weather.crash:
            node.kill()
        elif rng.random() < node.weather.freeze and node.thawed.is_set():
            node.freeze(rng.uniform(0, node.weather.freeze_s))
        elif rng.random() < node.weather.clock_jump:
            node.world.note("clock jump")
            node.skew_s = rng.uniform(-node.weather.clock_jump_s, node.weather.clock_jump_s)
        self.check()
        await node.thawed.wait()
        self.check()

    def check(self) -> None:
        if not self.node.alive or self.node.lives != self.number:
            raise asyncio.CancelledError


class _Proxy:
    def __init__(self, target: Any, life: _Life, unavailable: type[Exception]) -> None:
        self._unavailable = unavailable
        self._target = target
        self._life = life

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        method = getattr(self._target, name)

        async def call(*args: Any, **kwargs: Any) -> Any:
            weather, rng = self._life.node.weather, self._life.node.rng
            await self._life.step()
            if rng.random() < weather.store_refuses:
                self._life.node.world.note("store refuses")
                raise self._unavailable("simulated: not executed")
            await asyncio.sleep(rng.uniform(0, 0.005))
            self._life.check()
            answer = await method(*args, **kwargs)
            _witness(self._life.node.world, name, args, answer)
            await self._life.step()
            if rng.random() < weather.store_forgets:
                self._life.node.world.note("store forgets")
                raise self._unavailable("simulated: executed, but the answer was lost")
            return answer

        return call


def _witness(world: World, name: str, args: Sequence[Any], answer: Any) -> None:
    """What the store has just done, whoever will hear of it."""
    if name == "accept" and answer == New():
        world.written(args[2])
    if name in ("begin", "advance"):
        for change, written in zip(args[0], answer, strict=True):
            if written is Written.DONE:
                world.written(change.events)
    if name == "suppress":
        for one in args[0]:
            world.suppressed_at.setdefault(one.address, asyncio.get_running_loop().time())


class _Wire:
    def __init__(self, life: _Life) -> None:
        self._life = life

    async def send(self, request: Request, timeouts: Timeouts, not_after: float) -> Answer:
        node = self._life.node
        assert isinstance(request, HttpRequest)
        host = request.url.removeprefix("sim://").partition("/")[0]
        if node.rng.random() < node.world.providers[host].faults.shares.get("refuse", 0.0):
            node.world.note(f"{host} refuse")
            return Fault(phase=Phase.CONNECT, maybe_sent=False, text="refused")
        await asyncio.sleep(node.rng.uniform(0, 0.02))
        await self._life.step()
        if asyncio.get_running_loop().time() > not_after:
            node.world.note("deadline before the first byte")
            return Fault(phase=Phase.DEADLINE, maybe_sent=False, text="too late to start")
        if request.method == "POST":
            node.world.first_byte(request, timeouts, await self._intents(host, request.body.decode()))
        # From here on the bytes are under way: the far end goes on even if this node dies.
        far_end = asyncio.ensure_future(_detached(node.world.carry(request, timeouts)))
        answer = await asyncio.shield(far_end)
        await self._life.step()
        return answer

    async def _intents(self, account: str, delivery_id: str) -> list[str]:
        """The events of this delivery's attempts at this account that are on disk."""
        told = await self._life.node.store.read_events(0, 10_000, None, message_of(delivery_id))
        events = [one.event for one in told]
        return [one.id for one in events if one.type is EventType.ATTEMPTED and one.account == account]

    async def close(self) -> None:
        return None


def _told(recorded: Recorded) -> Mapping[str, Any]:
    return {"seq": recorded.seq, "id": recorded.event.id, "message": recorded.event.message_id}


def _detached(coro: Any) -> asyncio.Task[Any]:
    """A task that belongs to no node."""
    token = _current.set(None)
    try:
        return asyncio.get_running_loop().create_task(coro)
    finally:
        _current.reset(token)


class _Clock:
    def __init__(self, node: Node) -> None:
        self._node = node

    def now(self) -> float:
        return EPOCH + asyncio.get_running_loop().time() + self._node.skew_s

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    def chance(self) -> float:
        return self._node.rng.random()

    def entropy(self) -> int:
        return self._node.rng.getrandbits(80)


def account(name: str, provider: Provider = PROVIDER) -> Account:
    timeouts = Timeouts(connect_s=1.0, write_s=1.0, answer_s=5.0)
    return Account(name=name, provider=provider.name, timeouts=timeouts, max_concurrency=10)
