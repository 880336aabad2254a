"""One recipient is taken out of everything that is kept. What is left tells how many mails there were, and no more."""

import asyncio
from typing import Final

from msgspec import Struct

from everpost.core import transitions
from everpost.engine.housekeep import BATCH, REST, salt_of
from everpost.engine.ports import Ports
from everpost.model.delivery import FINAL, DeliveryState
from everpost.model.event import Event, EventType
from everpost.model.key import Caller
from everpost.model.limits import PAGE_MAX
from everpost.model.problem import Problem
from everpost.model.removal import pseudonym, token
from everpost.model.suppression import has_expired
from everpost.store.port import Filter, Stored, Written

NAMED_MAX: Final = 5  # mails that a refusal names


class Erased(Struct, frozen=True, kw_only=True):
    """What was done, or what would be."""

    messages: int  # that the recipient was taken out of
    cancelled: int  # of these, mails that were still queued
    suppressed: bool  # no mail may go to the address, before and after


class _Found(Struct, frozen=True):
    """The mails that name an address, as they were read."""

    messages: int = 0
    queued: tuple[Stored, ...] = ()  # to this address alone
    busy: tuple[str, ...] = ()  # ids of those that can't be changed now


class Eraser:
    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def look(self, project: str, address: str) -> Erased:
        """What `erase` would do, if nothing is on its way."""
        found = await self._find(project, address)
        before = await self._find(project, await self._pseudonym(project, address))
        return Erased(
            messages=found.messages + before.messages,
            cancelled=len(found.queued),
            suppressed=await self._is_suppressed(project, address),
        )

    async def erase(self, caller: Caller, address: str) -> Erased | Problem:
        """Cancels what is queued for this recipient alone, then erases, step by step. Refuses, before it has changed
        anything, while a mail is on its way, or waits for others as well. Whoever was interrupted calls it again: it
        goes on where it was."""
        project = caller.project
        found = await self._find(project, address)
        busy = found.busy or await self._cancel(caller, found)
        if busy:
            return _busy(busy)
        instead = token(f"{self._ports.clock.entropy():020x}")
        messages = 0
        for known_as in (address, await self._pseudonym(project, address)):
            messages += await self._erase_all(caller, known_as, instead)
        self._ports.news.nudge()
        return Erased(
            messages=messages,
            cancelled=len(found.queued),
            suppressed=await self._is_suppressed(project, address),
        )

    async def _erase_all(self, caller: Caller, address: str, instead: str) -> int:
        clock, store = self._ports.clock, self._ports.store
        total = 0
        while True:
            began_at = clock.monotonic()
            gone = await store.erase(caller.project, address, instead, self._event(caller), BATCH)
            total += gone
            if gone < BATCH:
                return total
            await asyncio.sleep(REST * (clock.monotonic() - began_at))

    async def _find(self, project: str, address: str) -> _Found:
        messages = 0
        queued: list[Stored] = []
        busy: list[Stored] = []
        before = None
        while True:
            page = await self._ports.store.list_messages(Filter(project=project, recipient=address), before, PAGE_MAX)
            for stored in page:
                messages += 1
                if all(delivery.state in FINAL for delivery in stored.deliveries):
                    continue
                (queued if _is_cancellable(stored, address) else busy).append(stored)
            if len(page) < PAGE_MAX:
                return _Found(messages, tuple(queued), tuple(stored.message.id for stored in busy))
            before = page[-1].message.id

    async def _cancel(self, caller: Caller, found: _Found) -> tuple[str, ...]:
        """Ids of those that somebody was quicker with."""
        now = self._ports.clock.now()
        busy = []
        for stored in found.queued:
            changes = [transitions.cancel(delivery, caller.who, now) for delivery in stored.deliveries]
            wanted = [change for change in changes if change is not None]
            if any(written is not Written.DONE for written in await self._ports.store.advance(wanted)):
                busy.append(stored.message.id)
        return tuple(busy)

    async def _pseudonym(self, project: str, address: str) -> str:
        """What stands in the place of the address where its time was over."""
        return pseudonym(await salt_of(self._ports), project, address)

    async def _is_suppressed(self, project: str, address: str) -> bool:
        now = self._ports.clock.now()
        return any(not has_expired(row, now) for row in await self._ports.store.suppressed(project, [address]))

    def _event(self, caller: Caller) -> Event:
        clock = self._ports.clock
        return Event(
            id=f"{EventType.ADDRESS_ERASED}:{clock.entropy():020x}",
            type=EventType.ADDRESS_ERASED,
            at=clock.now(),
            project=caller.project,
            data={"by": caller.who},
        )


def _is_cancellable(stored: Stored, address: str) -> bool:
    is_alone = all(one.email.lower() == address.lower() for one in stored.message.recipients)
    open_states = {delivery.state for delivery in stored.deliveries if delivery.state not in FINAL}
    return is_alone and open_states == {DeliveryState.QUEUED}


def _busy(ids: tuple[str, ...]) -> Problem:
    more = f" and {len(ids) - NAMED_MAX} others" if len(ids) > NAMED_MAX else ""
    return Problem(
        code="recipient_busy",
        status=409,
        title="Mail to this recipient is not final",
        detail=f"{', '.join(ids[:NAMED_MAX])}{more}: on the way, or queued for other recipients as well. Wait until it "
        "is final, or cancel it (POST /v1/emails/ID/cancel), and repeat the request",
    )
