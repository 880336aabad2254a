"""The sandbox: providers that speak the real protocols, keep what they are given, and fail when told to."""

import asyncio
import time
from collections.abc import Callable, Mapping
from random import Random
from typing import Final

from everpost.sandbox.api import Api, Conduct
from everpost.sandbox.brevo import Brevo
from everpost.sandbox.control import Control, Steered
from everpost.sandbox.faults import FaultPlan, Faults
from everpost.sandbox.inbox import Inbox
from everpost.sandbox.mailersend import MailerSend
from everpost.sandbox.mailgun import Mailgun
from everpost.sandbox.mailjet import Mailjet
from everpost.sandbox.mailtrap import Mailtrap
from everpost.sandbox.mandrill import Mandrill
from everpost.sandbox.postmark import Postmark
from everpost.sandbox.resend import Resend
from everpost.sandbox.scaleway import Scaleway
from everpost.sandbox.sendgrid import SendGrid
from everpost.sandbox.server import Connections
from everpost.sandbox.ses import Ses
from everpost.sandbox.smtp import MailPort
from everpost.sandbox.sparkpost import SparkPost
from everpost.sandbox.telling import Telling

CONTROL: Final = "control"
_Make = Callable[[Inbox, Conduct, Callable[[], float], Random], Api]
APIS: Final[Mapping[str, _Make]] = {
    "brevo": Brevo,
    "mailersend": MailerSend,
    "mailgun": Mailgun,
    "mailjet": Mailjet,
    "mailtrap": Mailtrap,
    "mandrill": Mandrill,
    "postmark": Postmark,
    "resend": Resend,
    "scaleway": Scaleway,
    "sendgrid": SendGrid,
    "ses": Ses,
    "sparkpost": SparkPost,
}
"""The providers that speak HTTP."""

PORTS: Final[Mapping[str, int]] = {
    "smtp": 2525,
    CONTROL: 8028,
    "mailersend": 8029,
    "mailgun": 8027,
    "mailjet": 8030,
    "mailtrap": 8031,
    "mandrill": 8032,
    "postmark": 8035,
    "resend": 8036,
    "scaleway": 8033,
    "sendgrid": 8026,
    "ses": 8037,
    "brevo": 8034,
    "sparkpost": 8038,
}
"""Where each of them is found if nobody says otherwise."""


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
        self.faults = {name: Faults(chance) for name in (*APIS, "smtp")}
        control = Control(self.inbox, self.faults, self.put_faults, self.telling)
        parts = (self.inbox, self.conduct, clock, chance)
        self._ports: dict[str, Connections | MailPort] = {
            name: Connections(Steered(name, make(*parts), control), self.faults[name]) for name, make in APIS.items()
        }
        self._ports["smtp"] = MailPort(self.inbox, self.conduct, self.faults["smtp"], chance)
        self._ports[CONTROL] = Connections(control)
        self._servers: dict[str, asyncio.Server] = {}
        self._addresses: dict[str, tuple[str, int]] = {}

    async def start(self, host: str = "127.0.0.1", ports: Mapping[str, int] | None = None) -> None:
        """Opens the ports by their providers' names; 0, and whatever is not named, is any free one. OSError if one
        can't be had, and then none stays open."""
        try:
            for name in self._ports:
                self._addresses[name] = (host, (ports or {}).get(name, 0))
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
    def control_url(self) -> str:
        return self.url(CONTROL)

    @property
    def smtp_address(self) -> tuple[str, int]:
        return self._addresses["smtp"]

    def url(self, name: str) -> str:
        """Of a provider that speaks HTTP."""
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
