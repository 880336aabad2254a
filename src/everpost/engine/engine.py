"""The engine as one thing: what it offers, and the loops that keep it going."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from everpost.engine.accept import Acceptor
from everpost.engine.backfill import Backfill
from everpost.engine.bulk import Bulk
from everpost.engine.console import Console
from everpost.engine.deliver import Deliverer
from everpost.engine.desk import Desk
from everpost.engine.feed import Feed
from everpost.engine.fleet import Fleet, Member
from everpost.engine.forms import Forms
from everpost.engine.groups import Groups
from everpost.engine.housekeep import Housekeeper, Retention
from everpost.engine.ingest import Ingestor
from everpost.engine.intake import Intake
from everpost.engine.key_desk import KeyDesk
from everpost.engine.keys import Keyring
from everpost.engine.ports import Ports
from everpost.engine.queue import Queue, SharedQueue
from everpost.engine.relay import Relay
from everpost.engine.rotation import Keeper, Rotation
from everpost.engine.routes import Routes
from everpost.engine.series import Recorder
from everpost.model.route import Route
from everpost.sinks.port import Sink
from everpost.wakeup.port import Peers, Topic, Wakeup

if TYPE_CHECKING:
    from everpost.engine.webhooks.dispatcher import Dispatcher
    from everpost.engine.webhooks.poster import Poster
    from everpost.engine.webhooks.registry import Registry

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
        self._recorder: Recorder | None = None
        self._peers: Peers | None = None
        self.rotation: Rotation | None = None
        self._dispatcher: Dispatcher | None = None
        self.webhooks: Registry | None = None
        self.acceptor = Acceptor(ports, self._fleet, self._routes, self._deliverer)
        self.forms = Forms(self._fleet, self._routes)
        self.console = Console(ports, self._fleet, self._routes, self.sink_lags_s)
        self.intake = Intake(ports, self._routes, self.acceptor, self.forms)
        self.desk = Desk(ports, self.acceptor)
        self.groups = Groups(ports, self.desk)
        self.bulk = Bulk(ports, self.desk)
        self.keyring = Keyring(ports.store, ports.clock.now)
        self.keys = KeyDesk(self.keyring, ports.clock.now)
        self.feed = Feed(ports.store, ports.news)
        self.ingestor = Ingestor(ports, self._fleet, self.keyring.projects, self._deliverer.written)
        self.backfill = Backfill(ports, self._fleet, self.ingestor)

    def add_rotation(self, keeper: Keeper) -> None:
        """To be called before `run`, where secrets of accounts are kept elsewhere."""
        self.rotation = Rotation(self._fleet, keeper)

    def add_relay(self, relay: Relay) -> None:
        """To be called before `run`."""
        self._relays.append(relay)

    def add_recorder(self) -> None:
        """To be called before `run`, where this process takes its turn at counting events for the figures over time."""
        self._recorder = Recorder(self.ports)

    def add_peers(self, peers: Peers) -> None:
        """To be called before `run`, where other processes can be told that there is something for them."""
        self._peers = peers

    def add_webhooks(self, poster: "Poster", wakeup: Callable[[], Wakeup] | None) -> None:
        """To be called before `run`. `wakeup` makes what the deliveries are woken by; None: this process has none."""
        from everpost.engine.webhooks.courier import Courier
        from everpost.engine.webhooks.dispatcher import Dispatcher
        from everpost.engine.webhooks.registry import Registry

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
            asyncio.create_task(loop, name=name)
            for name, loop in (
                ("deliver", self._deliverer.run()),
                *([("housekeep", self._housekeeper.run())] if self._queue.is_shared else []),
                *([("backfill", self.backfill.run())] if self._queue.is_shared and self.backfill.is_scheduled else []),
                *(("relay", relay.run()) for relay in self._relays),
                *([("series", self._recorder.run())] if self._recorder else []),
                *([("rotation", self.rotation.run())] if self.rotation else []),
                *([("webhooks", self._dispatcher.run())] if self._dispatcher else []),
                *(self._talks(self._peers) if self._peers else []),
            )
        ]
        stopped = asyncio.create_task(stop.wait(), name="stop")
        try:
            ended, _ = await asyncio.wait([stopped, *loops], return_when=asyncio.FIRST_COMPLETED)
            await self._deliverer.drain(DRAIN_S)
            await self.hand_on()
        finally:
            for task in (stopped, *loops):
                task.cancel()
            await asyncio.gather(stopped, *loops, return_exceptions=True)
        for task in ended:
            task.result()

    # --- among its peers ----------------------------------------------------------------------------------------------

    def _talks(self, peers: Peers) -> Iterable[tuple[str, Coroutine[Any, Any, None]]]:
        return (
            ("call", self._call_for_what_is_left(peers.pause_s)),
            ("spread", self.ports.news.spread(peers)),
            ("hear", peers.hear(self._heard)),
        )

    async def _call_for_what_is_left(self, pause_s: float) -> None:
        while True:
            await self._queue.some_left.wait()
            await self._queue.hand_on(self.ports.clock.now())
            await asyncio.sleep(pause_s)

    def _heard(self, topic: Topic) -> None:
        match topic:
            case Topic.DUE:
                self.ports.due.nudge()
            case Topic.NEWS:
                self.ports.news.heard()

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
        """Calls others for the mail that this process leaves to them: all that it has, since it may be halted."""
        self._queue.release()
        await self._queue.hand_on(self.ports.clock.now())

    async def sink_lags_s(self) -> Mapping[str, float]:
        """By sink (`webhook/ID` for webhooks) that this process brings events to, or stands by for: how old the next
        event is that it has not taken, or that has not been tried yet. Raises StoreUnavailable."""
        lags = {relay.sink.name: await relay.lag_s() for relay in self._relays}
        if self._dispatcher is not None:
            lags |= {f"webhook/{id_}": lag_s for id_, lag_s in (await self._dispatcher.lags_s()).items()}
        return lags

    @property
    def sinks(self) -> Sequence[Sink]:
        return [relay.sink for relay in self._relays]

    async def relay(self) -> int:
        """Brings every sink up to date once, and the figures over time; returns how many events the sinks took in all.
        Raises what a sink has raised, after the others had their turn."""
        turns: list[Coroutine[Any, Any, int | None]] = [relay.catch_up() for relay in self._relays]
        if self._recorder is not None:
            turns.append(self._recorder.catch_up())
        taken = await asyncio.gather(*turns, return_exceptions=True)
        for each in taken:
            if isinstance(each, BaseException):
                raise each
        return sum(each for each in taken if isinstance(each, int))

    async def housekeep(self) -> int:
        """Deletes what is past its time; returns how many rows went."""
        return await self._housekeeper.tidy()
