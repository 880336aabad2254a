"""Delivers the events of one webhook, at its own pace, while no other process does so."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final

from msgspec.structs import replace

from everpost.engine.lease import Lease
from everpost.engine.ports import Ports
from everpost.engine.webhooks.poster import Poster
from everpost.engine.webhooks.shelf import LEASE, Shelf
from everpost.engine.webhooks.trail import Trail
from everpost.model.event import Recorded
from everpost.model.limits import RELAY_BATCH_MAX, WEBHOOK_FAILING_S_MAX, WEBHOOK_REQUESTS_MAX
from everpost.model.webhook import Progress, Waiting, Webhook
from everpost.store.port import StoreUnavailable
from everpost.wakeup.port import Wakeup
from everpost.webhooks import progress as folding
from everpost.webhooks.progress import GONE, End, Job, Reach, Result
from everpost.webhooks.selection import concerns, has_tag, needs_tags

START_S: Final = 5.0  # of one step: what has not begun by then waits for the next one
STAND_BY_S: Final = 5.0  # how soon another process goes on where one has ended
IDLE_S_MAX: Final = 60.0  # without news; what is due is looked at when it is
UNWRITTEN_MAX: Final = 2000  # events that are not its own may be read again after a restart, but no more of them
LOOK_S_MIN: Final = 0.05
DAY_S: Final = 86_400
TROUBLED_S: Final = 5.0  # pause after a fault of the store, or of ours
_log = logging.getLogger(__name__)

Disable = Callable[[Webhook, str], Awaitable[None]]


class Courier:
    def __init__(
        self, webhook: Webhook, ports: Ports, trail: Trail, poster: Poster, wakeup: Wakeup, disable: Disable
    ) -> None:
        self.webhook = webhook
        self._ports = ports
        self._shelf = Shelf(ports.store)
        self._trail = trail
        self._poster = poster
        self._disable = disable
        self._lease = Lease(LEASE + webhook.id, ports.store, ports.clock)
        self._wakeup = wakeup
        self._known: tuple[Progress, int] | None = None  # as it stands in the store, with its version
        self._is_stale = False
        self._cursor = 0  # at or ahead of that: what lies between is not for this webhook

    def wake(self) -> None:
        """There may be something to do."""
        self._wakeup.nudge()

    def renew(self, webhook: Webhook) -> None:
        """It was changed, or its progress was, by somebody else."""
        self.webhook = webhook
        self._is_stale = True  # a step that is under way finds that out when it writes
        self._wakeup.nudge()

    async def lag_s(self) -> float:
        """How old the next event is that has not been tried yet; 0: all have. By the store, since another process may
        be the one that delivers."""
        found = await self._shelf.progress(self.webhook.id)
        events = [] if found is None else (await self._own(max(found[0].cursor, self._cursor), 1))[0]
        return max(0.0, self._ports.clock.now() - events[0].event.at) if events else 0.0

    async def run(self) -> None:
        """Until cancelled, or until the webhook is no more."""
        try:
            while (pause_s := await self._looked()) is not None:
                if pause_s > 0:
                    await self._wakeup.wait(pause_s)
        finally:
            await self._lease.release()

    async def _looked(self) -> float | None:
        try:
            return await self.step()
        except StoreUnavailable as error:
            _log.warning("a webhook waits for the store", extra={"webhook": self.webhook.id, "error": str(error)})
        except Exception:
            _log.exception("a webhook was not served", extra={"webhook": self.webhook.id})
        self._known = None
        await asyncio.sleep(TROUBLED_S)
        return 0.0

    async def step(self) -> float | None:
        """Delivers what can be delivered now. How long there is nothing more to do, unless there are news; None: for
        ever."""
        known = await self._progress()
        if known is None:
            return None
        progress, _ = known
        now = self._ports.clock.now()
        ripe = folding.due(progress, now)
        reach, events = await self._chosen(progress, folding.room(progress, now, len(ripe)))
        if not ripe and not events and not self._is_worth_a_write(progress, reach):
            self._cursor = reach.cursor
            return self._pause_s(progress, now)
        if not await self._lease.hold():
            self._known = None  # to be seen anew when it is this process's turn
            return STAND_BY_S
        async with self._lease.kept():
            jobs, lost = await self._jobs(ripe, events)
            return await self._written(reach, await self._posted(jobs), lost)

    # --- what there is to do ------------------------------------------------------------------------------------------

    async def _progress(self) -> tuple[Progress, int] | None:
        if self._known is None or self._is_stale:
            self._is_stale = False
            self._known = await self._shelf.progress(self.webhook.id)
            self._cursor = 0
        return self._known

    async def _chosen(self, progress: Progress, room: int) -> tuple[Reach, list[Recorded]]:
        """The next events for which there is room, from behind the cursor and of the replay; and how far that gets."""
        events, cursor = await self._own(max(progress.cursor, self._cursor), room)
        replay = progress.replay
        if replay is None:
            return Reach(cursor=cursor), events
        again, replayed_to = await self._own(replay.cursor, room - len(events), replay.last)
        events += [one for one in again if replay.since <= one.event.at < replay.until]
        return Reach(cursor=cursor, replay=replay, replayed_to=replayed_to), events

    async def _own(self, after: int, room: int, last: int | None = None) -> tuple[list[Recorded], int]:
        """The next events that are for this webhook, at most so many and none behind `last`; and the place up to which
        there is no other."""
        found: list[Recorded] = []
        if room <= 0:
            return found, after
        batch = await self._trail.read(after, RELAY_BATCH_MAX)
        if not batch and last is not None:
            return found, last
        for one in batch:
            if last is not None and one.seq > last:
                return found, last
            after = one.seq
            if await self._is_own(one):
                found.append(one)
            if len(found) == room:
                break
        return found, after

    async def _is_own(self, one: Recorded) -> bool:
        if not concerns(self.webhook, one.event) or not self._poster.phrasing.tells(self.webhook, one.event):
            return False
        tags = one.event.data.get("tags")
        if needs_tags(self.webhook, one.event) and one.event.message_id is not None:
            stored = await self._ports.store.get_message(self.webhook.project, one.event.message_id)
            tags = stored.message.tags if stored is not None else ()
        return has_tag(self.webhook, tags)

    def _is_worth_a_write(self, progress: Progress, reach: Reach) -> bool:
        """That nothing was for this webhook is remembered, but not written each time."""
        return reach.replay is not None or reach.cursor - progress.cursor > UNWRITTEN_MAX

    def _pause_s(self, progress: Progress, now: float) -> float:
        look_at = folding.next_look_at(progress)
        return IDLE_S_MAX if look_at is None else min(max(look_at - now, LOOK_S_MIN), IDLE_S_MAX)

    async def _jobs(self, ripe: Sequence[Waiting], events: Sequence[Recorded]) -> tuple[list[Job], frozenset[int]]:
        """One for each event; and what waits for events that are no longer kept."""
        jobs = {one.seq: Job(seq=one.seq, event=one.event) for one in events}
        lost: set[int] = set()
        for waiting in ripe:
            recorded = await self._trail.at(waiting.seq)
            if recorded is None:
                lost.add(waiting.seq)
            else:
                jobs[waiting.seq] = Job(seq=waiting.seq, event=recorded.event, tried=waiting.tried)
        return [jobs[seq] for seq in sorted(jobs)], frozenset(lost)

    # --- doing it -----------------------------------------------------------------------------------------------------

    async def _posted(self, jobs: Iterable[Job]) -> list[Job]:
        """With their results. The events of one mail go one after the other, those of several at the same time."""
        lanes: dict[str, list[Job]] = {}
        for job in jobs:
            lanes.setdefault(job.event.message_id or job.event.id, []).append(job)
        slots = asyncio.Semaphore(WEBHOOK_REQUESTS_MAX)
        until = self._ports.clock.monotonic() + START_S
        done = await asyncio.gather(*(self._lane(lane, slots, until) for lane in lanes.values()))
        return [job for lane in done for job in lane]

    async def _lane(self, lane: Sequence[Job], slots: asyncio.Semaphore, until: float) -> list[Job]:
        done: list[Job] = []
        async with slots:
            goes_on = True
            for job in lane:
                if goes_on and self._ports.clock.monotonic() <= until:
                    result = await self._result(job)
                    goes_on = result.end is not End.FAILED
                    done.append(replace(job, result=result))
                else:
                    done.append(job)
        return done

    async def _result(self, job: Job) -> Result:
        try:
            return await self._poster.post(self.webhook, Recorded(job.seq, job.event))
        except Exception:
            _log.exception("an event can't be posted", extra={"webhook": self.webhook.id, "event_id": job.event.id})
            error = "it can't be told; the log of Everpost says why"
            return Result(end=End.UNSENDABLE, at=self._ports.clock.now(), error=error)

    async def _written(self, reach: Reach, jobs: Sequence[Job], lost: frozenset[int]) -> float | None:
        """Keeps what has come of it. Nothing is kept by a process whose turn is over: then it is done once more."""
        clock = self._ports.clock
        now, chance = clock.now(), clock.chance()
        while self._known is not None:
            progress, version = self._known
            after = folding.folded(folding.moved(progress, reach), jobs, lost, now, chance)
            written = await self._shelf.put_progress(self.webhook.id, after, version)
            if written is not None:
                self._known = after, written
                self._cursor = 0
                self._tell(jobs, lost)
                return await self._judged(after, jobs, now)
            self._known = await self._shelf.progress(self.webhook.id)
            if self._known is not None and not await self._lease.hold():
                self._known = None
                return STAND_BY_S
        return None

    async def _judged(self, progress: Progress, jobs: Sequence[Job], now: float) -> float | None:
        """Whether it goes on."""
        if any(job.result is not None and job.result.status == GONE for job in jobs):
            await self._disable(self.webhook, "it has answered 410 Gone")
        elif folding.has_failed_for_days(progress, now):
            days = WEBHOOK_FAILING_S_MAX // DAY_S
            await self._disable(self.webhook, f"it has taken nothing for {days} days")
        else:
            return 0.0
        return None

    def _tell(self, jobs: Sequence[Job], lost: frozenset[int]) -> None:
        for job in jobs:
            if job.result is not None and job.result.end is not End.TAKEN:
                extra = {"webhook": self.webhook.id, "event_id": job.event.id, "error": job.result.error}
                _log.warning("a webhook did not take an event", extra=extra)
        if lost:
            gone = {"webhook": self.webhook.id, "count": len(lost)}
            _log.warning("events that a webhook has not taken are no longer kept", extra=gone)
