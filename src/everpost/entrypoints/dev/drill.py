"""A drill: steady mail through this server while its first provider fails by a script."""

import asyncio
import logging
import time
from contextlib import suppress
from enum import StrEnum
from itertools import count
from typing import Annotated, Final

from msgspec import Meta, Struct

from everpost.entrypoints.dev.script import DRILL, Part
from everpost.entrypoints.dev.tally import Arrival, Sent
from everpost.entrypoints.http.call import Services
from everpost.model.delivery import FINAL, DeliveryState
from everpost.model.key import Caller
from everpost.model.message import Address, Draft
from everpost.model.problem import Problem
from everpost.sandbox.inbox import Caught
from everpost.sandbox.sandbox import Sandbox
from everpost.store.port import Filter

FINAL_WITHIN_S: Final = 120.0  # after the last mail; what is not final by then counts as lost
LOOK_EVERY_S: Final = 0.2
PART_S_MIN, PART_S_MAX, PER_S_MAX = 0.2, 30.0, 50
_log = logging.getLogger(__name__)
_MOVING: Final = frozenset(DeliveryState) - FINAL


class DrillRequest(Struct, forbid_unknown_fields=True, kw_only=True):
    part_s: Annotated[
        float,
        Meta(ge=PART_S_MIN, le=PART_S_MAX, description="Seconds of a usual part; the script has nine and a half."),
    ] = 5.0
    per_s: Annotated[int, Meta(ge=1, le=PER_S_MAX, description="Mails a second.")] = 10


class DrillState(StrEnum):
    RUNNING = "running"  # mail is handed in
    SETTLING = "settling"  # what was handed in becomes final
    DONE = "done"
    STOPPED = "stopped"  # by a person, or by a fault of ours


class Run(Struct):
    """A part as it was played. Wall-clock times."""

    part: Part
    from_at: float
    to_at: float | None = None


class Record(Struct, kw_only=True):
    """What was seen of a drill so far."""

    request: DrillRequest
    first: str  # the provider that fails
    started_at: float
    state: DrillState = DrillState.RUNNING
    ended_at: float | None = None
    runs: list[Run] = []
    sent: list[Sent] = []
    arrivals: list[Arrival] = []


class Drill:
    """One drill, from its start to its end."""

    def __init__(self, sandbox: Sandbox, services: Services, caller: Caller, record: Record) -> None:
        self.record = record
        self._sandbox = sandbox
        self._services = services
        self._caller = caller
        self._tag = f"drill-{int(record.started_at)}"

    async def run(self) -> None:
        """Until all mails are final. The first provider is well again afterwards, whatever happens."""
        self._sandbox.inbox.on_caught.append(self._note)
        state = DrillState.STOPPED
        try:
            await self._play()
            self.record.state = DrillState.SETTLING
            with suppress(TimeoutError):
                async with asyncio.timeout(FINAL_WITHIN_S):
                    await self._settle()
            state = DrillState.DONE
        except Exception:  # noqa: BLE001  the top of a task: whoever looks is told by its state
            _log.exception("a drill has failed")
        finally:
            self._sandbox.inbox.on_caught.remove(self._note)
            await self._sandbox.put_faults(self.record.first)
            self.record.state, self.record.ended_at = state, time.time()

    async def _play(self) -> None:
        over = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._send_steadily(over))
            for part in DRILL:
                await self._sandbox.put_faults(self.record.first, *([] if part.fault is None else [part.fault]))
                run = Run(part, time.time())
                self.record.runs.append(run)
                await asyncio.sleep(part.length * self.record.request.part_s)
                run.to_at = time.time()
            over.set()

    async def _send_steadily(self, over: asyncio.Event) -> None:
        """Each at its time, whether the ones before were answered or not."""
        loop = asyncio.get_running_loop()
        begun = loop.time()
        async with asyncio.TaskGroup() as group:
            for number in count():
                await asyncio.sleep(max(0.0, begun + number / self.record.request.per_s - loop.time()))
                if over.is_set():
                    return
                group.create_task(self._send(number))

    async def _send(self, number: int) -> None:
        draft = Draft(
            sender=Address("drill@example.com", "Everpost drill"),
            to=(Address("bob@example.org"),),
            subject=f"Drill, mail {number + 1}",
            text="This mail must arrive once.",
            tags=(self._tag,),
        )
        at, began = time.time(), time.perf_counter()
        accepted = await self._services.acceptor.accept(draft, self._caller)
        id_ = None if isinstance(accepted, Problem) else accepted.stored.message.id
        self.record.sent.append(Sent(id_, at, (time.perf_counter() - began) * 1000))

    def _note(self, caught: Caught) -> None:
        if not caught.lost and caught.delivery_id is not None and self._tag in caught.draft.tags:
            message = caught.delivery_id.partition(".")[0]
            self.record.arrivals.append(Arrival(message, caught.provider, caught.received_at))

    async def _settle(self) -> None:
        """Returns when all of its mails are final."""
        while True:
            for state in _MOVING:
                by = Filter(project=self._caller.project, state=state, tag=self._tag)
                if await self._services.console.messages(by, None, 1):
                    break
            else:
                return
            await asyncio.sleep(LOOK_EVERY_S)
