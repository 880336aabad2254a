"""The operations of the sandbox: what is there in `everpost dev` only."""

from typing import Any, Final

from everpost.entrypoints.dev.drill import DrillRequest
from everpost.entrypoints.dev.drills import Drills, DrillView
from everpost.entrypoints.dev.faults import FaultPanel, FaultsPage, FaultsRequest
from everpost.entrypoints.http.call import HTML
from everpost.entrypoints.http.operation import Answer, Handler, Operation
from everpost.model.key import Scope
from everpost.sandbox.sandbox import Sandbox

_FAULTS: Final = Answer(status=200, description="As they are now.", schema=FaultsPage)


def sandbox_operations(sandbox: Sandbox, drills: Drills) -> tuple[Operation, ...]:
    """Whoever may read may look, and an administrator may break and heal."""
    return (*_faults(sandbox), *_drill(drills))


def _faults(sandbox: Sandbox) -> tuple[Operation, ...]:
    panel, path = FaultPanel(sandbox), "/v1/sandbox/faults"
    example = {"faults": [{"kind": "status", "status": 503, "share": 0.3, "for_s": 60}]}
    return (
        _row("GET", path, "listFaults", "How the sandbox providers misbehave", panel.show, answers=(_FAULTS,)),
        _row(
            "PUT",
            path + "/{provider}",
            "putFaults",
            "Let a sandbox provider misbehave, or be well again",
            panel.put,
            answers=(_FAULTS,),
            body=FaultsRequest,
            example=example,
            problems=("not_found",),
        ),
        _row("DELETE", path, "healSandbox", "Let all of them be well", panel.heal, answers=(_done("They are."),)),
    )


def _drill(drills: Drills) -> tuple[Operation, ...]:
    path = "/v1/sandbox/drill"
    shown = Answer(status=200, description="As it is now.", schema=DrillView)
    page = Answer(status=200, description="One HTML file, without scripts.", content_type=HTML)
    begun = (Answer(status=202, description="It runs.", schema=DrillView), shown)
    more = {"body": DrillRequest, "body_required": False, "example": {"part_s": 5, "per_s": 10}, "answers": begun}
    none = ("not_found",)
    return (
        _row("POST", path, "startDrill", "Run an outage by a script", drills.start, problems=none, **more),
        _row("GET", path, "getDrill", "The latest drill", drills.show, answers=(shown,), problems=none),
        _row("DELETE", path, "stopDrill", "Stop the drill that runs", drills.end, answers=(_done("None runs."),)),
        _row("GET", f"{path}/report", "getDrillReport", "Its report", drills.report, answers=(page,), problems=none),
    )


def _done(words: str) -> Answer:
    return Answer(status=204, description=words)


def _row(method: str, path: str, id_: str, summary: str, handle: Handler, **more: Any) -> Operation:
    scope = Scope.READ if method == "GET" else Scope.ADMIN
    return Operation(
        id=id_, method=method, path=path, tag="Sandbox", summary=summary, handle=handle, scope=scope, **more
    )
