"""A machine that runs Everpost: it can die at any await, freeze at any await, and have a wrong clock."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from everpost.engine.engine import Engine
from everpost.engine.fleet import Member
from everpost.engine.housekeep import Retention
from everpost.engine.news import News
from everpost.engine.ports import Ports
from everpost.health.port import Health, HealthUnavailable
from everpost.model.account import Account, Timeouts
from everpost.model.route import Route
from everpost.providers.contract import Answer, Fault, HttpRequest, Phase, Request
from everpost.store.port import Store, StoreUnavailable
from everpost.wakeup.memory import MemoryWakeup
from sim.world import PROVIDER, World

EPOCH = 1_800_000_000.0
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


@dataclass
class Node:
    name: str
    world: World
    store: Store
    health: Health
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
        ports = Ports(
            store=_Proxy(self.store, life, StoreUnavailable),  # type: ignore[arg-type]  # passes every call on
            health=_Proxy(self.health, life, HealthUnavailable),  # type: ignore[arg-type]  # as above
            wire=_Wire(life),
            due=MemoryWakeup(),
            news=News(),
            clock=_Clock(self),
        )
        self.engine = Engine(ports, self.members, self.routes, Retention())
        self.start(self.engine.run(asyncio.Event()))

    def start(self, coro: Any) -> asyncio.Task[Any]:
        token = _current.set(self)
        try:
            return asyncio.get_running_loop().create_task(coro)
        finally:
            _current.reset(token)

    def kill(self) -> None:
        """kill -9: nothing of it runs any more; what it was waiting for goes on without it."""
        self.alive = False
        self.engine = None
        self.world.note("crash")
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
            await self._life.step()
            if rng.random() < weather.store_forgets:
                self._life.node.world.note("store forgets")
                raise self._unavailable("simulated: executed, but the answer was lost")
            return answer

        return call


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
        # From here on the bytes are under way: the far end goes on even if this node dies.
        far_end = asyncio.ensure_future(_detached(node.world.carry(request, timeouts)))
        answer = await asyncio.shield(far_end)
        await self._life.step()
        return answer

    async def close(self) -> None:
        return None


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


def account(name: str, answer_s: float = 5.0) -> Account:
    timeouts = Timeouts(connect_s=1.0, write_s=1.0, answer_s=answer_s)
    return Account(name=name, provider=PROVIDER.name, timeouts=timeouts, max_concurrency=10)
