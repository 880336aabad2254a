"""Asks providers for the events that their webhooks missed: from time to time, one process at a time, and on request.

What is listed is read as what is told, and goes the same way into the store. Its events have the ids that webhooks give
them, or are known by what they tell, so nothing is there twice, whichever way it came first; that is why the time of
the last question may overlap with that of the one before, by as much as a list may lag.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Iterator
from typing import Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from everpost.engine.asking import LOOKUP_TIMEOUTS
from everpost.engine.fleet import Fleet, Member
from everpost.engine.ingest import Ingestor, Taken
from everpost.engine.lease import Lease
from everpost.engine.ports import Ports
from everpost.model.limits import BACKFILL_REQUESTS_MAX
from everpost.providers.contract import HttpResponse, Unclear
from everpost.providers.history import SLICE_S, History, Listed, Question
from everpost.store.port import StoreUnavailable

LOOKS: Final = 8  # at the place, in the time from one question to the next
_FOLDER: Final = "backfill/"
_log = logging.getLogger(__name__)


class Place(Struct, frozen=True, kw_only=True):
    """How far an account has been asked."""

    until: float  # all events up to here were listed, but for those that were late
    at: float  # when that was


class Filled(Struct, frozen=True, kw_only=True):
    """What a provider has listed of an account."""

    listed: int = 0  # events
    fresh: int = 0  # of these, those that were not known
    joined: int = 0  # of all, events of mails that are known here
    left_out: str = ""  # what the provider does not show; empty: it shows everything
    trouble: str = ""  # why it broke off; empty: it did not

    def plus(self, taken: Taken, left_out: str) -> "Filled":
        listed = taken.joined + taken.unjoined + taken.unreadable
        return Filled(
            listed=self.listed + listed,
            fresh=self.fresh + listed - taken.repeated,
            joined=self.joined + taken.joined,
            left_out=self.left_out or left_out,
        )

    def broken(self, trouble: str) -> "Filled":
        return replace(self, trouble=trouble)


class Backfill:
    def __init__(self, ports: Ports, fleet: Fleet, ingestor: Ingestor) -> None:
        self._ports = ports
        self._fleet = fleet
        self._ingestor = ingestor
        self._scheduled = [member.account.name for member, _ in _histories(fleet) if member.account.backfill_every_s]
        self._failed_at: dict[str, float] = {}  # by account, by the monotonic clock: of what is asked for by `catch_up`
        self.can_be_asked = [member.account.name for member, _ in _histories(fleet)]

    @property
    def is_scheduled(self) -> bool:
        return bool(self._scheduled)

    async def run(self) -> None:
        """Until cancelled."""
        await asyncio.gather(*map(self._keep_up, self._scheduled))

    async def catch_up(self) -> None:
        """Asks once for whatever is due by its schedule; for a process that does not stay. Whom it has asked in vain is
        left alone for as long as `run` would leave it."""
        await asyncio.gather(*map(self._once, self._scheduled))

    async def fill(self, name: str, since: float) -> Filled:
        """Asks for all of that time at once; `name` is one of those that can be asked. Raises StoreUnavailable."""
        filled, now = Filled(), self._ports.clock.now()
        for begin, end in self._slices(name, since, now):
            filled = await self._slice(name, begin, end, filled)
            if filled.trouble:
                break
        return filled

    async def _keep_up(self, name: str) -> None:
        lease = Lease(f"backfill/{name}", self._ports.store, self._ports.clock)
        try:
            while True:
                every_s = self._account_s(name)
                is_well = await self._try(name, lease, every_s)
                await asyncio.sleep(every_s / LOOKS if is_well else every_s)
        finally:
            await lease.release()

    async def _once(self, name: str) -> None:
        every_s, now = self._account_s(name), self._ports.clock.monotonic()
        if now - self._failed_at.get(name, -every_s) < every_s:
            return
        lease = Lease(f"backfill/{name}", self._ports.store, self._ports.clock)
        try:
            if not await self._try(name, lease, every_s):
                self._failed_at[name] = now
        finally:
            await lease.release()

    async def _try(self, name: str, lease: Lease, every_s: float) -> bool:
        try:
            place, _ = await self._place(name)
            if place is not None and not _is_due(place, every_s, self._ports.clock.now()):
                return True
            if not await lease.hold():
                return True
            async with lease.kept():
                trouble = await self._go_on(name)
        except StoreUnavailable as error:
            trouble = str(error)
        except Exception:
            _log.exception("missed events could not be asked for", extra={"account": name})
            return False
        if trouble:
            _log.warning("missed events are not listed", extra={"account": name, "error": trouble})
        return not trouble

    async def _go_on(self, name: str) -> str:
        """From where it was left, slice by slice; says what went wrong, if anything did. Who begins writes down where,
        so that nothing is left out though the first questions get no answer."""
        now = self._ports.clock.now()
        place, version = await self._place(name)
        if place is None:
            place, version = Place(until=now - SLICE_S, at=now), await self._keep(name, now - SLICE_S, now, 0)
        for begin, end in self._slices(name, min(place.until, now) - self._late_s(name), now):
            filled = await self._slice(name, begin, end, Filled())
            if filled.trouble:
                return filled.trouble
            if filled.left_out:
                _log.warning("some events are not listed", extra={"account": name, "error": filled.left_out})
            if filled.fresh:
                _log.info("missed events were listed", extra={"account": name, "count": filled.fresh})
            version = await self._keep(name, max(end, place.until), now, version)
            if not version:
                return "another process is at it"
        return ""

    async def _keep(self, name: str, until: float, now: float, was: int) -> int:
        """The place's version; 0: somebody else has written it."""
        value = msgspec.json.encode(Place(until=until, at=now))
        stored = await self._ports.store.write_config(_FOLDER + name, value, was)
        return 0 if stored is None else stored.version

    def _late_s(self, name: str) -> float:
        history = self._history(name)
        return history.late_s if history is not None else 0.0

    def _slices(self, name: str, since: float, until: float) -> Iterator[tuple[float, float]]:
        history = self._history(name)
        slice_s = history.slice_s if history is not None else SLICE_S
        while since < until:
            end = min(since + slice_s, until)
            yield since, end
            since = end

    def _history(self, name: str) -> History | None:
        member = self._fleet.member(name)
        return member.provider.history if member is not None else None

    async def _slice(self, name: str, begin: float, end: float, filled: Filled) -> Filled:
        member = self._fleet.member(name)
        history = member.provider.history if member is not None else None
        if member is None or history is None:
            return filled.broken("its provider lists no events")
        left = deque([history.start(member.account, begin, end)])
        for _ in range(BACKFILL_REQUESTS_MAX):
            listed = await self._ask(left.popleft(), history.pace_s)
            if isinstance(listed, str):
                return filled.broken(listed)
            now = self._ports.clock.now()
            taken = await self._ingestor.keep_listed(name, listed.told, now) if listed.told else Taken()
            filled = filled.plus(taken, listed.left_out)
            left.extendleft(reversed(listed.further))
            if not left:
                return filled
        return filled.broken(f"{history.slice_s:.0f} s of events take more than {BACKFILL_REQUESTS_MAX} requests")

    async def _ask(self, question: Question, pace_s: float) -> Listed | str:
        """What the answer lists, or why it lists nothing."""
        await asyncio.sleep(pace_s)
        not_after = self._ports.clock.monotonic() + LOOKUP_TIMEOUTS.total_s
        answer = await self._ports.wire.send(question.request, LOOKUP_TIMEOUTS, not_after)
        if not isinstance(answer, HttpResponse):
            return f"the question got no answer: {answer.text}"
        listed = question.read(answer)
        return listed.reason if isinstance(listed, Unclear) else listed

    async def _place(self, name: str) -> tuple[Place | None, int]:
        """With its version."""
        document = (await self._ports.store.read_config(_FOLDER + name)).get(_FOLDER + name)
        return (None, 0) if document is None else (msgspec.json.decode(document.value, type=Place), document.version)

    def _account_s(self, name: str) -> float:
        member = self._fleet.member(name)
        every_s = member.account.backfill_every_s if member is not None else None
        return every_s or SLICE_S


def _histories(fleet: Fleet) -> Iterator[tuple[Member, History]]:
    for name in fleet.carriers:
        member = fleet.member(name)
        if member is not None and member.provider.history is not None:
            yield member, member.provider.history


def _is_due(place: Place, every_s: float, now: float) -> bool:
    """A place that lies ahead was written by a clock that was."""
    return not 0.0 <= now - place.at < every_s
