"""Where the deliver loop finds its work."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from msgspec.structs import replace

from everpost.model.change import Change
from everpost.model.delivery import FINAL
from everpost.store.port import Claim, Claimed, Store

Call = Callable[[float], Awaitable[None]]
"""Calls others to look at what is due in so many seconds. Never raises: whoever is not called looks later."""


class Queue(Protocol):
    is_shared: bool
    """Whether others put mail into it, so that nobody knows what is in there before it was looked at."""

    def takes(self, *, awaited: bool) -> bool:
        """Whether fresh mail is for this process, by whether its caller waits for the hand-over."""
        ...

    def put(self, claimed: Claimed, *, awaited: bool) -> None:
        """Fresh mail that is on disk, whoever is to hand it over."""
        ...

    def follow(self, changes: Sequence[Change]) -> None:
        """What this process has written."""
        ...

    async def claim(self, now: float, lease_s: float, room: int) -> Claim:
        """As `Store.claim_due`."""
        ...

    async def hand_on(self, now: float) -> None:
        """Calls others for what is left: this process may be halted."""
        ...


class SharedQueue:
    """All that is due, whoever has accepted it."""

    is_shared = True

    def __init__(self, store: Store) -> None:
        self._store = store

    def takes(self, *, awaited: bool) -> bool:  # noqa: ARG002  the port's
        return True

    def put(self, claimed: Claimed, *, awaited: bool) -> None:
        """The store has it."""

    def follow(self, changes: Sequence[Change]) -> None:
        """So it has these."""

    async def claim(self, now: float, lease_s: float, room: int) -> Claim:
        return await self._store.claim_due(now, lease_s, room)

    async def hand_on(self, now: float) -> None:
        """They look by themselves."""


class AwaitedQueue:
    """Mail whose callers wait in this process, and no other: for a process that may stop with its last answer.

    Nothing is claimed, since a lease would keep others off for longer than this process may live. If one of them is
    first with a delivery, what is written here finds another version, and is left out.
    """

    is_shared = False

    def __init__(self, call: Call) -> None:
        self._call = call
        self._held: dict[str, Claimed] = {}  # by delivery id
        self._taken: dict[str, Claimed] = {}  # these are being worked on
        self._for_others: dict[str, Claimed] = {}

    def takes(self, *, awaited: bool) -> bool:
        return awaited

    def put(self, claimed: Claimed, *, awaited: bool) -> None:
        if awaited:
            self._held[claimed.delivery.id] = claimed
        else:
            self._for_others[claimed.delivery.id] = claimed

    def follow(self, changes: Sequence[Change]) -> None:
        for change in changes:
            id_ = change.delivery.id
            known = self._held.pop(id_, None) or self._taken.pop(id_, None)
            if known is not None and change.delivery.state not in FINAL:
                self._held[id_] = replace(known, delivery=change.delivery)

    async def claim(self, now: float, lease_s: float, room: int) -> Claim:  # noqa: ARG002  there is no lease
        waiting = sorted(self._held.values(), key=lambda held: held.delivery.due_at or 0.0)
        due = tuple(held for held in waiting if (held.delivery.due_at or 0.0) <= now)[:room]
        for held in due:
            self._taken[held.delivery.id] = self._held.pop(held.delivery.id)
        later = waiting[len(due)].delivery.due_at if len(waiting) > len(due) else None
        return Claim(claimed=due, next_due_at=later)

    async def hand_on(self, now: float) -> None:
        left = (*self._held.values(), *self._taken.values(), *self._for_others.values())
        for each in (self._held, self._taken, self._for_others):
            each.clear()
        if left:
            due_at = min(claimed.delivery.due_at or now for claimed in left)
            await self._call(max(due_at - now, 0.0))
