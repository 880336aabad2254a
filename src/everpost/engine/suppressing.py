"""Whom not to write to, as people and programs say it."""

from collections.abc import Callable, Sequence
from typing import Any

from msgspec.structs import asdict, replace

from everpost.core.noticing import facts_of
from everpost.engine.clock import Clock
from everpost.model.event import Event, EventType
from everpost.model.key import Caller
from everpost.model.limits import SUPPRESSIONS_AT_ONCE_MAX
from everpost.model.suppression import Suppression, SuppressionDraft, has_expired
from everpost.store.port import Store


class Suppressing:
    def __init__(self, store: Store, clock: Clock, nudge: Callable[[], None]) -> None:
        """`nudge`: tells that there are events."""
        self._store = store
        self._clock = clock
        self._nudge = nudge

    async def find(self, project: str, address: str, stream: str) -> Suppression | None:
        """What now stops this stream, or all mail, to the address; None: nothing of its own does."""
        now = self._clock.now()
        known = await self._store.suppressed(project, [address], stream)
        return next((row for row in known if row.stream == stream and not has_expired(row, now)), None)

    async def page(self, project: str, prefix: str, after: tuple[str, str], limit: int) -> Sequence[Suppression]:
        """Those whose address begins like that, behind an address and its stream; in lower case. Those that have
        expired are among them until they are purged."""
        return await self._store.list_suppressions(project, prefix, after, limit)

    async def put(self, caller: Caller, drafts: Sequence[SuppressionDraft]) -> list[Suppression]:
        """From now on no mail of the project that these stop is handed over. Of many, some are stored after an
        interruption, and it can be repeated."""
        stored: list[Suppression] = []
        for start in range(0, len(drafts), SUPPRESSIONS_AT_ONCE_MAX):
            now, some = self._clock.now(), drafts[start : start + SUPPRESSIONS_AT_ONCE_MAX]
            rows = [
                Suppression(project=caller.project, created_at=now, **asdict(replace(one, address=one.address.lower())))
                for one in some
            ]
            told = facts_of(rows[0]) if len(drafts) == 1 else {"addresses": len(rows)}
            await self._store.suppress(rows, [self._event(EventType.SUPPRESSION_ADDED, caller, now, told)])
            stored += rows
        self._nudge()
        return stored

    async def remove(self, caller: Caller, address: str, stream: str) -> None:
        """What stops this stream, or all mail, to the address; others of it stay."""
        now = self._clock.now()
        event = self._event(EventType.SUPPRESSION_REMOVED, caller, now, {"stream": stream} if stream else {})
        await self._store.unsuppress(caller.project, [address], [event], stream)
        self._nudge()

    def _event(self, type_: EventType, caller: Caller, now: float, data: dict[str, Any]) -> Event:
        id_ = f"{type_}:{self._clock.entropy():020x}"
        return Event(id=id_, type=type_, at=now, project=caller.project, data={"by": caller.who, **data})
