"""What was begun when the signal came is ended; what was not stays as it was."""

import asyncio

from everpost.engine.engine import Engine
from everpost.engine.fleet import Member
from everpost.engine.housekeep import Retention
from everpost.engine.news import News
from everpost.engine.ports import Ports
from everpost.model.account import Account
from everpost.model.delivery import DeliveryState
from everpost.model.key import Caller, Scope
from everpost.model.message import Address, Draft
from everpost.model.route import Route, RouteAccount
from everpost.store.memory import MemoryStore
from everpost.wakeup.memory import MemoryWakeup
from http_kit import PROVIDER, CalmHealth, MovableClock, ScriptedWire

CALLER = Caller(project="shop", who="test", scope=Scope.ADMIN)
DRAFT = Draft(sender=Address("ann@example.com"), to=(Address("bob@example.org"),), subject="Hello", text="It works")


class HeldStore(MemoryStore):
    """Its intents take as long as the test wants."""

    def __init__(self):
        super().__init__()
        self.begun, self.go_on = asyncio.Event(), asyncio.Event()

    async def begin(self, changes):
        written = await super().begin(changes)
        self.begun.set()
        await self.go_on.wait()
        return written


def engine_over(store, wire):
    ports = Ports(store=store, health=CalmHealth(), wire=wire, due=MemoryWakeup(), news=News(), clock=MovableClock())
    account = Account(name="first", provider="plain")
    route = Route(name="default", accounts=(RouteAccount(account="first"),))
    return Engine(ports, [Member(account, PROVIDER)], [route], Retention())


async def test_an_intent_that_is_being_written_is_followed_by_its_attempt():
    store, wire, stop = HeldStore(), ScriptedWire(), asyncio.Event()
    engine = engine_over(store, wire)
    running = asyncio.ensure_future(engine.run(stop))
    accepted = await engine.acceptor.accept(DRAFT, CALLER)
    await store.begun.wait()
    stop.set()
    for _ in range(10):  # the stop goes as far as it can without the store
        await asyncio.sleep(0)
    store.go_on.set()
    wire.released.set()
    await running
    [delivery] = (await store.get_message("shop", accepted.stored.message.id)).deliveries
    assert delivery.state is DeliveryState.SENT


async def test_nothing_is_begun_after_the_signal():
    store, wire, stop = MemoryStore(), ScriptedWire(), asyncio.Event()
    engine = engine_over(store, wire)
    running = asyncio.ensure_future(engine.run(stop))
    first = await engine.acceptor.accept(DRAFT, CALLER)
    await wire.asked.wait()
    stop.set()
    for _ in range(10):
        await asyncio.sleep(0)
    second = await engine.acceptor.accept(DRAFT, CALLER)
    wire.released.set()
    await running
    states = [(await store.get_message("shop", one.stored.message.id)).deliveries[0].state for one in (first, second)]
    assert states == [DeliveryState.SENT, DeliveryState.QUEUED]
    assert wire.sent == ["first"]
