"""Asks providers whether they really have what they have accepted: a few mails of each account, and later on.

What is known here is lost with the process, at the cost of knowing later. Nothing that is found out touches a mail: it
was handed over, as far as anybody can tell, and is never sent again but by a person.
"""

import asyncio
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from everpost.core import confirming
from everpost.engine.asking import look, sought_for
from everpost.engine.fleet import Fleet, Member
from everpost.engine.ports import Ports
from everpost.health.port import Report, Sign
from everpost.model.account import AccountHealth
from everpost.model.change import Change
from everpost.model.delivery import Delivery, DeliveryState
from everpost.model.event import Event, EventType
from everpost.model.limits import CONFIRMING_MAX, MISSING_MAX
from everpost.providers.contract import Absent, Finding, Found, Lookup, Unclear
from everpost.store.port import StoreUnavailable

GAP_S: Final = 5.0  # between two questions of this process to one account
UNCLEAR_S_MIN: Final = 30.0  # the pause after a question that told nothing, doubled by each further one …
UNCLEAR_S_MAX: Final = 1800.0  # … up to this
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Sample:
    """A mail that an account has accepted."""

    delivery: Delivery
    since: float  # when that was, by the monotonic clock
    ask_age_s: float = confirming.ASKS_S[0]
    is_missing: bool = False

    @property
    def ask_at(self) -> float:
        return self.since + self.ask_age_s


@dataclass(slots=True)
class _Watch:
    """An account whose provider can be asked."""

    member: Member
    lookup: Lookup
    samples: list[_Sample] = field(default_factory=list)
    sampled_at: float | None = None
    is_told: bool = False  # that its records have never shown a mail

    def has_room(self, now: float) -> bool:
        """Whether a mail of now should be looked for."""
        is_due = self.sampled_at is None or now - self.sampled_at >= confirming.SAMPLE_S
        return is_due and len(self.samples) < CONFIRMING_MAX

    @property
    def absent_s(self) -> float:
        return confirming.absent_s(self.member.account, self.lookup.lag_s)


class Confirmer:
    """Takes samples, and looks them up."""

    def __init__(self, ports: Ports, fleet: Fleet) -> None:
        self._ports = ports
        self._fleet = fleet
        self._watches = dict(_watches(fleet))

    def written(self, changes: Sequence[Change]) -> None:
        """Of the mails that were accepted now, some are looked for later: the first one of an account that has carried
        none for a while is always one of them."""
        now = self._ports.clock.monotonic()
        for change in changes:
            watch = self._watches.get(change.delivery.account or "")
            if watch is not None and watch.has_room(now) and is_accepted(change):
                watch.sampled_at = now
                watch.samples.append(_Sample(change.delivery, now))

    async def run(self) -> None:
        """Until cancelled: one question at a time to each account."""
        await asyncio.gather(*(self._ask(watch) for watch in self._watches.values()))

    async def _ask(self, watch: _Watch) -> None:
        unclear_s = UNCLEAR_S_MIN
        while True:
            sample = min(watch.samples, key=lambda each: each.ask_at, default=None)
            left_s = 0.0 if sample is None else sample.ask_at - self._ports.clock.monotonic()
            if sample is None or left_s > 0:
                await asyncio.sleep(max(left_s, GAP_S))
            elif await self._look_for(watch, sample):
                unclear_s = UNCLEAR_S_MIN
                await asyncio.sleep(GAP_S)
            else:
                await asyncio.sleep(unclear_s)
                unclear_s = min(2 * unclear_s, UNCLEAR_S_MAX)

    async def _look_for(self, watch: _Watch, sample: _Sample) -> bool:
        """False: that told nothing."""
        asked_at = self._ports.clock.monotonic()
        try:
            finding = await self._find(watch, sample)
            age_s = asked_at - sample.since
            match finding:
                case Found():
                    watch.samples.remove(sample)
                    await self._report(watch, sample, Sign.SHOWN, self._ports.clock.monotonic() - sample.since)
                case Absent():
                    await self._absent(watch, sample, age_s)
                case _ if finding is None or age_s >= watch.absent_s:
                    watch.samples.remove(sample)  # nobody can tell, or could in time
            return not isinstance(finding, Unclear)
        except StoreUnavailable as error:
            _log.warning("a mail is not looked for", extra={"delivery": sample.delivery.id, "error": str(error)})
        except Exception:
            _log.exception("a mail could not be looked for", extra={"delivery": sample.delivery.id})
            watch.samples.remove(sample)
        return False

    async def _find(self, watch: _Watch, sample: _Sample) -> Finding | None:
        """None: of this mail, absence would tell nothing."""
        delivery = sample.delivery
        stored = await self._ports.store.get_message(delivery.project, delivery.message_id)
        if stored is None or stored.message.provider_options:  # they may ask for a test, or for another time
            return None
        return await look(self._ports, sought_for(delivery, stored.message, watch.member), watch.lookup)

    async def _absent(self, watch: _Watch, sample: _Sample, age_s: float) -> None:
        health = (await self._fleet.health()).get(watch.member.account.name, AccountHealth())
        missing_after_s = confirming.missing_s(health.records, watch.absent_s)
        sample.ask_age_s = confirming.next_ask_s(age_s, missing_after_s, watch.absent_s)
        if age_s < missing_after_s:
            return
        is_certain = age_s >= watch.absent_s
        missing = sum(each.is_missing for each in watch.samples)
        if is_certain or (not sample.is_missing and missing >= MISSING_MAX):
            watch.samples.remove(sample)
        sample.is_missing = True
        await self._report(watch, sample, Sign.ABSENT if is_certain else Sign.MISSING, age_s)
        if is_certain and confirming.has_experience(health.records):
            await self._tell(watch, sample, age_s)
        elif is_certain and not watch.is_told:
            watch.is_told = True
            _log.warning("its records have never shown a mail", extra={"account": watch.member.account.name})

    async def _report(self, watch: _Watch, sample: _Sample, sign: Sign, age_s: float) -> None:
        delivery = sample.delivery
        report = Report(
            account=watch.member.account.name, sign=sign, at=delivery.updated_at, mail=delivery.id, after_s=age_s
        )
        await self._fleet.report([report])

    async def _tell(self, watch: _Watch, sample: _Sample, age_s: float) -> None:
        """For a person, who may send it again."""
        delivery, name = sample.delivery, watch.member.account.name
        event = Event(
            id=f"{delivery.id}:unconfirmed",
            type=EventType.UNCONFIRMED,
            at=self._ports.clock.now(),
            project=delivery.project,
            message_id=delivery.message_id,
            delivery_id=delivery.id,
            account=name,
            data={"after_s": round(age_s)},
        )
        await self._ports.store.record([event])
        self._ports.news.nudge()
        told = {"message_id": delivery.message_id, "delivery": delivery.id, "account": name}
        _log.warning(EventType.UNCONFIRMED.value, extra=told)


def _watches(fleet: Fleet) -> Iterator[tuple[str, _Watch]]:
    for name in fleet.carriers:
        member = fleet.member(name)
        lookup = member.provider.resolve if member is not None else None
        if member is not None and isinstance(lookup, Lookup):
            yield name, _Watch(member, lookup)


def is_accepted(change: Change) -> bool:
    """By an answer of the provider's, and not because its records have shown it already."""
    return change.delivery.state is DeliveryState.SENT and [each.type for each in change.events] == [EventType.SENT]
