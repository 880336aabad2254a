"""The engine as one thing: what it offers, and the loops that keep it going."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Final

from everpost.engine.accept import Acceptor
from everpost.engine.console import Console
from everpost.engine.deliver import Deliverer
from everpost.engine.fleet import Fleet, Member
from everpost.engine.housekeep import Housekeeper, Retention
from everpost.engine.keys import Keyring
from everpost.engine.ports import Ports
from everpost.engine.queue import Queue, SharedQueue
from everpost.engine.relay import Relay
from everpost.engine.rotation import Keeper, Rotation
from everpost.engine.routes import Routes
from everpost.engine.webhooks.courier import Courier
from everpost.engine.webhooks.dispatcher import Dispatcher
from everpost.engine.webhooks.poster import Poster
from everpost.engine.webhooks.registry import Registry
from everpost.model.route import Route
from everpost.sinks.port import Sink
from everpost.wakeup.port import Wakeup

DRAIN_S: Final = 10.0  # a graceful stop waits this long for attempts in flight; later ones are resolved after restart
GIVE_UP_S: Final = 2.0  # for storing that nobody knows what became of attempts that were given up


class Engine:
    """Created by wiring, run by an entrypoint: as a whole, or a part of it for some time."""

    def __init__(
        self,
        ports: Ports,
        members: Sequence[Member],
        routes: Sequence[Route],
        retention: Retention,
        queue: Queue | None = None,
    ) -> None:
        """`queue`: where the deliver loop finds its work, if that is not all that is due."""
        self.ports = ports
        self._fleet = Fleet(members, ports)
        self._routes = Routes(routes, [member.account.name for member in members], ports)
        self._queue = queue or SharedQueue(ports.store)
        self._deliverer = Deliverer(ports, self._fleet, self._routes, self._queue)
        self._housekeeper = Housekeeper(ports, retention)
        self._relays: list[Relay] = []
        self.rotation: Rotation | None = None
        self._dispatcher: Dispatcher | None = None
        self.webhooks: Registry | None = None
        self.acceptor = Acceptor(ports, self._fleet, self._routes, self._deliverer)
        self.console = Console(ports, self._fleet, self._routes)
        self.keyring = Keyring(ports.store, ports.clock.now)

    def add_rotation(self, keeper: Keeper) -> None:
        """To be called before `run`, where secrets of accounts are kept elsewhere."""
        self.rotation = Rotation(self._fleet, keeper)

    def add_relay(self, relay: Relay) -> None:
        """To be called before `run`."""
        self._relays.append(relay)

    def add_webhooks(self, poster: Poster, wakeup: Callable[[], Wakeup] | None) -> None:
        """To be called before `run`. `wakeup` makes what the deliveries are woken by; None: this process has none."""
        registry = self.webhooks = Registry(self.ports, poster, self._fleet.carriers)
        if wakeup is not None:
            hire = partial(Courier, ports=self.ports, poster=poster, disable=registry.disable)
            self._dispatcher = Dispatcher(
                self.ports, wakeup(), lambda webhook, trail: hire(webhook, trail=trail, wakeup=wakeup())
            )

    async def run(self, stop: asyncio.Event) -> None:
        """All loops, until `stop`; then the attempts in flight are waited for and their outcomes stored. Raises what
        has ended a loop before."""
        loops = [
            asyncio.create_task(self._deliverer.run(), name="deliver"),
            asyncio.create_task(self._housekeeper.run(), name="housekeep"),
            *(asyncio.create_task(relay.run(), name="relay") for relay in self._relays),
            *([asyncio.create_task(self.rotation.run(), name="rotation")] if self.rotation else []),
            *([asyncio.create_task(self._dispatcher.run(), name="webhooks")] if self._dispatcher else []),
        ]
        stopped = asyncio.create_task(stop.wait(), name="stop")
        try:
            ended, _ = await asyncio.wait([stopped, *loops], return_when=asyncio.FIRST_COMPLETED)
            await self._deliverer.drain(DRAIN_S)
        finally:
            for task in (stopped, *loops):
                task.cancel()
            await asyncio.gather(stopped, *loops, return_exceptions=True)
        for task in ended:
            task.result()

    # --- in a process that is halted between its tasks ----------------------------------------------------------------

    def awake(self) -> None:
        """What is known of routes and accounts may be old, whatever this process's clock says."""
        self._routes.forget()
        self._fleet.forget_board()

    @asynccontextmanager
    async def delivering(self, for_s: float, finish_s: float) -> AsyncIterator[None]:
        """The deliver loop, while the block runs; after `for_s` nobody waits for a hand-over any more. At the end
        attempts in flight have `finish_s`, then they are given up as unknown. Nothing of it is left running."""
        loop = asyncio.create_task(self._deliverer.run(), name="deliver")
        await asyncio.sleep(0)  # from here on it takes mail
        over = asyncio.get_running_loop().call_later(for_s, self._deliverer.watches.end)
        try:
            yield
        finally:
            over.cancel()
            await self._deliverer.drain(finish_s)
            await self._deliverer.give_up(GIVE_UP_S)
            loop.cancel()
            await asyncio.gather(loop, return_exceptions=True)
            await self._deliverer.stopped()

    async def calm(self, ahead_s: float) -> None:
        """Within `delivering`: returns when this process has nothing in hand and nothing is due within `ahead_s`."""
        await self._deliverer.calm(ahead_s)

    async def hand_on(self) -> None:
        """Calls others for the mail that this process leaves to them."""
        await self._queue.hand_on(self.ports.clock.now())

    async def webhook_lags_s(self) -> Mapping[str, float]:
        """By the id of each webhook that this process delivers, or stands by for: how old the next event is that has
        not been tried yet. Raises StoreUnavailable."""
        return {} if self._dispatcher is None else await self._dispatcher.lags_s()

    @property
    def sinks(self) -> Sequence[Sink]:
        return [relay.sink for relay in self._relays]

    async def relay(self) -> int:
        """Brings every sink up to date once; returns how many events it took in all. Raises what a sink has raised,
        after the others had their turn."""
        taken = await asyncio.gather(*(relay.catch_up() for relay in self._relays), return_exceptions=True)
        for each in taken:
            if isinstance(each, BaseException):
                raise each
        return sum(each for each in taken if isinstance(each, int))

    async def housekeep(self) -> int:
        """Deletes what is past its time; returns how many rows went."""
        return await self._housekeeper.purge()
