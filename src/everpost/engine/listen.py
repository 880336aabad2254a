"""Listens whether providers tell in time what becomes of mail that they have accepted: of a few mails of each account.

Only accounts are watched whose provider tells by webhooks, which are set up. What is waited for here is lost with the
process, at the cost of knowing later. Nothing that is found out touches a mail.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Sequence

from msgspec import Struct

from everpost.core import delivering
from everpost.engine.confirm import is_accepted
from everpost.engine.fleet import Fleet
from everpost.engine.ports import Ports
from everpost.health.port import Report, Sign
from everpost.model.account import Promptness
from everpost.model.change import Change
from everpost.model.delivery import Delivery
from everpost.providers.hooks import QUEUE, secrets_of
from everpost.store.port import StoreUnavailable

_SIGNS = {Promptness.PROMPT: Sign.PROMPT, Promptness.LATE: Sign.LATE, Promptness.SILENT: Sign.SILENT}
_log = logging.getLogger(__name__)


class _Sample(Struct, frozen=True):
    """A mail that an account has accepted."""

    account: str
    delivery: Delivery
    ask_at: float  # by the monotonic clock


class Listener:
    """Takes samples, and looks in the trail what was told of them. Bounded: of each account there are as many as fit
    into the time that they are waited for."""

    def __init__(self, ports: Ports, fleet: Fleet) -> None:
        self._ports = ports
        self._fleet = fleet
        self._samples: deque[_Sample] = deque()  # the oldest first
        self._sampled_at: dict[str, float] = {}  # by account
        self._some = asyncio.Event()

    def written(self, changes: Sequence[Change]) -> None:
        """Of the mails that were accepted now, some are listened for: the first one of an account that has carried
        none for a while is always one of them."""
        now = self._ports.clock.monotonic()
        for change in changes:
            name = change.delivery.account or ""
            if self._is_due(name, now) and is_accepted(change) and self._is_told(name):
                self._sampled_at[name] = now
                self._samples.append(_Sample(name, change.delivery, now + delivering.TOLD_S))
                self._some.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            if not self._samples:
                self._some.clear()
                await self._some.wait()
            await asyncio.sleep(max(0.0, self._samples[0].ask_at - self._ports.clock.monotonic()))
            await self._look(self._samples.popleft())

    async def _look(self, sample: _Sample) -> None:
        try:
            await self._judge(sample)
        except StoreUnavailable as error:
            _log.warning("a mail is not listened for", extra={"delivery": sample.delivery.id, "error": str(error)})
        except Exception:
            _log.exception("a mail could not be listened for", extra={"delivery": sample.delivery.id})

    async def _judge(self, sample: _Sample) -> None:
        delivery = sample.delivery
        stored = await self._ports.store.get_message(delivery.project, delivery.message_id)
        if stored is None or stored.message.provider_options:  # they may ask for a test, or for another time
            return
        told = (one.event for one in stored.events if one.event.delivery_id == delivery.id)
        what = delivering.promptness(event for event in told if event.account == sample.account)
        after_s = delivering.TOLD_S
        report = Report(account=sample.account, sign=_SIGNS[what], at=delivery.updated_at, after_s=after_s)
        await self._fleet.report([report])

    def _is_due(self, name: str, now: float) -> bool:
        sampled_at = self._sampled_at.get(name)
        return sampled_at is None or now - sampled_at >= delivering.SAMPLE_S

    def _is_told(self, name: str) -> bool:
        """Whether the account's provider has anybody to tell."""
        member = self._fleet.member(name)
        webhook = member.provider.webhook if member is not None else None
        if member is None or webhook is None:
            return False
        return bool(secrets_of(member.account, webhook.setting) or member.account.settings.get(QUEUE))
