"""Drills over the API: one at a time, its progress and its report."""

import asyncio
import time
from typing import Annotated, Final, TypedDict

from msgspec import Meta

from everpost.dialects.native.render import instant
from everpost.entrypoints.dev import charts, report
from everpost.entrypoints.dev.drill import Drill, DrillRequest, Record
from everpost.entrypoints.dev.figures import Figures, figures, waits
from everpost.entrypoints.dev.reading import read
from everpost.entrypoints.http.call import HTML, Call, Reply, json
from everpost.entrypoints.http.problems import problem
from everpost.model.problem import Problem
from everpost.sandbox.sandbox import Sandbox

_POLICY: Final = b"sandbox; default-src 'none'; style-src 'unsafe-inline'"


class DrillView(TypedDict):
    id: str
    started_at: str
    verdict: Annotated[str, Meta(description="In a sentence.")]
    is_good: Annotated[bool, Meta(description="It is over: nothing lost, nothing twice, all acknowledged.")]
    figures: Figures
    charts: Annotated[dict[str, str], Meta(description="`throughput` and `waiting`, as SVG.")]


class Drills:
    """Handlers over one sandbox. The latest drill is kept until the next one."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._drill: Drill | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self, call: Call) -> Reply | Problem:
        """Or joins the one that runs."""
        request = await read(call, DrillRequest)
        if isinstance(request, Problem):
            return request
        accounts = await call.services.console.accounts()
        if self._drill is not None and self._is_running:  # from here to its start nothing is awaited: there is one
            return json(200, _view(self._drill.record))
        first = next(status.account.provider for status in accounts if status.is_default)
        if first not in self._sandbox.faults:
            return problem("not_found", f"the sandbox has no {first}, through which mail goes first")
        record = Record(request=request, first=first, started_at=time.time())
        self._drill = Drill(self._sandbox, call.services, call.caller, record)
        self._task = asyncio.create_task(self._drill.run(), name="drill")
        return json(202, _view(record))

    async def show(self, _call: Call) -> Reply | Problem:
        return _none() if self._drill is None else json(200, _view(self._drill.record))

    async def report(self, _call: Call) -> Reply | Problem:
        if self._drill is None:
            return _none()
        record = self._drill.record
        page = report.render(figures(record, time.time()), waits(record))
        headers = (
            (b"content-security-policy", _POLICY),
            (b"content-disposition", b'attachment; filename="everpost-drill.html"'),
        )
        return Reply(status=200, body=page.encode(), content_type=HTML, headers=headers)

    async def end(self, _call: Call) -> Reply:
        await self.stop()
        return Reply(status=204, body=b"")

    async def stop(self) -> None:
        """The first provider is well again when this returns."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    @property
    def _is_running(self) -> bool:
        return self._task is not None and not self._task.done()


def _none() -> Problem:
    return problem("not_found", "no drill was run here yet")


def _view(record: Record) -> DrillView:
    told = figures(record, time.time())
    return {
        "id": f"{int(record.started_at * 1000)}",
        "started_at": instant(record.started_at),
        "verdict": report.verdict(told),
        "is_good": report.is_good(told),
        "figures": told,
        "charts": {"throughput": charts.throughput(told), "waiting": charts.waiting(told, waits(record))},
    }
