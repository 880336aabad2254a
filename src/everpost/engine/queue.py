"""Where the deliver loop finds its work."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final, Protocol

from msgspec.structs import replace

from everpost.model.change import Change
from everpost.model.delivery import FINAL
from everpost.store.port import Claim, Claimed, Store

Call = Callable[[float], Awaitable[None]]
"""Calls others to look at what is due in so many seconds. Never raises: whoever is not called looks later."""

_AT_ONCE: Final = 0.0


async def call_nobody(in_s: float) -> None:
    """Others look by themselves."""


class Queue(Protocol):
    is_shared: bool
    """Whether others put mail into it, so that nobody knows what is in there before it was looked at."""
    some_left: asyncio.Event
    """There is something that others are to be called for: `hand_on` does it."""

    def takes(self, *, awaited: bool) -> bool:
        """Whether fresh mail is for this process, by whether its caller waits for the hand-over."""
        ...

    def put(self, claimed: Claimed, *, awaited: bool) -> None:
        """Fresh mail that is on disk, whoever is to hand it over."""
        ...

    def begun(self, claimed: Claimed) -> None:
        """Fresh mail that is on disk with its first attempt, which this process makes."""
        ...

    def follow(self, changes: Sequence[Change]) -> None:
        """What this process has written."""
        ...

    def release(self, delivery_ids: Iterable[str] | None = None) -> None:
        """Nobody in this process waits for these any more; for none at all, since it may be halted (None)."""
        ...

    async def claim(self, now: float, lease_s: float, room: int) -> Claim:
        """As `Store.claim_due`."""
        ...

    async def hand_on(self, now: float) -> None:
        """Calls others for what is left to them."""
        ...


class SharedQueue:
    """All that is due, whoever has accepted it. Others are called for mail that did not get its attempt at once: who
    has room for it is first."""

    is_shared = True

    def __init__(self, store: Store, call: Call = call_nobody) -> None:
        self._store = store
        self._call = call
        self._left_at: float | None = None  # the earliest
        self.some_left = asyncio.Event()

    def takes(self, *, awaited: bool) -> bool:  # noqa: ARG002  the port's
        return True

    def put(self, claimed: Claimed, *, awaited: bool) -> None:  # noqa: ARG002  the port's
        due_at = claimed.delivery.due_at or _AT_ONCE
        self._left_at = due_at if self._left_at is None else min(self._left_at, due_at)
        self.some_left.set()

    def begun(self, claimed: Claimed) -> None:
        """Its lease keeps the others off."""

    def follow(self, changes: Sequence[Change]) -> None:
        """The store has them."""

    def release(self, delivery_ids: Iterable[str] | None = None) -> None:
        """They go on all the same."""

    async def claim(self, now: float, lease_s: float, room: int) -> Claim:
        return await self._store.claim_due(now, lease_s, room)

    async def hand_on(self, now: float) -> None:
        self.some_left.clear()
        left_at, self._left_at = self._left_at, None
        if left_at is not None and left_at <= now:  # what is due later is found by looking, here as well as there
            await self._call(_AT_ONCE)


class AwaitedQueue:
    """Mail whose callers wait in this process, and no other: for a process that leaves all else to others.

    Nothing is claimed, since a lease would keep others off for longer than this process may live. If one of them is
    first with a delivery, what is written here finds another version, and is left out.
    """

    is_shared = False

    def __init__(self, call: Call) -> None:
        self._call = call
        self._held: dict[str, Claimed] = {}  # by delivery id
        self._taken: dict[str, Claimed] = {}  # these are being worked on
        self._left: dict[str, float] = {}  # for others: when they are due
        self.some_left = asyncio.Event()

    def takes(self, *, awaited: bool) -> bool:
        return awaited

    def put(self, claimed: Claimed, *, awaited: bool) -> None:
        if awaited:
            self._held[claimed.delivery.id] = claimed
        else:
            self._leave(claimed.delivery.id, claimed.delivery.due_at)

    def begun(self, claimed: Claimed) -> None:
        self._held[claimed.delivery.id] = claimed

    def follow(self, changes: Sequence[Change]) -> None:
        for change in changes:
            delivery = change.delivery
            held, taken = self._held.pop(delivery.id, None), self._taken.pop(delivery.id, None)
            known = held or taken
            if delivery.state in FINAL:
                self._left.pop(delivery.id, None)
            elif known is not None:
                self._held[delivery.id] = replace(known, delivery=delivery)
            else:
                self._leave(delivery.id, delivery.due_at)

    def release(self, delivery_ids: Iterable[str] | None = None) -> None:
        for id_ in {*self._held, *self._taken} if delivery_ids is None else delivery_ids:
            held, taken = self._held.pop(id_, None), self._taken.pop(id_, None)
            if claimed := held or taken:
                self._leave(id_, claimed.delivery.due_at)

    async def claim(self, now: float, lease_s: float, room: int) -> Claim:  # noqa: ARG002  there is no lease
        waiting = sorted(self._held.values(), key=lambda held: held.delivery.due_at or _AT_ONCE)
        due = tuple(held for held in waiting if (held.delivery.due_at or _AT_ONCE) <= now)[:room]
        for held in due:
            self._taken[held.delivery.id] = self._held.pop(held.delivery.id)
        later = waiting[len(due)].delivery.due_at if len(waiting) > len(due) else None
        return Claim(claimed=due, next_due_at=later)

    async def hand_on(self, now: float) -> None:
        self.some_left.clear()
        left, self._left = self._left, {}
        if left:
            await self._call(max(min(left.values()) - now, 0.0))

    def _leave(self, delivery_id: str, due_at: float | None) -> None:
        self._left[delivery_id] = due_at or _AT_ONCE
        self.some_left.set()
