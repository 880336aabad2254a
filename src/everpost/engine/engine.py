"""The engine as one thing: what it offers, and the loops that keep it going."""

import asyncio
from collections.abc import Sequence
from typing import Final

from everpost.engine.accept import Acceptor
from everpost.engine.console import Console
from everpost.engine.deliver import Deliverer
from everpost.engine.fleet import Fleet, Member
from everpost.engine.housekeep import Housekeeper, Retention
from everpost.engine.keys import Keyring
from everpost.engine.ports import Ports
from everpost.engine.relay import Relay
from everpost.engine.rotation import Keeper, Rotation
from everpost.engine.routes import Routes
from everpost.model.route import Route

DRAIN_S: Final = 10.0  # a graceful stop waits this long for attempts in flight; later ones are resolved after restart


class Engine:
    """Created by wiring, run by an entrypoint."""

    def __init__(self, ports: Ports, members: Sequence[Member], routes: Sequence[Route], retention: Retention) -> None:
        self.ports = ports
        self._fleet = Fleet(members, ports)
        self._routes = Routes(routes, [member.account.name for member in members], ports)
        self._deliverer = Deliverer(ports, self._fleet, self._routes)
        self._housekeeper = Housekeeper(ports, retention)
        self._relays: list[Relay] = []
        self.rotation: Rotation | None = None
        self.acceptor = Acceptor(ports, self._fleet, self._routes, self._deliverer)
        self.console = Console(ports, self._fleet, self._routes)
        self.keyring = Keyring(ports.store, ports.clock.now)

    def add_rotation(self, keeper: Keeper) -> None:
        """To be called before `run`, where secrets of accounts are kept elsewhere."""
        self.rotation = Rotation(self._fleet, keeper)

    def add_relay(self, relay: Relay) -> None:
        """To be called before `run`."""
        self._relays.append(relay)

    async def run(self, stop: asyncio.Event) -> None:
        """All loops, until `stop`; then the attempts in flight are waited for and their outcomes stored. Raises what
        has ended a loop before."""
        loops = [
            asyncio.create_task(self._deliverer.run(), name="deliver"),
            asyncio.create_task(self._housekeeper.run(), name="housekeep"),
            *(asyncio.create_task(relay.run(), name="relay") for relay in self._relays),
            *([asyncio.create_task(self.rotation.run(), name="rotation")] if self.rotation else []),
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
