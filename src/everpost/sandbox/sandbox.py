"""The sandbox: providers that speak the real protocols, keep what they are given, and fail when told to."""

import asyncio
import time
from collections.abc import Callable, Mapping
from random import Random
from typing import Final

from everpost.sandbox.api import Api, Conduct
from everpost.sandbox.brevo.api import Brevo
from everpost.sandbox.control import Control, Steered
from everpost.sandbox.faults import FaultPlan, Faults
from everpost.sandbox.inbox import Caught, Inbox
from everpost.sandbox.mailersend.api import MailerSend
from everpost.sandbox.mailgun.api import Mailgun
from everpost.sandbox.mailjet.api import Mailjet
from everpost.sandbox.mailtrap.api import Mailtrap
from everpost.sandbox.mandrill.api import Mandrill
from everpost.sandbox.postmark.api import Postmark
from everpost.sandbox.resend.api import Resend
from everpost.sandbox.scaleway.api import Scaleway
from everpost.sandbox.sendgrid.api import SendGrid
from everpost.sandbox.server import Connections
from everpost.sandbox.ses.api import Ses
from everpost.sandbox.smtp import MailPort
from everpost.sandbox.sparkpost.api import SparkPost
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
        self.telling = Telling(clock, self.inbox)
        self.inbox.on_caught.append(self._tell)
        chance = random or Random()  # noqa: S311 - ids and faults of a test double
        self.faults = {name: Faults(chance) for name in (*APIS, "smtp")}
        control = Control(self.inbox, self.faults, self.put_faults, self.telling)
        parts = (self.inbox, self.conduct, clock, chance)
        self._ports: dict[str, Connections | MailPort] = {
            name: Connections(Steered(name, make(*parts), control), self.faults[name]) for name, make in APIS.items()
        }
        self._ports["smtp"] = MailPort(self.inbox, self.conduct, self.faults["smtp"], chance)
        self._ports[CONTROL] = Connections(control)
        self._ends: dict[str, list[tuple[FaultPlan, asyncio.TimerHandle]]] = {}
        self._turning = asyncio.Lock()  # one port opens or closes at a time
        self._turns: set[asyncio.Task[None]] = set()
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
        for provider in list(self._ends):
            self._forget_ends(provider)
        await asyncio.gather(*self._turns)
        for name in list(self._servers):
            self._close(name)
        await asyncio.sleep(0)  # transports tell their protocols in the next turn of the loop

    async def put_faults(self, provider: str, *plans: FaultPlan) -> None:
        """Replaces the faults of a provider; with none it is well again. In force when this returns."""
        self._forget_ends(provider)
        self.faults[provider].put(*plans)
        later = asyncio.get_running_loop().call_later
        timed = [(plan, plan.for_s) for plan in plans if plan.for_s is not None]
        self._ends[provider] = [(plan, later(for_s, self._end, provider, plan)) for plan, for_s in timed]
        await self._turn(provider)

    def left_s(self, provider: str, plan: FaultPlan) -> float | None:
        """Until this fault in force ends by itself; None: it does not."""
        now = asyncio.get_running_loop().time()
        return next(
            (max(0.0, timer.when() - now) for each, timer in self._ends.get(provider, ()) if each is plan), None
        )

    def _forget_ends(self, provider: str) -> None:
        for _, timer in self._ends.pop(provider, ()):
            timer.cancel()

    def _end(self, provider: str, plan: FaultPlan) -> None:
        self._ends[provider] = [each for each in self._ends[provider] if each[0] is not plan]
        self.faults[provider].end(plan)
        task = asyncio.create_task(self._turn(provider))
        self._turns.add(task)
        task.add_done_callback(self._turns.discard)

    async def _turn(self, provider: str) -> None:
        """Opens or closes the port, as the faults are now."""
        async with self._turning:
            refused, listens = self.faults[provider].refused, provider in self._servers
            if refused and listens:
                self._close(provider)
            elif not refused and not listens and provider in self._addresses:
                await self._listen(provider)

    def _tell(self, caught: Caught) -> None:
        self.telling.caught(caught, self.faults[caught.provider].draw_later())

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
