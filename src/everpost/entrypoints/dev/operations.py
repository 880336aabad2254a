"""The operations of the sandbox: what is there in `everpost dev` only."""

from typing import Any, Final

from everpost.entrypoints.dev.faults import FaultPanel, FaultsPage, FaultsRequest
from everpost.entrypoints.http.operation import Answer, Handler, Operation
from everpost.model.key import Scope
from everpost.sandbox.sandbox import Sandbox

_FAULTS: Final = Answer(status=200, description="As they are now.", schema=FaultsPage)
_BODY: Final = ("bad_json", "body_too_large", "validation_failed")


def sandbox_operations(sandbox: Sandbox) -> tuple[Operation, ...]:
    """Whoever may read may look, and an administrator may break and heal."""
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
            problems=("not_found", *_BODY),
        ),
        _row("DELETE", path, "healSandbox", "Let all of them be well", panel.heal, answers=(_done("They are."),)),
    )


def _done(words: str) -> Answer:
    return Answer(status=204, description=words)


def _row(method: str, path: str, id_: str, summary: str, handle: Handler, **more: Any) -> Operation:
    scope = Scope.READ if method == "GET" else Scope.ADMIN
    return Operation(
        id=id_, method=method, path=path, tag="Sandbox", summary=summary, handle=handle, scope=scope, **more
    )
