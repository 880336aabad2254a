"""The sandbox: providers that speak the real protocols, keep what they are given, and fail when told to."""

import asyncio
import time
from collections.abc import Callable
from random import Random
from typing import Final

from everpost.sandbox.api import Api, Conduct
from everpost.sandbox.control import Control, Steered
from everpost.sandbox.faults import FaultPlan, Faults
from everpost.sandbox.inbox import Inbox
from everpost.sandbox.mailgun import Mailgun
from everpost.sandbox.sendgrid import SendGrid
from everpost.sandbox.server import Connections
from everpost.sandbox.smtp import MailPort
from everpost.sandbox.telling import Telling

PROVIDERS: Final = ("sendgrid", "mailgun", "smtp")
CONTROL: Final = "control"


class Sandbox:
    """One port per provider, and a control port that answers whatever the others do."""

    def __init__(
        self, *, conduct: Conduct | None = None, clock: Callable[[], float] = time.time, random: Random | None = None
    ) -> None:
        self.conduct = conduct or Conduct()
        self.inbox = Inbox(clock)
        self.telling = Telling(clock)
        self.inbox.on_caught = self.telling.caught
        chance = random or Random()  # noqa: S311 - ids and faults of a test double
        self.faults = {name: Faults(chance) for name in PROVIDERS}
        control = Control(self.inbox, self.faults, self.put_faults, self.telling)
        parts = (self.inbox, self.conduct, clock, chance)
        apis: dict[str, Api] = {"sendgrid": SendGrid(*parts), "mailgun": Mailgun(*parts)}
        self._ports: dict[str, Connections | MailPort] = {
            name: Connections(Steered(name, api, control), self.faults[name]) for name, api in apis.items()
        }
        self._ports["smtp"] = MailPort(self.inbox, self.conduct, self.faults["smtp"], chance)
        self._ports[CONTROL] = Connections(control)
        self._servers: dict[str, asyncio.Server] = {}
        self._addresses: dict[str, tuple[str, int]] = {}

    async def start(
        self,
        host: str = "127.0.0.1",
        sendgrid_port: int = 0,
        mailgun_port: int = 0,
        smtp_port: int = 0,
        control_port: int = 0,
    ) -> None:
        """Opens the ports; 0 is any free one. OSError if one can't be had, and then none stays open."""
        wanted = {"sendgrid": sendgrid_port, "mailgun": mailgun_port, "smtp": smtp_port, CONTROL: control_port}
        try:
            for name, port in wanted.items():
                self._addresses[name] = (host, port)
                await self._listen(name)
        except OSError:
            await self.stop()
            raise

    async def stop(self) -> None:
        await self.telling.stop()
        for name in list(self._servers):
            self._close(name)
        await asyncio.sleep(0)  # transports tell their protocols in the next turn of the loop

    async def put_faults(self, provider: str, *plans: FaultPlan) -> None:
        """Replaces the faults of a provider; with none it is well again. In force when this returns."""
        faults = self.faults[provider]
        faults.put(*plans)
        if faults.refused and provider in self._servers:
            self._close(provider)
        elif not faults.refused and provider not in self._servers and provider in self._addresses:
            await self._listen(provider)

    @property
    def sendgrid_url(self) -> str:
        return self._url("sendgrid")

    @property
    def mailgun_url(self) -> str:
        return self._url("mailgun")

    @property
    def control_url(self) -> str:
        return self._url(CONTROL)

    @property
    def smtp_address(self) -> tuple[str, int]:
        return self._addresses["smtp"]

    def _url(self, name: str) -> str:
        host, port = self._addresses[name]
        return f"http://{host}:{port}"

    async def _listen(self, name: str) -> None:
        loop = asyncio.get_running_loop()
        host, port = self._addresses[name]
        server = await loop.create_server(self._ports[name], host, port)
        self._servers[name] = server
        self._addresses[name] = (host, server.sockets[0].getsockname()[1])

    def _close(self, name: str) -> None:
        self._servers.pop(name).close()
        self._ports[name].close()
